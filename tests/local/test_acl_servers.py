"""The ACL files on real servers of every version of the matrix: they load, and deny."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hiredis
import pytest

from holdfast.roles import SENTINEL_RULES, Role
from tests.servers import (
    Install,
    RawConnection,
    Servers,
    installs,
    start_cluster,
    start_sentinel,
    start_standalone,
    wait_until,
)

_INSTALLS = installs()

pytestmark = pytest.mark.skipif(not _INSTALLS, reason="no server: set HOLDFAST_TEST_SERVERS")


@pytest.fixture(scope="module", params=_INSTALLS, ids=lambda i: f"{i.engine}-{i.version}")
def install(request: pytest.FixtureRequest) -> Install:
    found = request.param
    assert isinstance(found, Install)
    return found


@pytest.fixture(scope="module")
def server(install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with start_standalone(install, tmp_path_factory.mktemp("acl")) as servers:
        yield servers


def _denied(connection: RawConnection, *words: str) -> bool:
    try:
        connection.call(*words)
    except hiredis.ReplyError as error:
        if str(error).startswith("NOPERM"):
            return True
        raise
    return False


def test_every_role_can_log_in_and_default_cannot(server: Servers) -> None:
    for role in Role:
        server.open("valkey-0", role).close()
    with server.open("valkey-0", None) as connection:
        for words in (("PING",), ("AUTH", "default", ""), ("AUTH", "anything")):
            with pytest.raises(hiredis.ReplyError, match=r"NOAUTH|WRONGPASS"):
                connection.call(*words)


def test_what_scripts_wrote_is_there_again_after_a_crash(install: Install, tmp_path: Path) -> None:
    script = "redis.call('SET', KEYS[1], '1') redis.call('SET', KEYS[2], '2')"
    with start_standalone(install, tmp_path) as servers:
        with servers.open("valkey-0", Role.ADMIN) as connection:
            connection.call("EVAL", script, "2", "a", "b")
            assert connection.call("DBSIZE") == 2
        servers.kill("valkey-0")
        servers.start("valkey-0")
        with servers.open("valkey-0", Role.ADMIN) as connection:
            assert connection.call("DBSIZE") == 2


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_no_role_but_admin_may_read_secrets_or_destroy(server: Servers, role: Role) -> None:
    with server.open("valkey-0", role) as connection:
        for words in (
            ("CONFIG", "GET", "masterauth"),
            ("ACL", "LIST"),
            ("KEYS", "*"),
            ("SCAN", "0"),
            ("FLUSHALL",),
            ("MONITOR",),
            ("SHUTDOWN", "NOSAVE"),
            ("EVAL", "return 1", "0"),
            ("GET", "other:sess:{b00}:t:x"),
            ("PUBLISH", "other:evt:{b00}", "x"),
            ("SUBSCRIBE", "other:evt:{b00}"),
        ):
            assert _denied(connection, *words), words


def test_the_application_may_use_its_own_prefix_and_channels(server: Servers) -> None:
    with server.open("valkey-0", Role.SVC) as connection:
        for kind in ("sess", "hist", "tool", "lease", "user", "cache"):
            assert connection.call("UNLINK", f"agent:{kind}:{{b00}}:t:x") == 0
        assert connection.call("PUBLISH", "agent:evt:{b00}", "x") == 0
        for kind in ("outbox", "due"):
            assert _denied(connection, "UNLINK", f"agent:{kind}:{{b00}}")
        assert _denied(connection, "UNLINK", "agentx:sess:{b00}:t:x")


def test_a_monitor_sees_figures_and_no_data(server: Servers) -> None:
    with server.open("valkey-0", Role.MONITOR) as connection:
        assert "maxmemory_policy:volatile-lru" in connection.call("INFO", "memory")
        assert connection.call("XLEN", "agent:outbox:{b00}") == 0
        assert _denied(connection, "HGETALL", "agent:sess:{b00}:t:x")
        assert _denied(connection, "XADD", "agent:outbox:{b00}", "*", "a", "b")


def test_a_rotated_password_works_beside_the_old_one_until_that_is_dropped(
    server: Servers,
) -> None:
    old = server.passwords[Role.PROBE][0]
    server.set_passwords(Role.PROBE, "new-password", old)
    for password in ("new-password", old):
        with server.open("valkey-0", None) as connection:
            assert connection.call("AUTH", "probe", password) == "OK"
    server.set_passwords(Role.PROBE, "new-password")
    with (
        server.open("valkey-0", None) as connection,
        pytest.raises(hiredis.ReplyError, match="WRONGPASS"),
    ):
        connection.call("AUTH", "probe", old)


def _usable(sentinel: RawConnection) -> str:
    """How many Sentinels there are for a quorum; a moment after the start one may seem down."""
    try:
        return str(sentinel.call("SENTINEL", "CKQUORUM", "holdfast-test"))
    except hiredis.ReplyError as error:
        if str(error).startswith("NOQUORUM"):
            return str(error)
        raise


def test_a_sentinel_store_forms_and_its_acl_logs_stay_empty(
    install: Install, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # So slow to give up on anybody that a machine that stalls makes nothing fail over.
    with start_sentinel(
        install, tmp_path_factory.mktemp("acl-sentinel"), down_after_ms=60_000
    ) as servers:
        for node in servers.nodes.values():
            assert servers.call(node.name, "ACL", "LOG") == [], node.name
        for role in Role:
            if role in SENTINEL_RULES:
                servers.open("sentinel-0", role).close()
            else:
                with pytest.raises(hiredis.ReplyError, match="WRONGPASS"):
                    servers.open("sentinel-0", role)
        with servers.open("sentinel-0", Role.SVC) as connection:
            assert connection.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "holdfast-test")
            for words in (
                ("SENTINEL", "FAILOVER", "holdfast-test"),
                ("SENTINEL", "RESET", "*"),
                ("SENTINEL", "MASTERS"),
                ("SHUTDOWN",),
            ):
                assert _denied(connection, *words), words
        with servers.open("sentinel-0", Role.MONITOR) as connection:
            wait_until("all three to be usable", lambda: _usable(connection).startswith("OK 3"))


def test_a_cluster_forms_and_its_acl_logs_stay_empty(
    install: Install, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with start_cluster(install, tmp_path_factory.mktemp("acl-cluster")) as servers:
        for node in servers.nodes.values():
            assert servers.call(node.name, "ACL", "LOG") == [], node.name
        with servers.open("valkey-0", Role.SVC) as connection:
            assert connection.call("CLUSTER", "SLOTS")
            assert _denied(connection, "CLUSTER", "NODES")
            assert _denied(connection, "PUBLISH", "agent:evt:{b00}", "x")
        with servers.open("valkey-0", Role.MONITOR) as connection:
            assert "cluster_state:ok" in connection.call("CLUSTER", "INFO")
