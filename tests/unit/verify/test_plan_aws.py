"""What the guard refuses, notes and prices in plans for AWS.

The recorded plans (plans/aws-*.json) are the real engine's, for stacks that the stand-in plugin
deployed to the emulator: an emulation, neither the official plugin nor AWS. Of each, what holds or
guards sessions was kept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from holdfast.verify.plan import parse_plan
from holdfast.verify.plan_cost import cost_of
from holdfast.verify.plan_guard import Verdict, judge
from holdfast.verify.plan_report import to_json, to_markdown, to_text
from holdfast.verify.plan_rules import Harm
from holdfast.verify.protections import UNKNOWN
from tests.unit.verify.aws_plans import (
    ALARM,
    ENDPOINT,
    GROUP,
    KEY,
    PARAMETERS,
    SECRET,
    SERVERLESS,
    SUBNETS,
    USER,
    USER_GROUP,
    plan,
    step,
    urn,
)


def judged(*steps: dict[str, Any], **options: Any) -> Verdict:  # noqa: ANN401 - as judge takes them
    return judge(plan(*steps), **options)


def harms(verdict: Verdict) -> list[Harm]:
    return [finding.harm for finding in verdict.refused]


PLANS = Path(__file__).parent / "plans"


def recorded(name: str, **options: Any) -> Verdict:  # noqa: ANN401 - as judge takes them
    return judge(parse_plan((PLANS / f"aws-{name}.json").read_text()), **options)


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("node-type-at-once", {}),
        ("node-type-waits", {"store-test": Harm.WAITS}),
        ("engine-upgrade-waits", {"store-test": Harm.WAITS, "store-parameters": Harm.WAITS}),
        ("app", {"store": Harm.EMPTY}),
        ("cluster-mode", {"store-test": Harm.EMPTY}),
        ("engine-version-lowered", {"store-test": Harm.REPLACE}),
        ("authentication-iam", {"store-users": Harm.USERS}),
        (
            "serverless",
            {"store-test": Harm.DELETE, "store-users": Harm.ACCESS, "store-key": Harm.DELETE},
        ),
    ],
)
def test_a_recorded_plan_is_judged_by_what_it_would_do(name: str, refused: dict[str, Harm]) -> None:
    verdict = recorded(name)
    assert {finding.name: finding.harm for finding in verdict.refused} == refused


@pytest.mark.parametrize(
    ("kind", "harm"),
    [
        (GROUP, Harm.DELETE),
        (SERVERLESS, Harm.DELETE),
        (KEY, Harm.DELETE),
        (USER_GROUP, Harm.ACCESS),
    ],
)
def test_what_holds_sessions_is_neither_deleted_nor_replaced(kind: str, harm: Harm) -> None:
    assert harms(judged(step("delete", kind))) == [harm]
    replaced = judged(step("replace", kind, reasons=["kmsKeyId"]))
    assert harms(replaced) == [Harm.REPLACE if harm is Harm.DELETE else harm]
    assert "kmsKeyId" in replaced.refused[0].what


@pytest.mark.parametrize("kind", [PARAMETERS, SUBNETS])
def test_groups_that_are_made_before_the_old_ones_go_may_be_replaced(kind: str) -> None:
    assert judged(step("replace", kind, reasons=["family"])).ok


@pytest.mark.parametrize(
    ("kind", "change", "harm"),
    [
        (GROUP, {"transitEncryptionEnabled": False}, Harm.ENCRYPTION),
        (GROUP, {"transitEncryptionEnabled": ...}, Harm.ENCRYPTION),
        (GROUP, {"atRestEncryptionEnabled": False}, Harm.ENCRYPTION),
        (GROUP, {"userGroupIds": ...}, Harm.ACCESS),
        (GROUP, {"userGroupIds": []}, Harm.ACCESS),
        (GROUP, {"snapshotRetentionLimit": 0}, Harm.DURABILITY),
        (GROUP, {"automaticFailoverEnabled": False}, Harm.DURABILITY),
        (GROUP, {"numCacheClusters": 2}, Harm.SHRINK),
        (SERVERLESS, {"userGroupId": ...}, Harm.ACCESS),
        (SERVERLESS, {"snapshotRetentionLimit": 0}, Harm.DURABILITY),
        (SERVERLESS, {"cacheUsageLimits": ...}, Harm.COST),
        (USER, {"noPasswordRequired": True}, Harm.ACCESS),
        (KEY, {"isEnabled": False}, Harm.DELETE),
        (KEY, {"enableKeyRotation": False}, Harm.ENCRYPTION),
        (
            PARAMETERS,
            {"parameters": [{"name": "maxmemory-policy", "value": "allkeys-lru"}]},
            Harm.DURABILITY,
        ),
    ],
)
def test_no_protection_is_given_up(kind: str, change: dict[str, Any], harm: Harm) -> None:
    assert harm in harms(judged(step("update", kind, **change)))


def test_cluster_mode_changes_one_step_an_update() -> None:
    off = step("update", GROUP, clusterMode="enabled")
    off["oldState"]["inputs"]["clusterMode"] = "disabled"
    assert Harm.EMPTY in harms(judged(off))
    on = step("update", GROUP, clusterMode="enabled")
    on["oldState"]["inputs"]["clusterMode"] = "compatible"
    assert harms(judged(on)) == [Harm.WAITS]
    assert judged(on, waiting=True).ok


def test_a_failover_that_is_only_on_after_the_window_is_not_said_to_be_on() -> None:
    on = step("update", GROUP, automaticFailoverEnabled=True)
    on["oldState"]["inputs"]["automaticFailoverEnabled"] = False
    assert harms(judged(on)) == [Harm.WAITS]
    assert judged(on, waiting=True).ok


def test_gaining_a_protection_passes() -> None:
    stronger = step("update", GROUP, snapshotRetentionLimit=14, numCacheClusters=4)
    assert judged(stronger).ok


def test_a_mode_that_lets_plain_text_in_is_refused() -> None:
    found = harms(judged(step("update", GROUP, transitEncryptionMode="preferred")))
    assert Harm.ENCRYPTION in found


@pytest.mark.parametrize(
    "change",
    [
        {"nodeType": "cache.r7g.xlarge"},
        {"engineVersion": "9.2"},
        {"parameterGroupName": "other"},
        {"parameterGroupName": UNKNOWN},
        {"userGroupIds": ["other"]},
    ],
)
def test_a_change_that_waits_for_the_window_is_refused_until_somebody_says_so(
    change: dict[str, Any],
) -> None:
    waiting = step("update", GROUP, **change)
    refused = judged(waiting)
    assert harms(refused) == [Harm.WAITS]
    assert "sun:05:00-sun:06:00" in refused.refused[0].what
    assert "--accept-waiting" in to_markdown(refused)
    assert "--accept-waiting" in to_text(refused)
    noted = judged(waiting, waiting=True)
    assert noted.ok
    assert "waits for the maintenance window" in to_markdown(noted)
    assert judged(waiting, allowed=[urn(GROUP)]).ok
    at_once = judged(step("update", GROUP, **change, applyImmediately=True))
    assert at_once.ok
    assert not any("waits" in note for note in at_once.notes)


def test_a_new_major_version_cannot_wait_because_its_old_parameter_group_cannot_go() -> None:
    waited = recorded("engine-upgrade-waits", waiting=True)
    assert {finding.name: finding.harm for finding in waited.refused} == {
        "store-parameters": Harm.WAITS
    }
    assert "applyImmediately true" in waited.refused[0].what
    upgrade = {"engineVersion": "10.0", "parameterGroupName": UNKNOWN}
    anew = step("replace", PARAMETERS, family="valkey10", reasons=["family"])
    assert not judged(anew, step("update", GROUP, **upgrade), waiting=True).ok
    assert judged(anew, step("update", GROUP, **upgrade, applyImmediately=True)).ok
    assert judged(anew, step("update", GROUP, snapshotRetentionLimit=14)).ok


def test_a_change_that_rolls_the_nodes_at_once_is_noted() -> None:
    larger = judged(step("update", GROUP, nodeType="cache.r7g.xlarge", applyImmediately=True))
    assert "every node is replaced" in larger.notes[0]


def test_a_change_that_waits_for_nothing_passes() -> None:
    assert judged(step("update", GROUP, snapshotRetentionLimit=14)).ok


ADDED = ["shop-prod-svc-1", "shop-prod-admin-1", "shop-prod-worker-1"]


def test_users_are_not_added_and_removed_in_one_update() -> None:
    both = judged(
        step("create", USER, "worker", userId="shop-prod-worker-1"),
        step("update", USER_GROUP, userIds=["shop-prod-svc-1", "shop-prod-worker-1"]),
        step("delete", USER, "admin"),
    )
    assert [(finding.urn, finding.harm) for finding in both.refused] == [
        (urn(USER_GROUP), Harm.USERS)
    ]
    assert "add first" in both.refused[0].what
    assert judged(
        step("create", USER, "worker", userId="shop-prod-worker-1"),
        step("update", USER_GROUP, userIds=ADDED),
    ).ok
    removed = judged(
        step("update", USER_GROUP, userIds=["shop-prod-svc-1"]),
        step("delete", USER, "admin"),
    )
    assert removed.ok
    assert "nobody can log in as it" in removed.notes[0]


def test_users_whose_ids_are_not_known_yet_count_as_added() -> None:
    unknown = judged(step("update", USER_GROUP, userIds=["shop-prod-svc-1", UNKNOWN]))
    assert harms(unknown) == [Harm.USERS]


def test_a_user_is_not_replaced() -> None:
    replaced = judged(step("replace", USER, reasons=["userId"], userId="shop-prod-svc-2"))
    assert harms(replaced) == [Harm.USERS]
    assert "cut off" in replaced.refused[0].what


def test_a_new_password_passes() -> None:
    assert judged(step("update", USER, passwords="[secret]", accessString="on ~shop:* +get")).ok


def test_cost_is_told_before_and_after() -> None:
    larger = plan(step("update", GROUP, nodeType="cache.r7g.xlarge", applyImmediately=True))
    cost = cost_of(larger)
    assert cost is not None
    assert cost.before == pytest.approx(0.1752 * 730 * 3)
    assert cost.after == pytest.approx(0.3496 * 730 * 3)
    report = to_markdown(judge(larger))
    assert "| store | $384 (3 x cache.r7g.large) | $766 (3 x cache.r7g.xlarge) |" in report
    assert "2026-10-02" in report
    assert "$384 before, $766 after" in to_text(judge(larger))
    assert json.loads(to_json(judge(larger)))["monthly_dollars"]["after"] == cost.after


def test_cost_counts_every_node_of_every_shard() -> None:
    sharded: dict[str, Any] = {
        "numCacheClusters": ...,
        "numNodeGroups": 2,
        "replicasPerNodeGroup": 2,
    }
    cost = cost_of(plan(step("create", GROUP, **sharded)))
    assert cost is not None
    assert cost.before == 0
    assert cost.after == pytest.approx(0.1752 * 730 * 6)


def test_cost_counts_what_stands_around_a_store() -> None:
    endpoint = {"vpcEndpointType": "Interface", "subnetIds": [UNKNOWN, UNKNOWN, UNKNOWN]}
    new = plan(
        step("create", GROUP),
        step("create", KEY),
        *(step("create", ENDPOINT, service, **endpoint) for service in ("kms", "logs")),
        step("create", ENDPOINT, "s3", vpcEndpointType="Gateway"),
        *(step("create", ALARM, f"alarm-{number}") for number in range(4)),
        step("create", SECRET, "svc"),
    )
    cost = cost_of(new)
    assert cost is not None
    assert cost.before == 0
    around = 6 * 0.01 * 730 + 1.00 + 4 * 0.10 + 0.40
    assert cost.after == pytest.approx(0.1752 * 730 * 3 + around)
    report = to_markdown(judge(new))
    assert (
        "| what stands around | - | $46 (6 endpoint zones, 4 alarms, 1 secret, 1 key) |" in report
    )
    assert "| together | $0 | $429 |" in report
    assert "read 2026-11-25" in report


def test_cost_of_endpoints_whose_subnets_are_not_known_is_not_known() -> None:
    hidden = step("create", ENDPOINT, "kms", vpcEndpointType="Interface", subnetIds=UNKNOWN)
    cost = cost_of(plan(step("create", GROUP), hidden))
    assert cost is not None
    assert cost.after is None
    assert cost.stores[-1].after is not None
    assert cost.stores[-1].after.what == "endpoint zones that are not known yet"


def test_a_plan_without_a_store_has_no_cost() -> None:
    assert cost_of(plan(step("create", KEY), step("create", SECRET))) is None


def test_cost_of_a_serverless_cache_is_its_limit() -> None:
    both = plan(step("delete", GROUP, "old"), step("create", SERVERLESS, "new"))
    report = to_markdown(judge(both))
    assert "| new | - | at most $" in report
    assert "| together | $384 |" in report


@pytest.mark.parametrize("kind", ["cache.r7g.enormous", UNKNOWN, 3])
def test_nodes_without_a_price_are_said_to_have_none(kind: object) -> None:
    cost = cost_of(plan(step("update", GROUP, nodeType=kind)))
    assert cost is not None
    assert cost.after is None
    assert "no price" in to_markdown(judged(step("update", GROUP, nodeType=kind)))


def test_a_plan_without_stores_of_aws_says_nothing_of_cost() -> None:
    verdict = judged(step("update", KEY, enableKeyRotation=True))
    assert verdict.cost is None
    assert "month" not in to_markdown(verdict)


def test_what_the_engine_looked_at_is_not_counted_twice() -> None:
    looked = step("refresh", GROUP, nodeType="cache.r7g.16xlarge")
    cost = cost_of(plan(looked, step("same", GROUP)))
    assert cost is not None
    assert cost.before == cost.after == pytest.approx(0.1752 * 730 * 3)
