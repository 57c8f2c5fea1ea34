from __future__ import annotations

import pytest

from holdfast.roles import SERVER_RULES, Place, Role, Rule, rule_for
from holdfast.verify.role_probes import Command, allowed_probes, denied_probes


def rule(role: Role, place: Place = Place.SERVER, *, cluster: bool = False) -> Rule:
    found = rule_for(role, place, engine="valkey", version=(9, 1, 2), cluster=cluster)
    assert found is not None
    return found


def denied(role: Role, place: Place = Place.SERVER) -> list[Command]:
    return list(denied_probes(rule(role, place), place, app="agent"))


def names(commands: list[Command]) -> set[str]:
    return {" ".join(str(word) for word in command[:2]) for command in commands}


LIMITED = [role for role in SERVER_RULES if not SERVER_RULES[role].unlimited]


@pytest.mark.parametrize("role", LIMITED)
def test_every_limited_role_is_denied_what_no_role_but_admin_may(role: Role) -> None:
    commands = denied(role)
    words = {str(command[0]) for command in commands}
    assert {"KEYS", "FLUSHALL", "CONFIG", "ACL", "EVAL"} <= words
    assert any("CONFIG GET" in name for name in names(commands))


@pytest.mark.parametrize("role", [Role.SVC, Role.WORKER, Role.CONSOLIDATOR])
def test_a_role_with_keys_is_denied_those_of_another_application(role: Role) -> None:
    assert any(str(word).startswith("agent-other:sess:") for c in denied(role) for word in c)


def test_a_role_without_session_keys_is_denied_a_session_of_its_own_application() -> None:
    assert ("HGETALL", "agent:sess:{b00}:holdfast-verify:probe") in denied(Role.PROBE)


def test_what_a_role_may_do_is_not_expected_to_be_denied() -> None:
    assert not {name for name in names(denied(Role.AGENT)) if name.startswith("CONFIG SET")}
    assert ("CONFIG", "SET", "holdfast-probe", "1") in denied(Role.SVC)


def test_admin_is_denied_nothing() -> None:
    assert denied(Role.ADMIN) == []


def test_nothing_that_is_denied_would_do_harm_if_it_were_not() -> None:
    every = [command for role in LIMITED for command in denied(role)]
    assert ("FLUSHALL", "holdfast-probe") in every
    assert all(len(command) > 1 for command in every)
    sentinel = denied(Role.SVC, Place.SENTINEL)
    assert all(
        "holdfast-no-such-service" in command for command in sentinel if command[0] == "SENTINEL"
    )


@pytest.mark.parametrize("role", list(SERVER_RULES))
def test_every_role_has_work_to_show(role: Role) -> None:
    assert allowed_probes(role, rule(role), app="agent", run_id="run")


@pytest.mark.parametrize("role", list(SERVER_RULES))
def test_a_key_that_a_probe_writes_has_its_ttl_from_the_same_command(role: Role) -> None:
    writes = [
        command
        for command in allowed_probes(role, rule(role), app="agent", run_id="run")
        if command[0] not in {"GET", "DEL", "EVALSHA"}
        and command[0] in {"SET", "HSET", "LPUSH", "ZADD", "XADD"}
    ]
    assert all(command[0] == "SET" and "PX" in command for command in writes)


def test_keys_of_probes_belong_to_the_run_and_the_reserved_tenant() -> None:
    for role in (Role.SVC, Role.WORKER, Role.CONSOLIDATOR):
        for command in allowed_probes(role, rule(role), app="agent", run_id="run"):
            for word in command:
                if str(word).startswith("agent:"):
                    assert str(word).endswith(f":{{b00}}:holdfast-verify:run-{role}")
