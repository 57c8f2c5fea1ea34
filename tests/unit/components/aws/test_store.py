"""A store of nodes: which children its arguments make and spare. Its inputs: test_exact.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from config.aws_settings import Authentication
from config.schema import Preset
from holdfast.roles import APPLICATION_ROLES
from tests.unit.components.aws.cloud import ACCOUNT, KEY_ARN, TOPIC_ARN, Aws
from tests.unit.components.aws.stores import NAME, children, nodes

COMPONENT = "holdfast:index:ElastiCacheSessionStore"
CONNECT = {"s-connect-svc", "s-connect-worker"}


@pytest.mark.parametrize(
    ("changes", "more", "fewer"),
    [
        ({"kms_key_arn": KEY_ARN}, set(), {"s-key", "s-key-alias"}),
        ({"alarm_topic_arn": TOPIC_ARN}, set(), {"s-alarms", "s-alarms-policy"}),
        (
            {"alarm_emails": ["a@example.org", "b@example.org"]},
            {"s-alarms-mail-0", "s-alarms-mail-1"},
            set(),
        ),
        (
            {"client_security_group_ids": ["sg-0000000a"], "client_cidrs": ["10.1.0.0/16"]},
            {"s-from-sg-0000000a-6379", "s-from-10.1.0.0-16-6379"},
            set(),
        ),
        ({"restore_from": "before"}, set(), set()),
        (
            {"authentication": Authentication.PASSWORD_AND_IAM},
            {"s-user-svc-iam", "s-user-worker-iam", *CONNECT},
            set(),
        ),
        (
            {"authentication": Authentication.IAM},
            {"s-user-svc-iam", "s-user-worker-iam", *CONNECT},
            {"s-user-svc", "s-user-worker", "s-password-svc", "s-password-worker"},
        ),
        (
            {"user_generations": [1, 2]},
            {f"s-user-{role}-2" for role in APPLICATION_ROLES},
            set(),
        ),
        (
            {"user_generations": [2]},
            {f"s-user-{role}-2" for role in APPLICATION_ROLES},
            {f"s-user-{role}" for role in APPLICATION_ROLES},
        ),
    ],
)
@pytest.mark.parametrize("preview", [False, True])
def test_an_argument_makes_and_spares_its_children_and_no_other(
    changes: dict[str, Any], more: set[str], fewer: set[str], *, preview: bool
) -> None:
    usual = set(children(nodes(preview=preview)))
    assert fewer <= usual
    assert set(children(nodes(preview=preview, **changes))) == (usual | more) - fewer


def test_every_child_is_parented_to_the_component() -> None:
    made = nodes(replicas=1)
    for name, token in children(made).items():
        assert made.urns[name].split("::")[2] == f"{COMPONENT}${token}"


def test_tags_reach_everything_that_takes_them() -> None:
    made = nodes(tags={"team": "chat"}, alarm_emails=["a@example.org"], authentication="iam")
    without = {"Alias", "Password", "SecretPolicy", "SecretVersion", "TopicPolicy"}
    without |= {"TopicSubscription"}
    for name, token in children(made).items():
        if token.rpartition(":")[2] not in without:
            assert made.inputs(name)["tags"] == {"team": "chat"}, name


def group(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - as the arguments are
    return nodes(**changes).inputs(NAME)


@pytest.mark.parametrize(
    ("preset", "replicas", "days", "at_once", "final"),
    [
        (Preset.DEV, 0, 1, True, False),
        (Preset.STAGING, 1, 1, True, False),
        (Preset.PROD, 2, 7, False, True),
    ],
)
def test_a_preset_decides_what_is_not_said(
    preset: Preset, replicas: int, days: int, *, at_once: bool, final: bool
) -> None:
    inputs = group(preset=preset)
    assert inputs["numCacheClusters"] == 1 + replicas
    assert inputs["automaticFailoverEnabled"] is (replicas > 0)
    assert inputs["multiAzEnabled"] is (replicas > 0)
    assert inputs["snapshotRetentionLimit"] == days
    assert inputs["applyImmediately"] is at_once
    assert ("finalSnapshotIdentifier" in inputs) is final


def test_the_parameter_group_has_no_fixed_name_and_the_family_of_the_version() -> None:
    for version, family in (("7.2", "valkey7"), ("8.2", "valkey8"), ("9.1", "valkey9")):
        inputs = nodes(engine_version=version).inputs("s-parameters")
        assert inputs["family"] == family
        assert "name" not in inputs


def test_in_china_the_keys_policy_has_the_names_that_services_have_there() -> None:
    policy = nodes(region="cn-north-1").inputs("s-key")["policy"]
    statements = {entry["Sid"]: entry for entry in json.loads(policy)["Statement"]}
    service = {"Service": "logs.cn-north-1.amazonaws.com.cn"}
    assert statements["LogsOfTheStore"]["Principal"] == service
    through = statements["DataAndSnapshotsThroughElastiCache"]["Condition"]["StringEquals"]
    assert through["kms:ViaService"] == "elasticache.cn-north-1.amazonaws.com.cn"
    assert statements["AccountDecidesByIam"]["Principal"] == {
        "AWS": f"arn:aws-cn:iam::{ACCOUNT}:root"
    }


def test_aws_is_asked_for_the_account_only_where_it_is_not_said() -> None:
    asked, unasked = Aws(), Aws()
    nodes(cloud=asked)
    made = nodes(cloud=unasked, account_id="999999999999")
    assert asked.calls == ["aws:index/getCallerIdentity:getCallerIdentity"]
    assert unasked.calls == []
    assert "999999999999" in made.inputs("s-key")["policy"]
