"""Users of the control plane as ACL rules of a real server. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.aws.access import ABSENT_ON_SERVERLESS, RESTRICTED
from tests.standin.aws.dataplane.api import Authentication, UserState
from tests.standin.aws.dataplane.tokens import Target, token_hashes

INTERNAL_USER: Final = "_emulator"
"""By which the plane itself logs in and replicas follow. AWS has such users too, unseen."""

DEFAULT_USER: Final = "default"

_OFF: Final = ("reset", "off")
_SELECTOR_END: Final = ")"
_ABSENT: Final = {False: RESTRICTED, True: RESTRICTED | ABSENT_ON_SERVERLESS}
"""What ElastiCache and its serverless caches let nobody do. AWS answers that there is no such
command, a server here NOPERM."""


def rules_of(
    users: Mapping[str, UserState] | None, target: Target, now: float
) -> dict[str, tuple[str, ...]]:
    """Words for ``ACL SETUSER`` of everybody, from nothing: what was there before does not count.

    ``default`` is among them: open to all where no group is attached.

    Args:
        users: by login name.
        target: whose users they are.
        now: seconds since the epoch, for logins by IAM.
    """
    if users is None:
        open_to_all = _permissions("on ~* &* +@all", target)
        return {DEFAULT_USER: ("reset", *open_to_all, "nopass")}
    rules = {
        name: ("reset", *_permissions(user.access_string, target), *_proofs(user, target, now))
        for name, user in users.items()
    }
    return {DEFAULT_USER: _OFF, **rules}


def acl_file(rules: Mapping[str, tuple[str, ...]], internal_hash: str) -> str:
    """``users.acl``, so that a server has its users from the moment it listens."""
    everybody = {INTERNAL_USER: ("on", "~*", "&*", "+@all", f"#{internal_hash}"), **rules}
    lines = []
    for name, words in everybody.items():
        # A file takes no `reset`: its users are new.
        lines.append(" ".join(("user", name, *(word for word in words if word != "reset"))))
    return "\n".join(lines) + "\n"


def _proofs(user: UserState, target: Target, now: float) -> tuple[str, ...]:
    match user.authentication:
        case Authentication.PASSWORD:
            digests = user.password_hashes
        case Authentication.IAM:
            digests = token_hashes(target, user.user_id, now)
        case Authentication.NO_PASSWORD:
            return ("nopass",)
    return tuple(f"#{digest}" for digest in digests)


def _permissions(access_string: str, target: Target) -> list[str]:
    """Words of an access string (a selector is one word), restricted commands taken out of each."""
    absent = sorted(_ABSENT[target.serverless])
    words: list[str] = []
    selector: list[str] = []
    for word in access_string.split():
        if selector or word.startswith("("):
            selector.append(word)
            if word.endswith(_SELECTOR_END):
                inside = " ".join(selector).removeprefix("(").removesuffix(_SELECTOR_END)
                words.append(f"({' '.join(_without(inside.split(), absent))})")
                selector = []
        else:
            words.append(word)
    return _without(words, absent)


def _without(words: list[str], absent: list[str]) -> list[str]:
    wide = any(word.startswith(("+@", "allcommands")) for word in words)
    return [*words, *(f"-{command}" for command in absent)] if wide else words
