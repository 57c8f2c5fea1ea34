"""What a replication group is asked for beside its inputs: to stay, to be adopted, to have time."""

from __future__ import annotations

from typing import Any

from config.schema import Preset
from tests.unit.components.aws.stores import CLUSTER, NAME, nodes


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


def test_a_snapshot_to_begin_with_counts_at_creation_alone() -> None:
    made = nodes(restore_from="before")
    assert made.inputs(NAME)["snapshotName"] == "before"
    assert list(made.requests[NAME].ignoreChanges) == ["snapshotName"]


def test_long_changes_have_the_time_they_take() -> None:
    timeouts = nodes().requests[NAME].customTimeouts
    assert (timeouts.create, timeouts.update, timeouts.delete) == ("90m", "120m", "60m")


def test_prod_protects_what_holds_sessions_and_their_key_and_nothing_else() -> None:
    for preset, protected in ((Preset.DEV, set()), (Preset.PROD, {NAME, "s-key"})):
        made = nodes(preset=preset)
        assert {name for name, request in made.requests.items() if request.protect} == protected
