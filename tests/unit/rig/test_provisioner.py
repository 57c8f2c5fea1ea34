"""What the rig's stand-in for a storage driver decides to do, from objects alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cluster.rig.provisioner import (
    CLASS,
    PROVISIONER,
    parse_quantity,
    to_grow,
    to_make,
    to_remove,
    volume_for,
)

Object = dict[str, Any]


def _claim(
    *, node: str = "node-1", volume: str = "", asked: str = "1Gi", has: str = "1Gi", of: str = CLASS
) -> Object:
    annotations = {"volume.kubernetes.io/selected-node": node} if node else {}
    spec: Object = {
        "storageClassName": of,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": asked}},
    }
    status: Object = {"phase": "Pending"}
    if volume:
        spec["volumeName"] = volume
        status = {"phase": "Bound", "capacity": {"storage": has}}
    metadata = {"name": "data", "namespace": "n", "uid": "u-1", "annotations": annotations}
    return {"metadata": metadata, "spec": spec, "status": status}


def _volume(*, phase: str = "Bound", keeps: bool = False, of: str = PROVISIONER) -> Object:
    return {
        "metadata": {"name": "pvc-u-1", "annotations": {"pv.kubernetes.io/provisioned-by": of}},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "persistentVolumeReclaimPolicy": "Retain" if keeps else "Delete",
            "local": {"path": "/nowhere"},
        },
        "status": {"phase": phase},
    }


@pytest.mark.parametrize(
    ("text", "size"), [("1Gi", 1 << 30), ("10G", 10**10), ("512", 512), ("1.5Ki", 1536)]
)
def test_a_quantity_is_read_in_both_kinds_of_units(text: str, size: int) -> None:
    assert parse_quantity(text) == size


@pytest.mark.parametrize("text", ["", "1Xi", "Gi", "-1Gi", "1 Gi"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        parse_quantity(text)


def test_a_claim_waits_until_the_scheduler_chose_a_node() -> None:
    waiting, chosen = _claim(node=""), _claim()
    assert list(to_make([waiting, chosen, _claim(of="other"), _claim(volume="v")])) == [chosen]


def test_a_claim_that_is_being_deleted_gets_no_volume() -> None:
    leaving = _claim()
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert list(to_make([leaving])) == []


def test_a_volume_can_be_used_on_its_node_alone_and_is_for_its_claim_alone() -> None:
    volume = volume_for(_claim(), Path("/disk/pvc-u-1"))
    term = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]
    assert term["matchExpressions"][0]["values"] == ["node-1"]
    assert volume["spec"]["claimRef"]["uid"] == "u-1"
    assert volume["spec"]["local"] == {"path": "/disk/pvc-u-1"}


def test_only_volumes_of_its_own_whose_claim_is_gone_are_removed() -> None:
    gone = _volume(phase="Released")
    others = [_volume(), _volume(phase="Released", keeps=True)]
    others.append(_volume(phase="Released", of="example.org/other"))
    assert list(to_remove([gone, *others])) == [gone]


def test_a_claim_that_asks_for_more_grows_and_one_that_has_it_does_not() -> None:
    more = _claim(volume="pvc-u-1", asked="2Gi")
    growing = list(to_grow([more, _claim(volume="pvc-u-1")], [_volume()]))
    assert [(one.volume, one.storage) for one in growing] == [("pvc-u-1", "2Gi")]


def test_a_growth_that_stopped_half_way_goes_on() -> None:
    half_way = _claim(volume="pvc-u-1", asked="2Gi", has="1Gi")
    volume = _volume()
    volume["spec"]["capacity"]["storage"] = "2Gi"
    assert [one.storage for one in to_grow([half_way], [volume])] == ["2Gi"]
    half_way["status"]["capacity"]["storage"] = "2Gi"
    assert list(to_grow([half_way], [volume])) == []
