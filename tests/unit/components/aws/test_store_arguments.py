"""What a store of nodes refuses before anything is made."""

from __future__ import annotations

from typing import Any

import pytest

from config.schema import Preset
from holdfast.connection import Topology
from holdfast.errors import ConfigError
from holdfast.roles import Role
from holdfast.rotation.settings import CaStage, RotationSettings
from tests.unit.components.aws.stores import nodes


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
