from __future__ import annotations

from typing import Any

import pytest

from config.schema import Preset
from holdfast.connection import Address, Connection, Topology
from holdfast.errors import ConfigError
from tests.unit.components.aws.cloud import DIGITS, KEY_ARN, SUBNETS
from tests.unit.components.aws.expected import serverless_store
from tests.unit.components.aws.stores import NAME, children, serverless

COMPONENT = "holdfast:index:ServerlessSessionStore"
SNAPSHOT = "arn:aws:elasticache:eu-west-1:123456789012:serverlesssnapshot:before"


@pytest.mark.parametrize("preview", [False, True])
def test_a_serverless_store_has_exactly_its_children(*, preview: bool) -> None:
    made = serverless(preview=preview)
    assert children(made) == serverless_store()
    for name, token in children(made).items():
        assert made.urns[name].split("::")[2] == f"{COMPONENT}${token}"


def test_a_cache_is_asked_for_with_both_maximums_and_its_users() -> None:
    assert serverless(engine_version="8.1", snapshot_retention_days=3).inputs(NAME) == {
        "description": "Session store chat-test",
        "engine": "valkey",
        "majorEngineVersion": "8",
        "subnetIds": list(SUBNETS),
        "securityGroupIds": ["s-security-group-id"],
        "userGroupId": "chat-test-users",
        "kmsKeyId": KEY_ARN,
        "cacheUsageLimits": {
            "dataStorage": {"maximum": 5, "unit": "GB"},
            "ecpuPerSeconds": [{"maximum": 10_000}],
        },
        "snapshotRetentionLimit": 3,
        "dailySnapshotTime": "03:00",
        "tags": {},
    }


def test_a_snapshot_to_begin_with_counts_at_creation_alone() -> None:
    made = serverless(restore_from=SNAPSHOT)
    assert made.inputs(NAME)["snapshotArnsToRestores"] == [SNAPSHOT]
    assert list(made.requests[NAME].ignoreChanges) == ["snapshotArnsToRestores"]


def test_prod_protects_the_cache_and_its_key() -> None:
    made = serverless(preset=Preset.PROD)
    assert {name for name, request in made.requests.items() if request.protect} == {NAME, "s-key"}


def test_clients_are_told_both_ports_and_what_it_cannot_do() -> None:
    outputs = serverless().outputs
    connection = Connection.from_json(outputs["connection"].value)
    host = f"{NAME}-{DIGITS}.serverless.example.cache.amazonaws.com"
    assert connection.topology is Topology.SERVERLESS
    assert (connection.primary, connection.reader) == (Address(host, 6379), Address(host, 6380))
    assert connection.capabilities == set()
    assert outputs["topology"].value == "serverless"
    assert outputs["resources"].value["serverless_cache_name"] == f"{NAME}-{DIGITS}"
    assert "parameter_group" not in outputs["resources"].value


def test_both_ports_are_open_to_clients_and_to_nobody_else() -> None:
    made = serverless(client_cidrs=["10.1.0.0/16"])
    rules = [made.inputs(n) for n, token in children(made).items() if token.endswith("IngressRule")]
    assert sorted((rule["fromPort"], rule.get("cidrIpv4", "")) for rule in rules) == [
        (6379, ""),
        (6379, "10.1.0.0/16"),
        (6380, ""),
        (6380, "10.1.0.0/16"),
    ]


def test_alarms_watch_the_cache_by_the_dimension_that_aws_publishes_and_its_maximums() -> None:
    made = serverless()
    alarms = [name for name, token in children(made).items() if token.endswith("MetricAlarm")]
    for name in alarms:
        assert made.inputs(name)["dimensions"] == {"clusterId": f"{NAME}-{DIGITS}"}
    storage = made.inputs("s-alarm-storage")
    assert storage["threshold"] == 4e9
    assert made.inputs("s-alarm-work")["threshold"] == 480_000


@pytest.mark.parametrize(
    ("changes", "blamed"),
    [
        ({"data_storage_gb": 0}, "holdfast:dataStorageGb"),
        ({"data_storage_gb": 5001}, "holdfast:dataStorageGb"),
        ({"ecpu_per_second": 999}, "holdfast:ecpuPerSecond"),
        ({"ecpu_per_second": 15_000_001}, "holdfast:ecpuPerSecond"),
        ({"restore_from": "a-name"}, "holdfast:restoreSnapshot"),
        ({"preset": "production"}, "holdfast:preset"),
    ],
)
def test_a_wrong_argument_is_refused_by_its_name(changes: dict[str, Any], blamed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        serverless(**changes)
    assert caught.value.field == blamed
