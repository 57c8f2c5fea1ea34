"""Smoke on stores as ElastiCache has them: what holds is shown, what cannot be seen is named.

Emulation: real Valkey on one machine behind AWS's names, users held to AWS's access strings.
"""

from __future__ import annotations

from dataclasses import replace

from holdfast.connection import Connection
from holdfast.roles import APPLICATION_ROLES, Role
from holdfast.verify.catalogue import CHECKS
from holdfast.verify.result import CheckResult, Outcome, Report
from holdfast.verify.runner import Limits, verify
from tests.aws.stores import Store, create_group
from tests.standin.aws.dataplane.valkey import ValkeyDataPlane

LIMITS = Limits(total_seconds=100, check_seconds=60)


def smoke(connection: Connection) -> Report:
    return verify(connection, CHECKS, limits=LIMITS)


def named(report: Report, name: str) -> CheckResult:
    return next(result for result in report.checks if result.check == name)


def failures(report: Report) -> list[str]:
    return [f"{r.check}: {r.failure}" for r in report.checks if r.outcome is Outcome.FAIL]


def unchecked(report: Report) -> dict[str, str]:
    return {r.check: r.details for r in report.checks if r.outcome is Outcome.NOT_CHECKED}


_SENTINELS = {
    "an odd number of Sentinels with a sound quorum",
    "each Sentinel sees the others and the replicas",
}
_NOBODY_CAN_SEE = {
    "servers listen where they should and nowhere else",
    "the append-only file is on and written",
    "the ACL log holds exactly these denials",
}
_NO_SUCH_ROLE = {
    f"{role} can do its work and nothing else" for role in Role if role not in APPLICATION_ROLES
}


def test_a_replication_group_passes_and_says_what_nobody_can_see_there(group: Store) -> None:
    report = smoke(group.connection)
    assert not failures(report)
    missing = unchecked(report)
    assert set(missing) == (
        _SENTINELS | _NOBODY_CAN_SEE | _NO_SUCH_ROLE | {"every slot of the cluster is served"}
    )
    assert all(missing.values())
    assert "2 replicas" in named(report, "replicas are in step").details
    guard = named(report, "what a primary without replicas does").details
    assert "confirm=1" in guard
    svc = named(report, "svc can do its work and nothing else").details
    assert "rule not read" in svc
    admin = named(report, "admin can do everything, with its password").details
    assert "denied" in admin
    assert ", 0 denied" not in admin


def test_a_replication_group_of_one_node_passes(plane: ValkeyDataPlane) -> None:
    report = smoke(create_group(plane, "smoke-one", replicas=0).connection)
    assert not failures(report)
    assert "0 replicas" in named(report, "replicas are in step").details


def test_a_group_in_cluster_mode_passes_and_all_its_slots_are_counted(
    cluster: Store,
) -> None:
    report = smoke(cluster.connection)
    assert not failures(report)
    assert set(unchecked(report)) == _SENTINELS | _NOBODY_CAN_SEE | _NO_SUCH_ROLE
    assert named(report, "every slot of the cluster is served").details == (
        "16384 slots on 2 servers"
    )


def test_a_serverless_cache_passes_and_more_of_it_cannot_be_seen(
    serverless: Store,
) -> None:
    report = smoke(serverless.connection)
    assert not failures(report)
    assert set(unchecked(report)) == (
        _SENTINELS
        | _NOBODY_CAN_SEE
        | _NO_SUCH_ROLE
        | {
            "eviction takes only keys with a TTL",
            "memory is limited",
            "replicas are in step",
            "what a primary without replicas does",
        }
    )
    assert named(report, "every slot of the cluster is served").details == (
        "16384 slots behind one name"
    )


def test_one_role_alone_sees_less_and_nothing_fails(group: Store) -> None:
    report = smoke(group.connection.for_role(Role.SVC))
    assert not failures(report)
    assert named(report, "svc can do its work and nothing else").outcome is Outcome.PASS


def test_a_role_that_may_too_much_is_found(group: Store, plane: ValkeyDataPlane) -> None:
    users = group.logins.states()
    wide = replace(users["worker"], access_string=f"{users['worker'].access_string} +keys")
    plane.set_users(group.group_id, users | {"worker": wide})
    try:
        report = smoke(group.connection)
    finally:
        plane.set_users(group.group_id, users)
    assert [line for line in failures(report) if "worker denied KEYS" in line]


def test_an_administrator_who_reaches_another_application_is_found(
    group: Store, plane: ValkeyDataPlane
) -> None:
    users = group.logins.states()
    wide = replace(users["admin"], access_string="on ~* &* +@all")
    plane.set_users(group.group_id, users | {"admin": wide})
    try:
        report = smoke(group.connection)
    finally:
        plane.set_users(group.group_id, users)
    assert [line for line in failures(report) if line.startswith("admin can do everything")]
