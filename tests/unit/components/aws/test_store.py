from __future__ import annotations

import json
from typing import Any

import pytest

from config.aws_settings import Authentication
from config.schema import Preset
from holdfast.connection import Address, Connection, Topology
from holdfast.errors import ConfigError
from holdfast.roles import APPLICATION_ROLES, Role
from holdfast.rotation.settings import CaStage, RotationSettings
from tests.unit.components.aws.cloud import ACCOUNT, DIGITS, KEY_ARN, TOPIC_ARN, Aws
from tests.unit.components.aws.expected import store_of_nodes
from tests.unit.components.aws.stores import GROUP, NAME, children, nodes

COMPONENT = "holdfast:index:ElastiCacheSessionStore"
CONNECT = {"s-connect-svc", "s-connect-worker"}
CLUSTER: dict[str, Any] = {"topology": Topology.CLUSTER, "shards": 2, "replicas": 1}


@pytest.mark.parametrize("preview", [False, True])
@pytest.mark.parametrize("replicas", range(6))
def test_a_store_without_cluster_mode_has_exactly_its_children(
    replicas: int, *, preview: bool
) -> None:
    made = nodes(preview=preview, replicas=replicas)
    assert children(made) == store_of_nodes(1 + replicas)
    assert {name: args.typ for name, args in made.created.items() if not args.custom} == {
        "s": COMPONENT
    }


@pytest.mark.parametrize("preview", [False, True])
def test_a_cluster_has_exactly_its_children(*, preview: bool) -> None:
    assert children(nodes(preview=preview, **CLUSTER)) == store_of_nodes(4)


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
    usual = set(store_of_nodes(1))
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


def test_a_group_without_cluster_mode_is_asked_for_as_aws_takes_it() -> None:
    assert group(preset=Preset.PROD) == {
        "description": "Session store chat-test",
        "engine": "valkey",
        "engineVersion": "9.1",
        "nodeType": "cache.t4g.small",
        "clusterMode": "disabled",
        "numCacheClusters": 3,
        "automaticFailoverEnabled": True,
        "multiAzEnabled": True,
        "port": 6379,
        "subnetGroupName": f"s-subnets-{DIGITS}",
        "securityGroupIds": ["s-security-group-id"],
        "parameterGroupName": f"s-parameters-{DIGITS}",
        "transitEncryptionEnabled": True,
        "transitEncryptionMode": "required",
        "atRestEncryptionEnabled": True,
        "kmsKeyId": KEY_ARN,
        "userGroupIds": ["chat-test-users"],
        "logDeliveryConfigurations": [
            {
                "destination": f"/aws/elasticache/chat-test/{kind}",
                "destinationType": "cloudwatch-logs",
                "logFormat": "json",
                "logType": kind,
            }
            for kind in ("slow-log", "engine-log")
        ],
        "snapshotRetentionLimit": 7,
        "snapshotWindow": "03:00-04:00",
        "finalSnapshotIdentifier": f"chat-test-final-{DIGITS}",
        "maintenanceWindow": "sun:05:00-sun:06:00",
        "autoMinorVersionUpgrade": True,
        "applyImmediately": False,
        "tags": {},
    }


def test_a_cluster_has_shards_and_replicas_and_no_count_of_nodes() -> None:
    inputs = group(**CLUSTER)
    assert inputs["clusterMode"] == "enabled"
    assert (inputs["numNodeGroups"], inputs["replicasPerNodeGroup"]) == (2, 1)
    assert "numCacheClusters" not in inputs


def test_a_cluster_without_replicas_may_fail_over_but_has_one_zone() -> None:
    inputs = group(topology=Topology.CLUSTER, shards=3, replicas=0)
    assert (inputs["automaticFailoverEnabled"], inputs["multiAzEnabled"]) == (True, False)


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


def test_prod_protects_what_holds_sessions_and_their_key_and_nothing_else() -> None:
    for preset, protected in ((Preset.DEV, set()), (Preset.PROD, {NAME, "s-key"})):
        made = nodes(preset=preset)
        assert {name for name, request in made.requests.items() if request.protect} == protected


@pytest.mark.parametrize(
    ("preset", "days"), [(Preset.DEV, 0), (Preset.STAGING, 7), (Preset.PROD, 30)]
)
def test_a_deleted_secret_can_be_brought_back_outside_development(
    preset: Preset, days: int
) -> None:
    made = nodes(preset=preset)
    for role in APPLICATION_ROLES:
        assert made.inputs(f"s-secret-{role}")["recoveryWindowInDays"] == days


def test_the_parameter_group_has_no_fixed_name_and_the_family_of_the_version() -> None:
    for version, family in (("7.2", "valkey7"), ("8.2", "valkey8"), ("9.1", "valkey9")):
        inputs = nodes(engine_version=version).inputs("s-parameters")
        assert inputs["family"] == family
        assert "name" not in inputs


