"""The rules of the roles, before they are rendered."""

from __future__ import annotations

import pytest

from holdfast.roles import (
    ADAPTATIONS,
    APPLICATION_ROLES,
    RULES,
    SENTINEL_RULES,
    SERVER_RULES,
    Place,
    Role,
    Rule,
    rule_for,
)

_SECRETIVE = (
    "config|get",
    "config",
    "acl|getuser",
    "acl|list",
    "acl|load",
    "debug",
    "keys",
    "scan",
)


def _all_commands(rule: Rule) -> set[str]:
    commands = set(rule.commands)
    for selector in rule.selectors:
        commands |= set(selector.commands)
    return commands


def _variants(role: Role, place: Place) -> list[Rule]:
    kinds = [
        ("valkey", (7, 2)),
        ("valkey", (8, 0, 1)),
        ("valkey", (9, 1, 2)),
        ("redis", (7, 0, 15)),
        ("redis", (8, 0)),
    ]
    rules = [
        rule_for(role, place, engine=engine, version=version, cluster=cluster)
        for engine, version in kinds
        for cluster in (False, True)
    ]
    return [rule for rule in rules if rule is not None]


def test_every_role_has_a_rule_on_servers() -> None:
    assert set(SERVER_RULES) == set(Role)


def test_every_application_role_may_ask_the_sentinels() -> None:
    assert set(APPLICATION_ROLES) <= set(SENTINEL_RULES)


@pytest.mark.parametrize("role", [Role.MONITOR, Role.PROBE, Role.EXPORTER])
@pytest.mark.parametrize("place", list(Place))
def test_no_monitoring_role_may_read_the_configuration_or_data(role: Role, place: Place) -> None:
    for rule in _variants(role, place):
        assert not _all_commands(rule) & {
            *_SECRETIVE,
            "get",
            "hgetall",
            "lrange",
            "eval",
            "monitor",
        }
        assert not rule.unlimited
        assert all(key.startswith("%R~") for key in rule.keys)


def test_only_admin_is_unlimited() -> None:
    for rules in RULES.values():
        assert [role for role, rule in rules.items() if rule.unlimited] == [Role.ADMIN]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_no_rule_grants_a_whole_category_or_arbitrary_scripts(role: Role) -> None:
    for place in Place:
        for rule in _variants(role, place):
            for command in _all_commands(rule):
                assert command == command.lower()
                assert not command.startswith(("@", "+", "-"))
                assert command not in {"eval", "eval_ro", "function", "flushall", "keys", "scan"}


def test_application_keys_and_channels_stay_under_the_prefix() -> None:
    for role in (Role.SVC, Role.WORKER, Role.CONSOLIDATOR, Role.MONITOR):
        rule = SERVER_RULES[role]
        patterns = [*rule.keys, *(key for s in rule.selectors for key in s.keys)]
        assert patterns
        assert all(pattern.partition("~")[2].startswith("{app}:") for pattern in patterns)
        assert all(channel.startswith("&{app}:") for channel in rule.channels)


def test_infrastructure_roles_reach_no_key() -> None:
    for role in (Role.REPLICA, Role.SENTINEL, Role.AGENT, Role.PROBE, Role.EXPORTER, Role.BACKUP):
        assert not SERVER_RULES[role].keys
        assert not SERVER_RULES[role].selectors


def test_a_cluster_uses_sharded_channels_and_asks_for_the_slots() -> None:
    plain = rule_for(Role.SVC, Place.SERVER, engine="valkey", version=(9, 1, 2), cluster=False)
    sharded = rule_for(Role.SVC, Place.SERVER, engine="valkey", version=(9, 1, 2), cluster=True)
    assert plain is not None
    assert sharded is not None
    gained = set(sharded.commands) - set(plain.commands)
    lost = set(plain.commands) - set(sharded.commands)
    assert gained == {"spublish", "ssubscribe", "sunsubscribe", "cluster|slots", "asking"}
    assert lost == {"publish", "subscribe", "unsubscribe"}


@pytest.mark.parametrize(
    ("engine", "version", "coordinated"),
    [("valkey", (9, 0), True), ("valkey", (8, 1, 8), False), ("redis", (9, 0), False)],
)
def test_coordinated_failover_is_allowed_where_it_exists(
    engine: str, version: tuple[int, ...], coordinated: bool
) -> None:
    rule = rule_for(Role.SENTINEL, Place.SERVER, engine=engine, version=version, cluster=False)
    assert rule is not None
    assert ("failover" in rule.commands) is coordinated


def test_no_adaptation_drops_a_command_that_no_rule_holds() -> None:
    for adaptation in ADAPTATIONS:
        for role in adaptation.roles:
            rule = RULES[adaptation.place][role]
            assert set(adaptation.drop) <= set(rule.commands)
            assert not set(adaptation.add) & set(rule.commands)
