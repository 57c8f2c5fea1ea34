"""What ElastiCache takes as an access string, and as passwords. Pure.

User guide, "Role-Based Access Control": no passwords and no ``reset`` in an access string, no
command that is forbidden; a user without ``on`` is off. Passwords: one or two, 16 to 128 printable
characters without ``, " / @`` and spaces.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Iterator, Sequence
from typing import Final

from tests.standin.aws.emulator.elasticache.faults import invalid


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FORBIDDEN: Final = _words(
    "acl|setuser acl|load acl|save acl|deluser bgrewriteaof bgsave cluster|addslots "
    "cluster|addslotsrange cluster|bumpepoch cluster|delslots cluster|delslotsrange "
    "cluster|failover cluster|flushslots cluster|forget cluster|links cluster|meet "
    "cluster|setslot config debug migrate psync replicaof save shutdown slaveof sync"
)
_CATEGORIES: Final = _words(
    "all admin bitmap blocking bloom connection dangerous fast geo hash hyperloglog json "
    "keyspace list pubsub read scripting search set slow sortedset stream string transaction "
    "write"
)
_WORDS: Final = _words(
    "on off allkeys resetkeys allchannels resetchannels allcommands nocommands "
    "sanitize-payload skip-sanitize-payload clearselectors alldbs resetdbs"
)
_ONLY_OUTSIDE: Final = frozenset(
    ("on", "off", "skip-sanitize-payload", "sanitize-payload", "clearselectors")
)
_COMMAND: Final = re.compile(r"[a-z0-9][a-z0-9._-]*(\|[a-z0-9][a-z0-9_-]*)?")
_KEYS: Final = re.compile(r"(~|%(R|W|RW|WR)~)\S+")
_DATABASES: Final = re.compile(r"db=\d+(,\d+)*")
_SELECTOR: Final = re.compile(r"\([^()]*\)")
_PASSWORD_CHARACTERS: Final = frozenset(
    string.ascii_letters + string.digits + string.punctuation
) - frozenset(',"/@')
_SHORTEST, _LONGEST, _MOST = 16, 128, 2


def check_access_string(text: str) -> str:
    """The string itself, trimmed.

    Raises:
        Fault: InvalidParameterValue, with the part that is not taken.
    """
    if not text.strip():
        raise invalid("AccessString must not be empty.")
    for selector, rule in _rules(text):
        _check_rule(rule, inside=selector)
    return " ".join(text.split())


def check_passwords(passwords: Sequence[str]) -> tuple[str, ...]:
    """Their hashes, as a server takes them. A password is in no error."""
    if len(passwords) > _MOST:
        raise invalid(f"A user can have at most {_MOST} passwords.")
    for password in passwords:
        if not _SHORTEST <= len(password) <= _LONGEST:
            raise invalid(f"Passwords length must be between {_SHORTEST}-{_LONGEST} characters.")
        if not _PASSWORD_CHARACTERS.issuperset(password):
            raise invalid(
                'Passwords must be printable characters without spaces and without , " / and @.'
            )
    if len(set(passwords)) != len(passwords):
        raise invalid("Passwords of a user must differ.")
    return tuple(hashlib.sha256(password.encode()).hexdigest() for password in passwords)


def _rules(text: str) -> Iterator[tuple[bool, str]]:
    outside = _SELECTOR.sub(" ", text)
    if "(" in outside or ")" in outside:
        raise invalid("AccessString has a selector whose parentheses do not match.")
    for rule in outside.split():
        yield False, rule
    for selector in _SELECTOR.findall(text):
        for rule in selector[1:-1].split():
            yield True, rule


def _check_rule(rule: str, *, inside: bool) -> None:
    first, rest = rule[0], rule[1:]
    if first in "><#!" or rule in ("nopass", "resetpass", "reset"):
        # The rule may hold a password.
        raise invalid("AccessString must not set or reset passwords; use Passwords.")
    if rule in _WORDS:
        if inside and rule in _ONLY_OUTSIDE:
            raise invalid(f"AccessString has {rule} in a selector.")
        return
    if first in ("~", "%"):
        if not _KEYS.fullmatch(rule):
            raise invalid(f"AccessString has a key pattern that is not one: {rule}.")
    elif first == "&":
        if not rest:
            raise invalid("AccessString has an empty channel pattern.")
    elif first in "+-":
        _check_command(first, rest.lower())
    elif not _DATABASES.fullmatch(rule):
        raise invalid(f"AccessString has a rule that is not known: {rule}.")


def _check_command(sign: str, command: str) -> None:
    if command.startswith("@"):
        if command[1:] not in _CATEGORIES:
            raise invalid(f"AccessString has a category that is not known: {command}.")
        return
    if not _COMMAND.fullmatch(command):
        raise invalid(f"AccessString has a command that is not one: {sign}{command}.")
    if command in _FORBIDDEN or command.partition("|")[0] in _FORBIDDEN:
        raise invalid(f"AccessString names a command that is forbidden: {command}.")