def test_parameters_say_what_is_evicted_and_whether_cluster_mode_is_on() -> None:
    def values(**changes: Any) -> dict[str, str]:  # noqa: ANN401 - as the arguments are
        found = nodes(**changes).inputs("s-parameters")["parameters"]
        return {entry["name"]: entry["value"] for entry in found}

    plain = values()
    assert plain == {
        "acl-pubsub-default": "resetchannels",
        "activedefrag": "yes",
        "maxmemory-policy": "volatile-lru",
        "maxmemory-samples": "5",
        "repl-backlog-size": str(16 * 1024**2),
        "reserved-memory-percent": "30",
        "tcp-keepalive": "60",
    }
    assert values(eviction_policy="volatile-ttl")["maxmemory-policy"] == "volatile-ttl"
    assert values(**CLUSTER) == {**plain, "cluster-enabled": "yes"}


def test_a_snapshot_to_begin_with_counts_at_creation_alone() -> None:
    made = nodes(restore_from="before")
    assert made.inputs(NAME)["snapshotName"] == "before"
    assert list(made.requests[NAME].ignoreChanges) == ["snapshotName"]


def test_an_existing_group_is_adopted_as_it_is() -> None:
    made = nodes(import_id="legacy", preset=Preset.PROD)
    request = made.requests[NAME]
    assert request.importId == "legacy"
    said = set(made.inputs(NAME))
    assert said - set(request.ignoreChanges) == {"replicationGroupId"}
    assert made.inputs(NAME)["replicationGroupId"] == "legacy"


def test_counts_of_the_other_cluster_mode_are_not_taken_over_with_a_group_that_is_adopted() -> None:
    def ignored(**changes: Any) -> set[str]:  # noqa: ANN401 - as the arguments are
        return set(nodes(import_id="legacy", **changes).requests[NAME].ignoreChanges)

    assert not ignored() & {"numNodeGroups", "replicasPerNodeGroup"}
    assert "numCacheClusters" not in ignored(**CLUSTER)


def test_an_adopted_group_keeps_its_id_and_what_would_replace_it() -> None:
    made = nodes(replication_group_id="legacy")
    request = made.requests[NAME]
    assert not request.importId
    assert made.inputs(NAME)["replicationGroupId"] == "legacy"
    assert set(request.ignoreChanges) == {
        "snapshotName",
        "atRestEncryptionEnabled",
        "kmsKeyId",
        "subnetGroupName",
    }
    assert made.outputs["resources"].value["replication_group_id"] == "legacy"


def test_long_changes_have_the_time_they_take() -> None:
    timeouts = nodes().requests[NAME].customTimeouts
    assert (timeouts.create, timeouts.update, timeouts.delete) == ("90m", "120m", "60m")


def test_alarms_are_for_the_ids_that_aws_gives_the_nodes() -> None:
    def watched(**changes: Any) -> list[str]:  # noqa: ANN401 - as the arguments are
        made = nodes(**changes)
        names = [name for name in made.created if name.endswith("-evictions")]
        assert all(made.inputs(name)["dimensions"]["CacheNodeId"] == "0001" for name in names)
        return sorted(made.inputs(name)["dimensions"]["CacheClusterId"] for name in names)

    assert watched(replicas=2) == [f"{GROUP}-{n:03d}" for n in (1, 2, 3)]
    assert watched(**CLUSTER) == [
        f"{GROUP}-{shard:04d}-{n:03d}" for shard in (1, 2) for n in (1, 2)
    ]


def test_every_alarm_tells_the_topic_and_says_what_to_do() -> None:
    cases: tuple[tuple[str, dict[str, Any]], ...] = (
        ("arn:aws:sns:eu-west-1:123456789012:s-alarms", {}),
        (TOPIC_ARN, {"alarm_topic_arn": TOPIC_ARN}),
    )
    for topic, changes in cases:
        made = nodes(**changes)
        alarms = [name for name, token in children(made).items() if token.endswith("MetricAlarm")]
        assert alarms
        for name in alarms:
            inputs = made.inputs(name)
            assert inputs["alarmActions"] == inputs["okActions"] == [topic]
            assert inputs["alarmDescription"].startswith("Session store chat-test: ")
            assert inputs["treatMissingData"] == "notBreaching"
            assert inputs["namespace"] == "AWS/ElastiCache"


def test_alarms_watch_what_loses_sessions_and_who_is_refused() -> None:
    made = nodes()
    metrics = {
        made.inputs(name)["metricName"]
        for name, token in children(made).items()
        if token.endswith("MetricAlarm")
    }
    assert metrics >= {
        "Evictions",
        "DatabaseMemoryUsagePercentage",
        "EngineCPUUtilization",
        "ReplicationLag",
        "AuthenticationFailures",
        "KeyAuthorizationFailures",
        "CommandAuthorizationFailures",
    }


