"""Smoke against stores that are broken on purpose: each check can fail, and says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from holdfast.connection import Address
from holdfast.roles import Role
from holdfast.verify.catalogue import CHECKS
from holdfast.verify.check import Check, Context
from holdfast.verify.result import CheckResult, Outcome
from holdfast.verify.runner import verify
from tests.servers import (
    SERVICE,
    Install,
    Servers,
    free_port,
    start_cluster,
    start_sentinel,
    start_standalone,
    wait_until,
)

NODE = "valkey-0"


@pytest.fixture(scope="module")
def single(server_install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with start_standalone(server_install, tmp_path_factory.mktemp("broken")) as servers:
        yield servers


@pytest.fixture(scope="module")
def group(server_install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with start_sentinel(
        server_install, tmp_path_factory.mktemp("broken-group"), down_after_ms=60_000
    ) as servers:
        yield servers


def named(*names: str) -> list[Check]:
    """Checks by parts of their names."""
    found = [check for check in CHECKS if any(name in check.name for name in names)]
    assert len(found) == len(names), f"{names} name {[check.name for check in found]}"
    return found


def outcome(servers: Servers, name: str) -> CheckResult:
    report = verify(servers.connection, named(name))
    assert report.checks[-1].group == "cleanup"
    assert report.checks[-1].outcome is not Outcome.FAIL
    return report.checks[0]


def failure(servers: Servers, name: str) -> str:
    """How a check fails; it must."""
    result = outcome(servers, name)
    assert result.outcome is Outcome.FAIL, result
    return str(result.error)


@contextmanager
def set_to(servers: Servers, node: str, **values: str | int) -> Iterator[None]:
    """Settings of a server, put back afterwards."""
    names = {name.replace("_", "-"): value for name, value in values.items()}
    before = {name: servers.call(node, "CONFIG", "GET", name)[1] for name in names}
    for name, value in names.items():
        servers.call(node, "CONFIG", "SET", name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            servers.call(node, "CONFIG", "SET", name, value)


@contextmanager
def user(servers: Servers, node: str, name: str, *rules: str) -> Iterator[None]:
    """Rules of a user; afterwards the file holds again."""
    servers.call(node, "ACL", "SETUSER", name, *rules)
    try:
        yield
    finally:
        servers.call(node, "ACL", "LOAD")


@pytest.mark.parametrize("policy", ["allkeys-lru", "noeviction"])
def test_a_policy_that_evicts_anything_or_nothing_is_found(single: Servers, policy: str) -> None:
    with set_to(single, NODE, maxmemory_policy=policy):
        assert f"found {policy} on 127.0.0.1" in failure(single, "eviction takes only")


def test_another_volatile_policy_than_deployed_is_found(single: Servers) -> None:
    with set_to(single, NODE, maxmemory_policy="volatile-ttl"):
        assert "expected the policy volatile-lru" in failure(single, "eviction takes only")


def test_unlimited_memory_is_found(single: Servers) -> None:
    with set_to(single, NODE, maxmemory=0):
        assert "found maxmemory 0" in failure(single, "memory is limited")


def test_another_limit_than_deployed_is_found(single: Servers) -> None:
    with set_to(single, NODE, maxmemory=128 * 1024 * 1024):
        assert "expected maxmemory 268435456" in failure(single, "memory is limited")


def test_a_missing_append_only_file_is_found(single: Servers) -> None:
    with set_to(single, NODE, appendonly="no"):
        assert "found aof_enabled:0" in failure(single, "append-only file")


def test_a_key_without_ttl_is_found(single: Servers) -> None:
    single.call(NODE, "SET", "agent:sess:{b00}:t:forgotten", "1")
    try:
        assert "found 1 of 1 keys without one" in failure(single, "every key has a TTL")
        with user(single, NODE, "another-app", "on", ">secret", "~another:*", "+@all"):
            result = outcome(single, "every key has a TTL")
            assert result.outcome is Outcome.NOT_CHECKED
            assert "not checkable: 1 keys have no TTL, but another-app share" in result.details
    finally:
        single.call(NODE, "DEL", "agent:sess:{b00}:t:forgotten")
    assert outcome(single, "every key has a TTL").outcome is Outcome.PASS


def test_keys_of_another_database_are_not_ours(single: Servers) -> None:
    with single.open(NODE) as admin:
        admin.call("SELECT", 1)
        admin.call("SET", "x", "1")
        assert outcome(single, "every key has a TTL").outcome is Outcome.PASS
        admin.call("DEL", "x")


def test_an_open_default_user_is_found(single: Servers) -> None:
    with user(single, NODE, "default", "on", "nopass", "+@all", "~*"):
        assert "answered PONG" in failure(single, "nothing is answered without a login")
        assert "random password of 'default'" in failure(single, "the user 'default'")


def test_a_default_user_with_a_password_is_found(single: Servers) -> None:
    with user(single, NODE, "default", "on", ">secret"):
        assert "its flags are on" in failure(single, "the user 'default'")


def test_a_role_that_takes_any_password_is_found(single: Servers) -> None:
    with user(single, NODE, "svc", "nopass"):
        assert "random password of 'svc'" in failure(single, "a wrong password")
        assert "a password" in failure(single, "svc can do its work")


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        (["+flushall"], "svc denied FLUSHALL holdfast-probe"),
        (["+keys"], "svc denied KEYS agent:sess:"),
        (["+config"], "svc denied CONFIG GET"),
        (["+acl"], "svc denied ACL LIST"),
        (["~*"], "svc denied HGETALL agent-other:sess:"),
        (["+rename"], "differs: +rename"),
        (["-hget"], "(lacks +hget)"),
        (["-hgetall"], "svc may HGETALL"),
        (["off"], "refuses the login"),
        (["clearselectors", "(+get ~agent:*)"], "differs: ~agent:*"),
    ],
)
def test_a_role_with_another_rule_is_found(
    single: Servers, rules: Sequence[str], found: str
) -> None:
    single.call(NODE, "SET", "kept", "1", "EX", 60)
    with user(single, NODE, "svc", *rules):
        assert found in failure(single, "svc can do its work")
    # What a wrong rule would allow was not done.
    assert single.call(NODE, "DEL", "kept") == 1
    assert outcome(single, "svc can do its work").outcome is Outcome.PASS


def test_without_admin_a_wrong_rule_is_found_by_trying(single: Servers) -> None:
    narrow = single.connection.for_role(Role.SVC)
    single.call(NODE, "SET", "kept", "1", "EX", 60)
    with user(single, NODE, "svc", "+flushall"):
        report = verify(narrow, named("svc can do its work"))
    assert "svc denied FLUSHALL" in str(report.checks[0].error)
    assert single.call(NODE, "DEL", "kept") == 1


def test_a_denial_that_nobody_provoked_is_found(
    single: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slip(context: Context) -> str:
        address = context.nodes.primaries[0].address
        with context.access.login(address, Role.PROBE) as link:
            link.attempt([("GET", "agent:sess:{b00}:t:x")])
        return ""

    (log,) = named("ACL log")
    slipping = Check(log.group, "a slip", slip)
    report = verify(single.connection, [slipping, log])
    assert "also denied probe: command get" in str(report.checks[1].error)


def test_a_denial_that_was_not_logged_is_found(single: Servers) -> None:
    single.call(NODE, "ACL", "LOG", "RESET")
    with set_to(single, NODE, acllog_max_len=1):
        report = verify(single.connection, named("svc can do its work", "ACL log"))
    assert "did not log svc: command" in str(report.checks[1].error)


def test_another_port_is_found(single: Servers) -> None:
    port = free_port()
    with set_to(single, NODE, port=port):
        assert f"also listens on {port}" in failure(single, "servers listen where")


def test_plain_text_is_found(single: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    (check,) = named("plain text")

    def on_the_plain_port(context: Context) -> str:
        plain = replace(context.nodes.servers[0], address=Address("127.0.0.1", port))
        return check.run(replace(context, nodes=replace(context.nodes, servers=(plain,))))

    with set_to(single, NODE, port=port):
        report = verify(single.connection, [replace(check, run=on_the_plain_port)])
    assert "answered in plain text: -NOAUTH" in str(report.checks[0].error)


def test_a_server_that_speaks_tls_1_1_is_found(
    server_install: Install, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with start_standalone(
        server_install,
        tmp_path_factory.mktemp("old-tls"),
        directives={
            "tls-protocols": '"TLSv1.1 TLSv1.2"',
            "tls-ciphers": "DEFAULT@SECLEVEL=0",
        },
    ) as servers:
        assert "accepted version 0x0302" in failure(servers, "TLS 1.1")


@pytest.mark.parametrize("name", ["trusts another CA", "for another name"])
def test_a_client_that_verifies_nothing_is_found(
    single: Servers, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ssl

    def careless(_: object) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    monkeypatch.setattr("holdfast.verify.handshake_checks.build_context", careless)
    assert "found a connection to 127.0.0.1" in failure(single, name)


def test_tenants_that_share_sessions_are_found(
    single: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Context.store
    monkeypatch.setattr(Context, "store", lambda self, *_, **more: original(self, **more))
    assert "SessionNotFound from load" in failure(single, "another tenant's session")


class Bent:
    """A client whose methods are replaced."""

    def __init__(self, store: Any, **methods: Callable[..., Any]) -> None:  # noqa: ANN401
        self._store = store
        self._methods = methods

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        method = self._methods.get(name)
        return partial(method, self._store) if method else getattr(self._store, name)


def create_short(store: Any, **options: Any) -> Any:  # noqa: ANN401
    return store.create(**options, history_limit=40)


def create_immortal(store: Any, *, ttl: Any, **options: Any) -> Any:  # noqa: ANN401
    from holdfast.ttl import Ttl

    return store.create(ttl=Ttl.chat(1801), **options)


def append_to_newest(store: Any, at: Any, messages: Any, **options: Any) -> Any:  # noqa: ANN401
    options.pop("lease", None)
    return store.append(store.load(getattr(at, "session_id", at)), messages, **options)


def append_anew(store: Any, at: Any, messages: Any, turn_id: Any = None, **options: Any) -> Any:  # noqa: ANN401
    session = store.load(getattr(at, "session_id", at))
    return store.append(session, messages, **options)


def forget_one(store: Any, session_id: str, fields: Any) -> Any:  # noqa: ANN401
    return store.set_fields(session_id, {k: v for k, v in fields.items() if k != "w1-3"})


def silent(store: Any, *args: Any, **more: Any) -> None:  # noqa: ANN401
    del store, args, more


def reversed_list(store: Any, user: str, **options: Any) -> Any:  # noqa: ANN401
    page = store.list_sessions(user, **options)
    return replace(page, sessions=page.sessions[::-1])


def whole_history(store: Any, session_id: str, **options: Any) -> Any:  # noqa: ANN401
    del options
    return store.history(session_id)


def wrong_result(store: Any, session_id: str, call_id: str, result: Any) -> Any:  # noqa: ANN401
    del result
    return store.finish_tool(session_id, call_id, {"answer": "of another call"})


def end_nothing(store: Any, session_id: str) -> bool:  # noqa: ANN401
    del store, session_id
    return True


@pytest.mark.parametrize(
    ("name", "methods", "found"),
    [
        ("two writers update", {"set_fields": forget_one}, "16 fields of two writers"),
        ("history keeps the newest", {"create": create_short}, "found 40 messages"),
        ("a timeline is read", {"history": whole_history}, "both ends included"),
        ("tool calls are updated", {"finish_tool": wrong_result}, "wrong: w0-0"),
        ("events reach", {"publish": silent}, "found 1 of 2"),
        ("sessions are listed", {"list_sessions": reversed_list}, "most recent first"),
        ("an ended session", {"end": end_nothing}, "SessionNotFound from load after end"),
        ("each kind of session", {"create": create_immortal}, "deadline 1800000 ms after"),
        ("activity refreshes", {"touch": silent}, "touch to move the deadline"),
        ("past its deadline", {"create": create_immortal}, "SessionExpired from load"),
        ("a repeated turn", {"append": append_anew}, "'duplicate' with seq 1"),
        ("a stale writer", {"append": append_to_newest}, "expected TurnConflict"),
        ("lost its lease", {"append": append_to_newest}, "expected Fenced"),
    ],
)
def test_a_client_that_does_it_wrong_is_found(
    single: Servers,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    methods: dict[str, Callable[..., Any]],
    found: str,
) -> None:
    original = Context.store
    monkeypatch.setattr(
        Context, "store", lambda self, *args, **more: Bent(original(self, *args, **more), **methods)
    )
    assert found in failure(single, name)
    assert single.call(NODE, "DBSIZE") == 0


def test_keys_that_stay_are_found(single: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.verify.cleanup.PATIENCE_SECONDS", 0.1)
    with user(single, NODE, "admin", "-unlink"):
        report = verify(single.connection, named("svc can do its work"))
    assert "left, for example agent:lease:" in str(report.checks[-1].error)
    assert not report.ok


def test_a_cut_replica_is_found(group: Servers) -> None:
    replica = next(n.name for n in group.servers if n.name != group.primary().name)
    with set_to(group, replica, masterauth="not-the-password"):
        group.call(replica, "CLIENT", "KILL", "TYPE", "primary")
        wait_until(
            "the link to break",
            lambda: group.info(replica, "replication")["master_link_status"] == "down",
        )
        assert "expected 2 replicas attached" in failure(group, "replicas are in step")
    wait_until(
        "the link to mend",
        lambda: group.info(replica, "replication")["master_link_status"] == "up",
    )
    assert outcome(group, "replicas are in step").outcome is Outcome.PASS


def test_a_primary_that_writes_alone_beside_two_replicas_is_found(group: Servers) -> None:
    with set_to(group, group.primary().name, min_replicas_to_write=0):
        assert "at least 1 with 2 replicas" in failure(group, "what a primary without")


def test_another_quorum_on_one_sentinel_is_found(group: Servers) -> None:
    for quorum in (1, 3):
        group.call("sentinel-1", "SENTINEL", "SET", SERVICE, "quorum", quorum)
        assert f"found {quorum} on 127.0.0.1" in failure(group, "a sound quorum")
    group.call("sentinel-1", "SENTINEL", "SET", SERVICE, "quorum", 2)
    assert outcome(group, "a sound quorum").outcome is Outcome.PASS


def test_an_even_number_of_sentinels_is_found(
    group: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.verify.topology_checks.SETTLE_SECONDS", 0.5)
    even = replace(group.connection, sentinels=group.connection.sentinels[:2])
    report = verify(even, named("a sound quorum", "each Sentinel sees"))
    assert "an odd number of Sentinels, 3 at least; found 2" in str(report.checks[0].error)
    assert "1 other Sentinels" in str(report.checks[1].error)


def test_a_sentinel_that_ended_is_found(group: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.verify.topology_checks.SETTLE_SECONDS", 0.5)
    group.kill("sentinel-2")
    try:
        assert "no connection" in failure(group, "a sound quorum")
        assert "each Sentinel sees the others up" in failure(group, "each Sentinel sees")
    finally:
        group.start("sentinel-2")
    wait_until(
        "the Sentinels to see each other",
        lambda: outcome(group, "each Sentinel sees").outcome is Outcome.PASS,
    )


def test_a_slot_that_nobody_serves_is_found(
    server_install: Install, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with start_cluster(
        server_install, tmp_path_factory.mktemp("broken-cluster"), replicas_per_primary=0
    ) as servers:
        assert "1 replicas attached" in failure(servers, "replicas are in step")
        for node in servers.servers:
            servers.call(node.name, "CLUSTER", "DELSLOTS", 7)
        assert "found 16383" in failure(servers, "every slot of the cluster")
