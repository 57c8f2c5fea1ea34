"""What one session occupies in the server's memory, structure by structure.

The model follows the servers' own layout (listpack, quicklist, hash table, skip list) under the
settings that the kit gives them, and rounds to the allocator's size classes as jemalloc does.
Where versions differ the larger layout counts. Every figure grows with every input.

``tests/local/test_sizing.py`` holds it to ``MEMORY USAGE`` and to ``used_memory`` of real servers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from holdfast.commands.inputs import FIELD_PREFIX
from holdfast.commands.session import TIMELINE_PREFIX_BYTES
from holdfast.keys import History

HASH_MAX_LISTPACK_VALUE_BYTES: Final = 1024
"""``hash-max-listpack-value`` of the kit's servers: a larger value turns the hash into a table."""

_QUANTUM: Final = 16
_GROUP_SHIFT: Final = 2
_LISTPACK_ENDS: Final = 7
_QUICKLIST_NODE_LIMIT: Final = 8192
_QUICKLIST_NODE_MARGIN: Final = 11
_QUICKLIST: Final = 48
_QUICKLIST_NODE: Final = 32
_ZSET_MAX_LISTPACK_VALUE: Final = 64
_MAX_LISTPACK_ENTRIES: Final = 128
_SKIPLIST_LINKS: Final = 32
_SKIPLIST_NODE: Final = 64
_SKIPLIST_TABLE: Final = 32
_TABLE_ENTRY: Final = 64
_OBJECT: Final = 16
_KEY_ENTRY: Final = 16
_KEY_TABLES: Final = 56
_SDS: Final = 4
_BIG_SDS: Final = 6
_SMALL_SDS_BYTES: Final = 250
_INTEGER_ENTRY: Final = 10

