"""Access strings of ElastiCache on real servers: they are understood, allow and deny.

AWS checks more than a server does; this shows what the strings mean, not that AWS takes them.
"""

from __future__ import annotations

from collections.abc import Iterator

import hiredis
import pytest

from holdfast.aws.access import access_string
from holdfast.roles import APPLICATION_ROLES, Role
from holdfast.verify.nodes import pairs
from tests.servers import Install, RawConnection, Servers, installs, start_standalone
from tests.standin.aws.emulator.elasticache.printed import printed_access_string

_INSTALLS = [install for install in installs() if install.engine == "valkey"]
_KINDS = (
    {"cluster": False, "serverless": False},
    {"cluster": True, "serverless": False},
    {"cluster": False, "serverless": True},
)

pytestmark = pytest.mark.skipif(not _INSTALLS, reason="no server: set HOLDFAST_TEST_SERVERS")


@pytest.fixture(scope="module", params=_INSTALLS, ids=lambda i: f"{i.engine}-{i.version}")
def install(request: pytest.FixtureRequest) -> Install:
    found = request.param
    assert isinstance(found, Install)
    return found


@pytest.fixture(scope="module")
def server(install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with start_standalone(install, tmp_path_factory.mktemp("access")) as servers:
        yield servers


@pytest.fixture
def operator(server: Servers) -> Iterator[RawConnection]:
    with server.open("valkey-0", Role.ADMIN) as connection:
        yield connection


def _version(install: Install) -> str:
    return ".".join(install.version.split(".")[:2])


def _define(operator: RawConnection, install: Install, role: Role, **kind: bool) -> str:
    """Make the user as AWS would, and return its name."""
    name = f"aws-{role}"
    text = access_string(role, "agent", version=_version(install), **kind)
    # A user that was there would keep what the new string does not take away.
    operator.call("ACL", "DELUSER", name)
    # Quoting is for files: a selector is one argument.
    operator.call("ACL", "SETUSER", name, *_arguments(text), ">0123456789abcdef")
    return name


def _arguments(text: str) -> list[str]:
    """Words, a selector in one piece."""
    found: list[str] = []
    for word in text.split():
        if found and found[-1].startswith("(") and not found[-1].endswith(")"):
            found[-1] += f" {word}"
        else:
            found.append(word)
    return found


def _allowed(operator: RawConnection, name: str, *words: str) -> bool:
    return bool(operator.call("ACL", "DRYRUN", name, *words) == "OK")


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("role", APPLICATION_ROLES)
def test_a_server_understands_every_string(
    role: Role, kind: dict[str, bool], install: Install, operator: RawConnection
) -> None:
    name = _define(operator, install, role, **kind)
    flags = pairs(operator.call("ACL", "GETUSER", name))["flags"]
    assert "on" in flags
    assert "nopass" not in flags


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("role", APPLICATION_ROLES)
def test_a_server_prints_every_string_as_it_was_given(
    role: Role, kind: dict[str, bool], install: Install, operator: RawConnection
) -> None:
    name = _define(operator, install, role, **kind)
    text = access_string(role, "agent", version=_version(install), **kind)
    assert _printed(operator, name) == text


@pytest.mark.parametrize(
    "text",
    [
        "off +get ~keys* resetchannels",
        "on resetkeys resetchannels -@all +get ~a:* &b:*",
        "on allkeys allchannels allcommands",
        "on &a &b %RW~a %R~b %W~b %R~c",
        "on resetchannels +GET -get +client|list -client",
        "on resetchannels +client -client|kill +client|list",
        "on resetchannels +@write +@all -@dangerous +info",
        "on resetchannels +get (+set ~b:* -@write resetchannels) ~a:*",
        "on resetchannels (~a +get resetchannels) clearselectors (~b +get resetchannels)",
    ],
)
def test_the_emulated_service_prints_a_string_as_a_server_does(
    text: str, operator: RawConnection
) -> None:
    operator.call("ACL", "DELUSER", "any")
    operator.call("ACL", "SETUSER", "any", *_arguments(text), ">0123456789abcdef")
    assert _printed(operator, "any") == printed_access_string(text)


def _printed(operator: RawConnection, name: str) -> str:
    """A user's rules in ``ACL LIST``, without what ElastiCache shows apart or not at all."""
    lines = [line.split(" ") for line in operator.call("ACL", "LIST")]
    (words,) = (line[2:] for line in lines if line[1] == name)
    unshown = ("sanitize-payload", "alldbs")
    kept = [word for word in words if not word.startswith("#") and word not in unshown]
    return " ".join(kept)


_MAY: tuple[tuple[str, ...], ...] = (
    ("HGETALL", "agent:sess:{b00}:t:s"),
    ("UNLINK", "agent:sess:{b00}:t:s"),
    ("INFO",),
    ("CLIENT", "LIST"),
    ("CLIENT", "KILL", "USER", "svc"),
    ("SLOWLOG", "GET"),
)
_MAY_NOT: tuple[tuple[str, ...], ...] = (
    ("GET", "other:x"),
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("KEYS", "*"),
    ("CONFIG", "GET", "*"),
    ("ACL", "SETUSER", "x"),
    ("SHUTDOWN",),
    ("DEBUG", "SLEEP", "1"),
    ("REPLICAOF", "NO", "ONE"),
    ("PUBLISH", "other:x", "y"),
)


def test_break_glass_reaches_its_application_and_takes_nothing_down(
    install: Install, operator: RawConnection
) -> None:
    name = _define(operator, install, Role.ADMIN, cluster=False)
    assert [words for words in _MAY if not _allowed(operator, name, *words)] == []
    assert [words for words in _MAY_NOT if _allowed(operator, name, *words)] == []


def test_an_application_has_its_own_commands_and_keys_alone(
    install: Install, operator: RawConnection
) -> None:
    name = _define(operator, install, Role.SVC, cluster=False)
    assert _allowed(operator, name, "HGETALL", "agent:sess:{b00}:t:s")
    for words in (
        ("GET", "other:x"),
        ("XADD", "agent:outbox:{b00}", "*", "a", "b"),
        ("SCAN", "0"),
        ("RANDOMKEY",),
        ("INFO",),
        ("EVAL", "return 1", "0"),
    ):
        assert not _allowed(operator, name, *words), words


def test_a_user_logs_in_with_either_of_two_passwords(install: Install, server: Servers) -> None:
    with server.open("valkey-0", Role.ADMIN) as operator:
        name = _define(operator, install, Role.SVC, cluster=False)
        operator.call("ACL", "SETUSER", name, ">fedcba9876543210")
    with server.open("valkey-0", None) as connection:
        for password in ("0123456789abcdef", "fedcba9876543210"):
            assert connection.call("AUTH", name, password) == "OK"
        with pytest.raises(hiredis.ReplyError, match="WRONGPASS"):
            connection.call("AUTH", name, "neither-of-the-two")
