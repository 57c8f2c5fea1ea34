from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from tests.standin.aws.base import Change
from tests.standin.aws.comparison import changed_names
from tests.standin.aws.services import elasticache_changes as changes
from tests.standin.aws.services.elasticache_groups import batches
from tests.standin.aws.services.elasticache_store import ReplicationGroup

THERE: dict[str, Any] = {
    "description": "Sessions",
    "engine": "valkey",
    "engineVersion": "8.1",
    "nodeType": "cache.t4g.small",
    "numCacheClusters": 2,
    "region": "eu-central-1",
    "replicationGroupId": "store",
    "userGroupIds": ["one"],
    "automaticFailoverEnabled": True,
    "multiAzEnabled": True,
}
MODEL = botocore.session.get_session().get_service_model("elasticache")


def calls(new: dict[str, Any], old: dict[str, Any] = THERE) -> list[tuple[str, dict[str, Any]]]:
    names = frozenset(changed_names(ReplicationGroup.shape, old, new))
    group = {"NodeGroups": [{"NodeGroupId": f"000{number}"} for number in (1, 2, 3)]}
    steps = changes.steps("store", Change(old, new, names), lambda: group)
    return [(step.call, dict(step.arguments)) for step in steps]


def test_more_replicas_come_before_the_rest_and_fewer_after_it() -> None:
    more = [call for call, _ in calls({**THERE, "numCacheClusters": 3, "description": "x"})]
    assert more == ["increase_replica_count", "modify_replication_group"]
    fewer = [call for call, _ in calls({**THERE, "numCacheClusters": 1, "description": "x"})]
    assert fewer == ["modify_replication_group", "decrease_replica_count"]


def test_replicas_are_counted_without_the_primary() -> None:
    assert calls({**THERE, "numCacheClusters": 3}) == [
        (
            "increase_replica_count",
            {"ReplicationGroupId": "store", "ApplyImmediately": True, "NewReplicaCount": 2},
        )
    ]


def test_the_last_shards_go_when_there_shall_be_fewer() -> None:
    old = {**THERE, "numNodeGroups": 3, "replicasPerNodeGroup": 1}
    old.pop("numCacheClusters")
    new = {**old, "numNodeGroups": 2, "replicasPerNodeGroup": 2}
    assert calls(new, old) == [
        (
            "modify_replication_group_shard_configuration",
            {
                "ReplicationGroupId": "store",
                "ApplyImmediately": True,
                "NodeGroupCount": 2,
                "NodeGroupsToRemove": ["0003"],
            },
        ),
        (
            "increase_replica_count",
            {"ReplicationGroupId": "store", "ApplyImmediately": True, "NewReplicaCount": 2},
        ),
    ]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_modification_says_whether_it_waits_for_the_window(at_once: bool) -> None:
    new = {**THERE, "nodeType": "cache.r7g.large", "applyImmediately": at_once}
    assert calls(new) == [
        (
            "modify_replication_group",
            {
                "ReplicationGroupId": "store",
                "ApplyImmediately": at_once,
                "CacheNodeType": "cache.r7g.large",
            },
        )
    ]


def test_a_new_version_names_its_engine() -> None:
    (_, arguments) = calls({**THERE, "engineVersion": "9.1"})[0]
    assert (arguments["Engine"], arguments["EngineVersion"]) == ("valkey", "9.1")


def test_whether_it_is_applied_at_once_is_no_change_of_the_store() -> None:
    assert calls({**THERE, "applyImmediately": True}) == []


def test_user_groups_are_added_and_removed_by_name() -> None:
    (_, arguments) = calls({**THERE, "userGroupIds": ["two"]})[0]
    assert arguments["UserGroupIdsToAdd"] == ["two"]
    assert arguments["UserGroupIdsToRemove"] == ["one"]


def test_a_log_that_is_left_out_is_switched_off() -> None:
    log = {
        "destination": "group",
        "destinationType": "cloudwatch-logs",
        "logFormat": "json",
        "logType": "slow-log",
    }
    other = {**log, "logType": "engine-log"}
    old = {**THERE, "logDeliveryConfigurations": [log, other]}
    (_, arguments) = calls({**THERE, "logDeliveryConfigurations": [log]}, old)[0]
    kept, off = arguments["LogDeliveryConfigurations"]
    assert kept["DestinationDetails"] == {"CloudWatchLogsDetails": {"LogGroup": "group"}}
    assert off == {"LogType": "engine-log", "Enabled": False}


def test_snapshots_that_are_switched_on_are_taken_of_the_first_member() -> None:
    (_, arguments) = calls({**THERE, "snapshotRetentionLimit": 3})[0]
    assert arguments["SnapshottingClusterId"] == "store-001"


def test_a_topic_that_is_left_out_is_told_nothing_more() -> None:
    old = {**THERE, "notificationTopicArn": "arn"}
    (_, arguments) = calls(THERE, old)[0]
    assert arguments["NotificationTopicStatus"] == "inactive"


def test_every_field_is_one_of_the_api() -> None:
    create = MODEL.operation_model("CreateReplicationGroup").input_shape
    modify = MODEL.operation_model("ModifyReplicationGroup").input_shape
    assert create is not None
    assert modify is not None
    assert set(changes.CREATE.values()) <= create.members.keys()
    assert set(changes.MODIFY.values()) <= modify.members.keys()


def test_without_an_engine_it_is_redis() -> None:
    assert changes.creation({"description": "x"})["Engine"] == "redis"


def test_parameters_go_twenty_at_a_time() -> None:
    sizes = [len(batch) for batch in batches({f"p{number:02d}": "1" for number in range(45)})]
    assert sizes == [20, 20, 5]
    assert list(batches({})) == []
