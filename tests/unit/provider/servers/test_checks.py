"""provider.servers.checks: what Check refuses, and what means the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider.resource import CheckResult, Context
from provider.servers.checks import bad_values, refused_together, with_kept_meanings
from provider.servers.server import ServerProcess
from provider.values import UNKNOWN, Properties
from tests.certificates import Authority
from tests.unit.provider.servers.specs import sentinel_inputs, server_inputs

_CONTEXT = Context("urn:pulumi:stack::project::holdfast:index:ServerProcess::node")


@pytest.fixture
def sound(tmp_path: Path) -> Properties:
    """Inputs that Check takes: with a certificate that holds, and a server."""
    authority = Authority()
    leaf = authority.issue()
    return server_inputs(
        executable=str(_server(tmp_path, "Valkey server v=9.1.2 sha=0")),
        tlsCertificatePem=leaf.certificate_pem,
        tlsPrivateKeyPem=leaf.private_key_pem,
        tlsCaPem=authority.pem,
    )


def _server(folder: Path, banner: str) -> Path:
    file = folder / "server"
    file.write_text(f"#!/bin/sh\necho '{banner}'\n")
    file.chmod(0o755)
    return file


def _check(inputs: Properties, old: Properties | None = None) -> CheckResult:
    return ServerProcess().check(old or {}, inputs, _CONTEXT)


def _reasons(result: CheckResult) -> str:
    return "\n".join(failure.reason for failure in result.failures)


def test_sound_inputs_are_taken_and_completed(sound: Properties) -> None:
    del sound["address"], sound["seed"]
    result = _check(sound)
    assert result.failures == ()
    assert result.inputs == {
        **sound,
        "address": "127.0.0.1",
        "seed": {},
        "keepData": False,
        "startTimeoutSeconds": 30.0,
    }


def test_unknown_inputs_are_left_for_later(sound: Properties) -> None:
    unknown = dict.fromkeys(
        ["tlsCertificatePem", "tlsPrivateKeyPem", "tlsCaPem", "acl", "adminPassword"], UNKNOWN
    )
    result = _check({**sound, **unknown, "secretDirectives": {"primaryauth": UNKNOWN}})
    assert result.failures == ()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("node", "../etc", "node: got '../etc'"),
        ("node", "", "node: got ''"),
        ("kind", "proxy", "kind: got 'proxy', need one of server, sentinel"),
        ("groupDir", "relative", "groupDir: got 'relative', need an absolute path"),
        ("port", 0, "port: got 0, need a port from 1 to 65535"),
        ("port", "7600", "port: got '7600'"),
        ("port", True, "port: got True"),
        ("address", "localhost", "address: got 'localhost', need an IP address"),
        ("startTimeoutSeconds", 0, "startTimeoutSeconds: got 0"),
        ("directives", ["a"], "directives: got 'list', need a map of directives"),
        ("directives", {"maxmemory": 5}, "directives.maxmemory: got '(not shown)', need a text"),
        ("directives", {"maxmemory": []}, "directives.maxmemory: got '(not shown)', need a text"),
        ("directives", {"a": "b\nuser x on"}, "directives.a: got '(not shown)', need one line"),
        ("directives", {"": "b"}, "the name of a directive is empty"),
        ("directives", {"save": "'1"}, "a quote is not closed"),
        ("directives", {"PORT": "6379"}, "directives.PORT: got 'a value', need no directive that"),
        ("secretDirectives", {"requirepass": "x"}, "secretDirectives.requirepass"),
        ("seed", {"include": "/etc/passwd"}, "seed.include"),
        ("directives", {"replicaof": "h 1"}, "move it to seed"),
        ("directives", {"slaveof": "h 1"}, "move it to seed"),
        ("directives", {"sentinel monitor m": "h 1 2"}, "move it to seed"),
        ("executable", "/nowhere/valkey-server", "a server that can be run (No such file"),
        ("colour", "red", "colour: got 'colour', need a property of this resource"),
        ("secretDirectives", {"maxmemory": "1"}, "each directive once"),
    ],
)
def test_bad_inputs_are_refused_with_value_rule_and_fix(
    sound: Properties, name: str, value: object, reason: str
) -> None:
    assert reason in _reasons(_check({**sound, name: value}))


@pytest.mark.parametrize(
    ("banner", "reason"),
    [
        ("Redis server v=6.2.14 sha=0", "got 'redis 6.2.14 at /"),
        ("Valkey server v=7.1.0 sha=0", "need valkey 7.2 or newer"),
        ("PostgreSQL 17", "a Valkey or Redis server"),
    ],
)
def test_a_server_that_is_too_old_is_named_with_its_place(
    sound: Properties, tmp_path: Path, banner: str, reason: str
) -> None:
    executable = _server(tmp_path, banner)
    assert reason in _reasons(_check({**sound, "executable": str(executable)}))


def test_a_key_of_another_certificate_is_refused(sound: Properties) -> None:
    other = Authority().issue().private_key_pem
    reasons = _reasons(_check({**sound, "tlsPrivateKeyPem": other}))
    assert "tlsPrivateKeyPem: got '(not shown)', need the key of the certificate" in reasons


def test_a_certificate_of_another_ca_is_refused(sound: Properties) -> None:
    reasons = _reasons(_check({**sound, "tlsCaPem": Authority("another").pem}))
    assert "a certificate signed by a CA of tlsCaPem" in reasons


def test_a_bundle_with_the_old_ca_behind_the_new_one_is_taken(sound: Properties) -> None:
    bundle = Authority("newer").pem + sound["tlsCaPem"]
    assert _check({**sound, "tlsCaPem": bundle}).failures == ()


def test_a_certificate_for_another_address_is_refused(sound: Properties) -> None:
    assert "a certificate for the address 127.0.0.9" in _reasons(
        _check({**sound, "address": "127.0.0.9"})
    )


@pytest.mark.parametrize("name", ["tlsCertificatePem", "tlsPrivateKeyPem", "tlsCaPem"])
def test_text_that_is_no_pem_is_refused_without_being_shown(sound: Properties, name: str) -> None:
    reasons = _reasons(_check({**sound, name: "hush-hush"}))
    assert f"{name}: got '(not shown)'" in reasons
    assert "hush-hush" not in reasons


def test_a_sentinel_without_a_primary_to_watch_is_refused(sound: Properties) -> None:
    reasons = _reasons(_check({**sound, "kind": "sentinel"}))
    assert "set 'sentinel monitor' to '<service> <host> <port> <quorum>'" in reasons


@pytest.mark.parametrize(("name", "value"), [("port", 7700), ("address", "::1")])
def test_the_place_of_an_existing_node_is_kept(sound: Properties, name: str, value: object) -> None:
    reasons = _reasons(_check({**sound, name: value}, old=sound))
    assert f"{name}: got {value!r}" in reasons
    assert "keep it, or destroy the stack first" in reasons


def test_another_node_may_have_another_port(sound: Properties) -> None:
    assert _check({**sound, "node": "valkey-1", "port": 7700}, old=sound).failures == ()


def test_bad_values_are_told_all_at_once() -> None:
    fields = [e.field for e in bad_values({"port": 0, "address": "x", "node": "valkey-0"})]
    assert fields == ["port", "address"]


def test_what_means_the_same_is_said_in_the_old_words() -> None:
    old = server_inputs(directives={"maxmemory": "64mb", "hz": "10"})
    new = server_inputs(directives={"maxmemory": "67108864", "hz": "20"})
    assert with_kept_meanings(old, new)["directives"] == {"maxmemory": "64mb", "hz": "20"}


def test_of_a_seed_only_the_quorum_changes_afterwards() -> None:
    old = sentinel_inputs()
    moved = sentinel_inputs(seed={"sentinel monitor m": "127.0.0.1 7999 2"})
    stricter = sentinel_inputs(seed={"sentinel monitor m": "127.0.0.1 7600 3"})
    assert with_kept_meanings(old, moved)["seed"] == old["seed"]
    assert with_kept_meanings(old, stricter)["seed"] == stricter["seed"]


def test_an_unknown_directive_is_a_change() -> None:
    new = server_inputs(directives={"maxmemory": UNKNOWN})
    assert with_kept_meanings(server_inputs(), new)["directives"] == {"maxmemory": UNKNOWN}


def test_rules_between_inputs_skip_what_is_missing() -> None:
    assert refused_together({}, {"node": "valkey-0", "port": 7600}) == []


_SINGLE = {"maxmemory": "1mb"}
_GROUP = {"masteruser": "replica"}
_CLUSTER = {"cluster-enabled": "yes", "primaryuser": "replica"}


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (_SINGLE, _GROUP, False),
        (_GROUP, {"primaryuser": "other"}, False),
        (_CLUSTER, {"cluster-enabled": "YES"}, False),
        (_GROUP, _SINGLE, True),
        (_SINGLE, _CLUSTER, True),
        (_GROUP, _CLUSTER, True),
        (_CLUSTER, _GROUP, True),
        (_CLUSTER, _SINGLE, True),
    ],
)
def test_a_server_may_gain_replicas_and_changes_its_mode_in_no_other_way(
    before: dict[str, str], after: dict[str, str], *, refused: bool
) -> None:
    old = {"node": "server-0", "groupDir": "/g", "kind": "server", "directives": before}
    errors = refused_together(old, {**old, "directives": after})
    assert [error.field for error in errors] == (["directives"] if refused else [])


def test_another_node_may_be_of_another_mode() -> None:
    old = {"node": "server-0", "groupDir": "/g", "kind": "server", "directives": _GROUP}
    assert refused_together(old, {**old, "groupDir": "/h", "directives": _CLUSTER}) == []
