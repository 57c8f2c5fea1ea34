from __future__ import annotations

from typing import Any

import pytest

from config.schema import Preset
from holdfast.connection import Address, Connection, Topology
from holdfast.errors import ConfigError
from tests.unit.components.aws.cloud import DIGITS
from tests.unit.components.aws.stores import NAME, children, serverless

COMPONENT = "holdfast:index:ServerlessSessionStore"
SNAPSHOT = "arn:aws:elasticache:eu-west-1:123456789012:serverlesssnapshot:before"


def test_every_child_is_parented_to_the_component() -> None:
    made = serverless()
    for name, token in children(made).items():
        assert made.urns[name].split("::")[2] == f"{COMPONENT}${token}"


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