_SESSION_ID_BYTES: Final = 43
_USER_DIGEST_BYTES: Final = 16
_BUCKET_TAG_BYTES: Final = 6
_TURN_WINDOW: Final = 16
_TURN_BYTES: Final = 1 + 32 + 1 + 3
_OWN_TEXTS: Final = (
    ("turns", 1 + _TURN_WINDOW * _TURN_BYTES),
    ("storage", 22),
    ("lease", 22),
    ("kind", 8),
    ("hk", 1),
    ("user", 16),
)
_OWN_NUMBERS: Final = (
    *(("seq", 4), ("n", 4), ("tn", 4), ("limit", 4), ("fence", 4), ("ttl_ms", 6)),
    *(("created_ms", 10), ("updated_ms", 10), ("deadline_ms", 10)),
)
_CALL_ID_BYTES: Final = 24
_CALL_HEAD_BYTES: Final = 48


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of one session by key; each includes its name and its place in the key tables.

    Attributes:
        session_bytes: the hash: state, the window of turn ids, metadata.
        history_bytes: the messages.
        tools_bytes: the tool calls; 0 without any.
        index_bytes: the session's share of its user's index.
    """

    session_bytes: int
    history_bytes: int
    tools_bytes: int
    index_bytes: int

    @property
    def total_bytes(self) -> int:
        """All of it."""
        return self.session_bytes + self.history_bytes + self.tools_bytes + self.index_bytes


def allocated(size: int) -> int:
    """What jemalloc hands out for a request: steps of 16 to 128, then four a doubling."""
    if size <= 8 * _QUANTUM:
        return -(-size // _QUANTUM) * _QUANTUM
    step = 1 << ((size - 1).bit_length() - 1 - _GROUP_SHIFT)
    return -(-size // step) * step


def session_hash(*, prefix_bytes: int, fields: int, field_bytes: int) -> int:
    """The session's hash.

    Args:
        prefix_bytes: of the application's and the tenant's name together.
        fields: metadata fields.
        field_bytes: name and value of each.
    """
    key = _key(len("sess") + _session_key_rest(prefix_bytes))
    texts = [(len(name), size) for name, size in _OWN_TEXTS]
    pairs = [(name, size) for name, size in texts] + [
        # Nothing says how name and value share the bytes; a short name costs the most.
        (len(FIELD_PREFIX) + 1, max(field_bytes - 1, 0))
    ] * fields
    numbers = sum(_entry(len(name)) + size for name, size in _OWN_NUMBERS)
    packed = _LISTPACK_ENDS + numbers + sum(_entry(name) + _entry(size) for name, size in pairs)
    if field_bytes <= HASH_MAX_LISTPACK_VALUE_BYTES and (
        len(_OWN_TEXTS) + len(_OWN_NUMBERS) + fields <= _MAX_LISTPACK_ENTRIES
    ):
        return key + allocated(packed)
    table = sum(_table_entry(name, size) for name, size in pairs)
    return key + max(
        allocated(packed),
        table + sum(_table_entry(len(name), 2 * size) for name, size in _OWN_NUMBERS),
    )


def history_keys(*, prefix_bytes: int, history: History, messages: int, message_bytes: int) -> int:
    """The messages of a session; 0 without any."""
    if not messages:
        return 0
    key = _key(len("hist") + _session_key_rest(prefix_bytes))
    if history is History.LIST:
        return key + _quicklist(messages, message_bytes)
    member = TIMELINE_PREFIX_BYTES + message_bytes
    packed = allocated(_LISTPACK_ENDS + messages * (_entry(member) + _INTEGER_ENTRY))
    if member <= _ZSET_MAX_LISTPACK_VALUE and messages <= _MAX_LISTPACK_ENTRIES:
        return key + packed
    return key + max(packed, messages * _skiplist_entry(member))


def tool_hash(*, prefix_bytes: int, calls: int, call_bytes: int) -> int:
    """The tool calls of a session.

    Args:
        prefix_bytes: of the application's and the tenant's name together.
        calls: kept at once (128 at most).
        call_bytes: name, arguments and result of each.
    """
    if not calls:
        return 0
    key = _key(len("tool") + _session_key_rest(prefix_bytes))
    value = _CALL_HEAD_BYTES + call_bytes
    packed = allocated(_LISTPACK_ENDS + calls * (_entry(_CALL_ID_BYTES) + _entry(value)))
    if value <= HASH_MAX_LISTPACK_VALUE_BYTES:
        return key + packed
    return key + max(packed, calls * _table_entry(_CALL_ID_BYTES, value))


def index_share(*, prefix_bytes: int, sessions_per_user: int) -> int:
    """A session's share of the Sorted Set of its user's sessions, rounded up."""
    if not sessions_per_user:
        return 0
    name = len("user") + 3 + _BUCKET_TAG_BYTES + prefix_bytes + _USER_DIGEST_BYTES
    members = sessions_per_user * (_entry(_SESSION_ID_BYTES) + _INTEGER_ENTRY)
    packed = allocated(_LISTPACK_ENDS + members)
    if sessions_per_user > _MAX_LISTPACK_ENTRIES:
        packed = max(packed, sessions_per_user * _skiplist_entry(_SESSION_ID_BYTES))
    return -(-(_key(name) + packed) // sessions_per_user)


def _session_key_rest(prefix_bytes: int) -> int:
    # Two names and four colons around the bucket's tag, then the id.
    return 4 + _BUCKET_TAG_BYTES + prefix_bytes + _SESSION_ID_BYTES


def _key(name_bytes: int) -> int:
    return _OBJECT + allocated(_SDS + name_bytes) + _KEY_ENTRY + _KEY_TABLES


def _entry(size: int) -> int:
    """A text in a listpack: its header, itself, and its length again for reading backwards."""
    header = 1 if size < 64 else 2 if size < 4096 else 5  # noqa: PLR2004 - the format's own bounds
    whole = header + size
    back = 1 if whole < 128 else 2 if whole < 16_384 else 3 if whole < 2_097_152 else 4  # noqa: PLR2004 - as above
    return whole + back


def _quicklist(messages: int, message_bytes: int) -> int:
    entry = _entry(message_bytes)
    in_node = max((_QUICKLIST_NODE_LIMIT - _QUICKLIST_NODE_MARGIN) // entry, 1)
    node = allocated(in_node * entry + _LISTPACK_ENDS) + _QUICKLIST_NODE
    # New messages grow the first node while trimming eats the last: on average each is half full.
    shared = -(-messages * node // in_node)
    only = allocated(min(messages, in_node) * entry + _LISTPACK_ENDS) + _QUICKLIST_NODE
    return _QUICKLIST + max(shared, only)


def _sds(size: int) -> int:
    return size + (_SDS if size <= _SMALL_SDS_BYTES else _BIG_SDS)


def _table_entry(name_bytes: int, value_bytes: int) -> int:
    return allocated(_sds(name_bytes)) + allocated(_sds(value_bytes)) + _TABLE_ENTRY


def _skiplist_entry(member_bytes: int) -> int:
    # Newer servers keep score, links and member in one allocation, older ones in two.
    together = allocated(_sds(member_bytes) + _SKIPLIST_LINKS)
    apart = allocated(_sds(member_bytes)) + _SKIPLIST_NODE
    return max(together, apart) + _SKIPLIST_TABLE
