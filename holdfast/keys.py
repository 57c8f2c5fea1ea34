"""Names in the keyspace: the rules of every key, as pure functions.

Every key of a session carries one hash tag, its bucket, so that a turn touches one slot in a
cluster. The bucket and a digest of the user stand in the session id, therefore every key of a
turn, the user index included, is known from the id alone. User names never appear in a key.
The id's first letter tells how the history is kept, so that a load needs no question first.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from holdfast.errors import ConfigError, InvalidSessionId

DEFAULT_BUCKETS: Final = 64
MAX_BUCKETS: Final = 1024
RESERVED_TENANT: Final = "holdfast-verify"
"""Tenant of smoke, drills and load; applications may not use it."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")
_SESSION_ID: Final = re.compile(
    r"([lt])(\d{2,4})\.([A-Za-z0-9_-]{16})?\.([A-Za-z0-9_-]{22})\Z", re.A
)
_TURN_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}\Z")
_USER_DIGEST_BYTES: Final = 12
_RANDOM_BYTES: Final = 16
_MAX_CACHE_NAME: Final = 512
_MAX_USER: Final = 512


class History(StrEnum):
    """How a session keeps its messages; chosen at creation."""

    LIST = "list"
    TIMELINE = "timeline"

    @property
    def letter(self) -> str:
        """First letter of the ids of such sessions."""
        return self.value[0]


def _crc16_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        table.append(crc & 0xFFFF)
    return tuple(table)


_CRC16: Final = _crc16_table()


def crc16(data: bytes) -> int:
    """CRC-16/XMODEM, the checksum that the cluster specification uses for slots."""
    crc = 0
    for byte in data:
        crc = ((crc << 8) & 0xFFFF) ^ _CRC16[(crc >> 8) ^ byte]
    return crc


def validate_app(app: str) -> str:
    """Check a key prefix. Raises ConfigError."""
    return _validate_name("app", app)


def validate_tenant(tenant: str) -> str:
    """Check a tenant's name. Raises ConfigError."""
    return _validate_name("tenant", tenant)


def _validate_name(field: str, value: str) -> str:
    if not isinstance(value, str) or not _NAME.match(value):
        raise ConfigError(
            field,
            value,
            "1 to 63 of a-z, 0-9, '-' and '_', beginning with a letter or digit",
            "rename it",
        )
    return value


def validate_buckets(buckets: int) -> int:
    """Check the number of buckets. Raises ConfigError."""
    if not 1 <= buckets <= MAX_BUCKETS or buckets & (buckets - 1):
        raise ConfigError(
            "buckets", buckets, f"a power of two from 1 to {MAX_BUCKETS}", "use 64 unless you know"
        )
    return buckets


def validate_turn_id(turn_id: str) -> str:
    """Check a turn id. Raises ConfigError."""
    if not _TURN_ID.match(turn_id):
        raise ConfigError(
            "turn_id", turn_id, "8 to 64 of A-Z, a-z, 0-9, '-' and '_'", "use new_turn_id()"
        )
    return turn_id


def _digest(text: str, size: int) -> str:
    raw = hashlib.blake2s(text.encode(), digest_size=size).digest()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@lru_cache(maxsize=4096)
def user_digest(tenant: str, user: str) -> str:
    """16 characters that stand for a user of a tenant (96 bits of BLAKE2s)."""
    return _digest(f"{tenant}\0{user}", _USER_DIGEST_BYTES)


def new_token(size: int = _RANDOM_BYTES) -> str:
    """Random characters, safe in keys, URLs and cookies (22 for the default 128 bits)."""
    return secrets.token_urlsafe(size)


def mint_session_id(
    tenant: str, user: str | None, buckets: int, history: History = History.LIST
) -> str:
    """A new id: ``<l or t><bucket>.<user digest or nothing>.<128 random bits>``."""
    random = new_token()
    if user is None:
        return f"{history.letter}{bucket_of(random, buckets)}..{random}"
    bucket = user_bucket(tenant, user, buckets)
    return f"{history.letter}{bucket}.{user_digest(tenant, user)}.{random}"