def test_a_larger_node_has_no_alarm_of_credits_or_of_two_processors() -> None:
    small, large = (
        {name.removeprefix("s-alarm-0-") for name in children(nodes(node_type=node))}
        for node in ("cache.t4g.small", "cache.r7g.xlarge")
    )
    assert small - large == {"cpu", "cpu-credits"}


def test_the_topic_is_encrypted_and_alarms_may_use_its_key() -> None:
    made = nodes()
    assert made.inputs("s-alarms")["kmsMasterKeyId"] == KEY_ARN
    (publish, plain) = json.loads(made.inputs("s-alarms-policy")["policy"])["Statement"]
    assert publish["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert publish["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert plain["Effect"] == "Deny"


def test_the_key_is_rotated_and_its_policy_names_the_stores_own_logs() -> None:
    made = nodes()
    inputs = made.inputs("s-key")
    assert inputs["enableKeyRotation"] is True
    assert inputs["deletionWindowInDays"] == 30
    statements = {entry["Sid"]: entry for entry in json.loads(inputs["policy"])["Statement"]}
    root = f"arn:aws:iam::{ACCOUNT}:root"
    assert statements["AccountDecidesByIam"]["Principal"] == {"AWS": root}
    logs = statements["LogsOfTheStore"]
    assert logs["Principal"] == {"Service": "logs.eu-west-1.amazonaws.com"}
    wanted = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/elasticache/chat-test*"
    assert wanted in logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    through = statements["DataAndSnapshotsThroughElastiCache"]["Condition"]["StringEquals"]
    assert through == {
        "kms:CallerAccount": ACCOUNT,
        "kms:ViaService": "elasticache.eu-west-1.amazonaws.com",
    }
    assert made.inputs("s-key-alias")["name"] == "alias/chat-test-store"


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


def test_logs_are_kept_apart_encrypted_and_for_so_long() -> None:
    made = nodes(log_retention_days=90)
    for kind in ("slow-log", "engine-log"):
        assert made.inputs(f"s-{kind}") == {
            "name": f"/aws/elasticache/chat-test/{kind}",
            "retentionInDays": 90,
            "kmsKeyId": KEY_ARN,
            "tags": {},
        }


def test_clients_are_told_the_primary_and_the_replicas() -> None:
    connection = Connection.from_json(nodes(replicas=1).outputs["connection"].value)
    host = f"{GROUP}.example.cache.amazonaws.com"
    assert connection.target == "aws"
    assert connection.topology is Topology.REPLICATION_GROUP
    assert connection.primary == Address(f"master.{host}", 6379)
    assert connection.reader == Address(f"replica.{host}", 6379)
    assert connection.seeds == ()
    assert connection.tls.ca == "system"
    assert (connection.engine, connection.engine_version) == ("valkey", "9.1")
    assert connection.capabilities == {"wait", "psubscribe", "client-list"}
    assert connection.capacity.maxmemory_bytes == 1_029_718_409


def test_one_node_has_no_reader_and_a_cluster_one_seed() -> None:
    alone = Connection.from_json(nodes().outputs["connection"].value)
    assert alone.reader is None
    cluster = Connection.from_json(nodes(**CLUSTER).outputs["connection"].value)
    assert cluster.topology is Topology.CLUSTER
    assert cluster.seeds == (Address(f"clustercfg.{GROUP}.example.cache.amazonaws.com", 6379),)
    assert cluster.primary is None


def test_the_outputs_for_people_and_programs_are_plain() -> None:
    outputs = nodes(authentication=Authentication.IAM).outputs
    assert outputs["connection"].secret
    assert outputs["connections"].secret
    plain = {name: seen for name, seen in outputs.items() if not name.startswith("connection")}
    assert not [name for name, seen in plain.items() if seen.secret]
    values = {name: seen.value for name, seen in plain.items()}
    assert values == {
        "target": "aws",
        "topology": "replication-group",
        "engine": "valkey 9.1",
        "endpoints": [f"master.{GROUP}.example.cache.amazonaws.com:6379"],
        "app": "agent",
        "roles": list(APPLICATION_ROLES),
        "ca_file": "",
        "certificate_serials": {},
        "resources": {
            "region": "eu-west-1",
            "replication_group_id": GROUP,
            "user_group_id": "chat-test-users",
            "client_security_group_id": "s-client-group-id",
            "store_security_group_id": "s-security-group-id",
            "parameter_group": f"s-parameters-{DIGITS}",
            "kms_key_arn": KEY_ARN,
            "alarm_topic_arn": "arn:aws:sns:eu-west-1:123456789012:s-alarms",
            "connect_policy_arns": {
                role: f"arn:aws:iam:eu-west-1:123456789012:s-connect-{role}"
                for role in ("svc", "worker")
            },
            "vpc_id": "vpc-00000001",
        },
    }
    secrets = outputs["connection_secrets"]
    assert not secrets.secret
    assert secrets.value["svc"].startswith("arn:aws:secretsmanager:")
    assert set(secrets.value) == set(APPLICATION_ROLES)
    assert outputs["connection_files"].value == {}


def test_a_preview_knows_what_does_not_depend_on_aws() -> None:
    outputs = nodes(preview=True).outputs
    known = {name for name, seen in outputs.items() if seen.known}
    assert known >= {"target", "topology", "engine", "app", "roles"}
    assert outputs["connection"].secret
    assert not outputs["connection"].known


@pytest.mark.parametrize(
    ("changes", "blamed"),
    [
        ({"name": "Store"}, "name"),
        ({"aws_name": "Chat"}, "aws_name"),
        ({"aws_name": "chat--test"}, "aws_name"),
        ({"aws_name": "c" * 25}, "aws_name"),
        ({"region": "nowhere-1"}, "holdfast:region"),
        ({"node_type": "cache.t4g.enormous"}, "nodeType"),
        ({"region": "me-south-1", "node_type": "cache.t4g.small"}, "holdfast:nodeType"),
        ({"account_id": "1234"}, "holdfast:accountIds"),
        ({"preset": "production"}, "holdfast:preset"),
        ({"topology": "sharded"}, "holdfast:topology"),
        ({"authentication": "token"}, "holdfast:authentication"),
        ({"engine_version": "7.1"}, "holdfast:engineVersion"),
        ({"engine_version": "9.1.2"}, "holdfast:engineVersion"),
        ({"topology": Topology.SENTINEL}, "holdfast:topology"),
        ({"topology": Topology.SERVERLESS}, "topology"),
        ({"shards": 2}, "holdfast:primaries"),
        ({"topology": Topology.CLUSTER, "shards": 91}, "holdfast:primaries"),
        ({"topology": Topology.CLUSTER, "shards": 40, "replicas": 2}, "holdfast:primaries"),
        ({"replicas": 6}, "holdfast:replicas"),
        ({"preset": Preset.PROD, "replicas": 0}, "holdfast:replicas"),
        ({"preset": Preset.STAGING, "replicas": 0}, "holdfast:replicas"),
        ({"client_cidrs": ["0.0.0.0/0"]}, "holdfast:clientCidrs"),
        ({"client_cidrs": ["10.0.0.0/8"]}, "holdfast:clientCidrs"),
        ({"client_security_group_ids": ["chat"]}, "holdfast:clientSecurityGroupIds"),
        ({"kms_key_arn": "alias/chat"}, "holdfast:kmsKeyArn"),
        ({"alarm_topic_arn": "oncall"}, "holdfast:alarmTopicArn"),
        ({"alarm_emails": ["nobody"]}, "holdfast:alarmEmails"),
        ({"log_retention_days": 31}, "holdfast:logRetentionDays"),
        ({"snapshot_retention_days": 0}, "holdfast:snapshotRetentionDays"),
        ({"snapshot_retention_days": 36}, "holdfast:snapshotRetentionDays"),
        ({"snapshot_window": "05:00-06:00"}, "holdfast:maintenanceWindow"),
        ({"maintenance_window": "sunday"}, "holdfast:maintenanceWindow"),
        ({"eviction_policy": "allkeys-lru"}, "holdfast:evictionPolicy"),
        ({"restore_from": "-"}, "holdfast:restoreSnapshot"),
        ({"import_id": "Legacy"}, "holdfast:importId"),
        ({"import_id": "a", "replication_group_id": "a"}, "replication_group_id"),
        ({"app": "a b"}, "holdfast:app"),
        ({"buckets": 3}, "holdfast:buckets"),
        ({"user_generations": []}, "user_generations"),
        ({"user_generations": [2, 1]}, "user_generations"),
        ({"user_generations": [1, 2, 3]}, "user_generations"),
        (
            {"rotation": RotationSettings(password_rotations={Role.REPLICA: 1})},
            "holdfast:passwordRotations",
        ),
        ({"rotation": RotationSettings(certificate_rotation=1)}, "holdfast:certificateRotation"),
        ({"rotation": RotationSettings(ca_rotation=1)}, "holdfast:caRotation"),
        ({"rotation": RotationSettings(ca_stage=CaStage.TRUST_BOTH)}, "holdfast:caStage"),
    ],
)
def test_a_wrong_argument_is_refused_by_its_name(changes: dict[str, Any], blamed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        nodes(**changes)
    assert caught.value.field == blamed
