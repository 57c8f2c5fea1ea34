"""ACL files for servers and Sentinels, rendered from the rules of :mod:`holdfast.roles`.

The files hold digests, never passwords, and switch ``default`` off. A user may have several
digests at once: that is how a password is rotated without a failed request.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

from holdfast.connection import Topology
from holdfast.errors import ConfigError
from holdfast.keys import validate_app
from holdfast.roles import APP, Place, Role, Rule, Selector, rule_for

ENGINES: Final = ("valkey", "redis")
REVISION_USER: Final = "_rev"

_HASH: Final = re.compile(r"[0-9a-f]{64}\Z")
_VERSION: Final = re.compile(r"\d+(\.\d+)*")


def password_hash(password: str) -> str:
    """SHA-256 of a password in hexadecimal, as ACL rules take it after ``#``."""
    return hashlib.sha256(password.encode()).hexdigest()


def parse_version(version: str) -> tuple[int, ...]:
    """``"9.1.2"`` as numbers; a suffix such as ``-rc1`` is left out.

    Raises:
        ConfigError: it does not begin with a number.
    """
    match = _VERSION.match(version)
    if match is None:
        raise ConfigError("engine version", version, "numbers such as 9.1.2", "fix it")
    return tuple(int(part) for part in match.group().split("."))


def server_acl_file(
    app: str,
    hashes: Mapping[Role, Sequence[str]],
    *,
    engine: str,
    version: str,
    topology: Topology | str,
) -> str:
    """The ``users.acl`` of a server.

    Args:
        app: the key prefix that the application roles are held to.
        hashes: digests by role, newest first. A role that is absent cannot log in.
        engine: ``valkey`` or ``redis``.
        version: of the server, e.g. ``9.1.2``.
        topology: of the store; a cluster needs other commands.

    Raises:
        ConfigError: an unknown engine, a bad prefix, or something that is no digest.
    """
    cluster = Topology(topology) is Topology.CLUSTER
    return _file(Place.SERVER, validate_app(app), hashes, engine, version, cluster=cluster)


def sentinel_acl_file(hashes: Mapping[Role, Sequence[str]], *, engine: str, version: str) -> str:
    """The ``users.acl`` of a Sentinel: who may ask, who may fail over, and the other Sentinels.

    Roles without a rule on Sentinels (``replica``, ``backup``) are left out.

    Raises:
        ConfigError: an unknown engine, or something that is no digest.
    """
    return _file(Place.SENTINEL, "", hashes, engine, version, cluster=False)


def with_revision(text: str) -> str:
    """An ACL file that says which one it is: a last user who can do nothing, named ``_rev``.

    Its password's digest is that of the lines before. Read back from a server, it proves that the
    server has loaded this file.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{text}user {REVISION_USER} off #{digest} resetkeys resetchannels -@all\n"


def role_rule(role: Role, app: str, *, engine: str, version: str, topology: Topology | str) -> str:
    """A role's permissions on servers without its password, as ``ACL SETUSER`` takes them."""
    cluster = Topology(topology) is Topology.CLUSTER
    rule = rule_for(
        role,
        Place.SERVER,
        engine=_engine(engine),
        version=parse_version(version),
        cluster=cluster,
    )
    if rule is None:
        raise ConfigError("role", str(role), "a role that servers know", "choose another")
    return permissions(rule, validate_app(app))


def _file(
    place: Place,
    app: str,
    hashes: Mapping[Role, Sequence[str]],
    engine: str,
    version: str,
    *,
    cluster: bool,
) -> str:
    engine, numbers = _engine(engine), parse_version(version)
    # The server starts with an open `default`; only this line closes it. It is allowed everything
    # all the same, which is of use to nobody: off and without a password, it cannot log in. But a
    # server that reads its append-only file acts as `default`, and before Valkey 9.1 it checks
    # what that may do: it would silently leave out every write of a script or a transaction
    # (valkey-io/valkey issue 3983, redis/redis issue 14541).
    lines = ["user default off sanitize-payload resetpass allkeys allchannels +@all"]
    for role in Role:
        rule = rule_for(role, place, engine=engine, version=numbers, cluster=cluster)
        if rule is None or role not in hashes:
            continue
        digests = _digests(role, hashes[role])
        lines.append(f"user {role} on {digests} {permissions(rule, app)}")
    return "\n".join(lines) + "\n"


def _engine(engine: str) -> str:
    if engine not in ENGINES:
        raise ConfigError("engine", engine, f"one of {', '.join(ENGINES)}", "fix it")
    return engine


def _digests(role: Role, hashes: Sequence[str]) -> str:
    if isinstance(hashes, str) or not hashes or not all(_HASH.match(text) for text in hashes):
        # The value might be a password by mistake, therefore it is not shown.
        raise ConfigError(
            f"acl.{role}",
            "(hidden)",
            "a list of SHA-256 digests, 64 of 0-9 and a-f",
            "use password_hash()",
        )
    return " ".join(f"#{text}" for text in dict.fromkeys(hashes))


def permissions(rule: Rule, app: str) -> str:
    """A rule as ``ACL SETUSER`` takes it, for the keys of one application."""
    if rule.unlimited:
        return "allkeys allchannels +@all"
    words = ["resetkeys", "resetchannels", "-@all"]
    words += [f"+{command}" for command in rule.commands]
    words += [pattern.replace(APP, app) for pattern in (*rule.keys, *rule.channels)]
    words += [_selector(selector, app) for selector in rule.selectors]
    return " ".join(words)


def _selector(selector: Selector, app: str) -> str:
    words = ["-@all", *(f"+{command}" for command in selector.commands)]
    words += [pattern.replace(APP, app) for pattern in selector.keys]
    return f"({' '.join(words)})"