def bucket_of(text: str, buckets: int) -> str:
    """The bucket of any text, with two digits at least."""
    return f"{crc16(text.encode()) % buckets:02d}"


def user_bucket(tenant: str, user: str, buckets: int) -> str:
    """The bucket that all sessions of a user share."""
    return bucket_of(f"{tenant}:{user}", buckets)


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """Every key of one session; ``user`` is None for a session without a user.

    ``timeline`` says that ``history`` is a Sorted Set by time and not a List. ``named`` and
    ``named_with_lease`` are the keys in the order in which the scripts declare them.
    """

    session: str
    history: str
    tools: str
    lease: str
    user: str | None
    channel: str
    timeline: bool
    named: tuple[str, ...]
    named_with_lease: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeySpace:
    """The keys of one application and tenant."""

    app: str
    tenant: str
    buckets: int = DEFAULT_BUCKETS

    def __post_init__(self) -> None:
        """Refuse names that would break out of their place in a key."""
        validate_app(self.app)
        validate_tenant(self.tenant)
        validate_buckets(self.buckets)

    def mint(self, user: str | None, history: History = History.LIST) -> str:
        """A new session id of this tenant."""
        return mint_session_id(self.tenant, user, self.buckets, history)

    def session(self, session_id: str) -> SessionKeys:
        """The keys of a session.

        Raises:
            InvalidSessionId: the id has not the form that :func:`mint_session_id` gives.
        """
        return _session_keys(self.app, self.tenant, self.buckets, session_id)

    def channel(self, session_id: str) -> str:
        """Pub/Sub channel of a session's bucket. Raises InvalidSessionId."""
        return self.session(session_id).channel

    def user_index(self, user: str) -> str:
        """Sorted Set of a user's session ids by last activity (milliseconds)."""
        bucket = user_bucket(self.tenant, user, self.buckets)
        return f"{self.app}:user:{{b{bucket}}}:{self.tenant}:{user_digest(self.tenant, user)}"

    def cache(self, name: str) -> str:
        """Key of a cache entry; any text of up to 512 bytes is a name."""
        if not name or len(name.encode()) > _MAX_CACHE_NAME:
            raise ConfigError("cache name", name, f"1 to {_MAX_CACHE_NAME} bytes", "shorten it")
        bucket = bucket_of(f"{self.tenant}:{name}", self.buckets)
        return f"{self.app}:cache:{{b{bucket}}}:{self.tenant}:{quote(name, safe='')}"

    def cache_lock(self, name: str) -> str:
        """Key that marks who computes a cache entry; same slot as the entry."""
        # quote() never leaves a '!' in a name, so no entry can have this key.
        return f"{self.cache(name)}!lock"


@lru_cache(maxsize=8192)
def _session_keys(app: str, tenant: str, buckets: int, session_id: str) -> SessionKeys:
    match = _SESSION_ID.match(session_id)
    if match is None:
        raise InvalidSessionId(session_id, "session not found: the id is not one of ours")
    letter, bucket, user, random = match.groups()
    number = int(bucket)
    # Without a user the bucket follows from the random part, so a forged one is refused here.
    if (
        number >= buckets
        or f"{number:02d}" != bucket
        or (user is None and bucket_of(random, buckets) != bucket)
    ):
        raise InvalidSessionId(session_id, "session not found: the id is not one of ours")
    tag = f"{{b{bucket}}}"
    end = f"{tag}:{tenant}:{session_id}"
    session, history, tools = f"{app}:sess:{end}", f"{app}:hist:{end}", f"{app}:tool:{end}"
    lease = f"{app}:lease:{end}"
    index = (f"{app}:user:{tag}:{tenant}:{user}",) if user else ()
    return SessionKeys(
        session=session,
        history=history,
        tools=tools,
        lease=lease,
        user=index[0] if index else None,
        channel=f"{app}:evt:{tag}",
        timeline=letter == History.TIMELINE.letter,
        named=(session, history, tools, *index),
        named_with_lease=(session, history, tools, lease, *index),
    )
