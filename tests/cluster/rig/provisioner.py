"""A stand-in for a CSI driver with its provisioner and resizer: folders on the nodes as volumes.

What it does as such a driver would: it makes a volume once the scheduler chose a node for the first
pod of a claim, removes it with the claim where the class says so, and grows it when the claim asks
for more. What it does not: hold a volume to its size, move it between nodes, or run as pods. A
node's folders are on the machine's disk, so they outlive its being switched off, and the volume of
a deleted claim goes away even then.
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.cluster.rig.api import Api, ApiError, Object
from tests.cluster.rig.layout import API_PORT, Layout

CLASS: Final = "rig"
PROVISIONER: Final = "holdfast.invalid/rig"
_SELECTED_NODE: Final = "volume.kubernetes.io/selected-node"
_PROVISIONED_BY: Final = "pv.kubernetes.io/provisioned-by"
_INTERVAL_SECONDS: Final = 0.3
_VOLUMES: Final = "/api/v1/persistentvolumes"
_CLAIMS: Final = "/api/v1/persistentvolumeclaims"
_UNITS: Final = {
    "": 1,
    **{unit: 1000**power for power, unit in enumerate(("k", "M", "G", "T"), start=1)},
    **{unit: 1024**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), start=1)},
}


def parse_quantity(text: str) -> int:
    """Bytes of a quantity such as "1Gi".

    Raises:
        ValueError: it is not one of whole bytes.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]{0,2})", text)
    if found is None or found.group(2) not in _UNITS:
        raise ValueError(f"not a quantity of bytes: {text!r}")
    return int(float(found.group(1)) * _UNITS[found.group(2)])


@dataclass(frozen=True)
class Growth:
    """A claim that asks for more than its volume has."""

    claim: Object
    volume: str
    storage: str


def to_make(claims: Iterable[Object]) -> Iterator[Object]:
    """Claims that wait for a volume, and whose node is known."""
    for claim in claims:
        spec, annotations = claim["spec"], claim["metadata"].get("annotations", {})
        if (
            spec.get("storageClassName") == CLASS
            and not spec.get("volumeName")
            and "deletionTimestamp" not in claim["metadata"]
            and annotations.get(_SELECTED_NODE)
        ):
            yield claim


def to_remove(volumes: Iterable[Object]) -> Iterator[Object]:
    """Volumes of ours whose claim is gone, and that are not kept."""
    for volume in volumes:
        released = volume.get("status", {}).get("phase") == "Released"
        keeps = volume["spec"]["persistentVolumeReclaimPolicy"] != "Delete"
        if _is_ours(volume) and released and not keeps:
            yield volume


def to_grow(claims: Iterable[Object], volumes: Iterable[Object]) -> Iterator[Growth]:
    """Bound claims that ask for more than they are said to have."""
    sizes = {
        volume["metadata"]["name"]: volume["spec"]["capacity"]["storage"]
        for volume in volumes
        if _is_ours(volume)
    }
    for claim in claims:
        name = claim["spec"].get("volumeName", "")
        if name not in sizes or claim.get("status", {}).get("phase") != "Bound":
            continue
        wanted = claim["spec"]["resources"]["requests"]["storage"]
        told = claim["status"].get("capacity", {}).get("storage", sizes[name])
        if parse_quantity(wanted) > min(parse_quantity(told), parse_quantity(sizes[name])):
            yield Growth(claim, name, wanted)


def _is_ours(volume: Object) -> bool:
    return bool(volume["metadata"].get("annotations", {}).get(_PROVISIONED_BY) == PROVISIONER)


def volume_for(claim: Object, folder: Path) -> Object:
    """The volume of a claim, which may be used on the node that was chosen alone."""
    metadata, spec = claim["metadata"], claim["spec"]
    here = {
        "key": "kubernetes.io/hostname",
        "operator": "In",
        "values": [metadata["annotations"][_SELECTED_NODE]],
    }
    reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    reference |= {key: metadata[key] for key in ("namespace", "name", "uid")}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name_for(claim), "annotations": {_PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "volumeMode": "Filesystem",
            "storageClassName": CLASS,
            "persistentVolumeReclaimPolicy": "Delete",
            "claimRef": reference,
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }


def name_for(claim: Object) -> str:
    """The name of a claim's volume."""
    return f"pvc-{claim['metadata']['uid']}"


def step(api: Api, layout: Layout) -> None:
    """Do once what is to be done.

    Raises:
        ApiError: the API server is not there; the next step goes on.
    """
    claims, volumes = api.list(_CLAIMS), api.list(_VOLUMES)
    for claim in to_make(claims):
        node = claim["metadata"]["annotations"][_SELECTED_NODE]
        folder = layout.volumes(node) / name_for(claim)
        # Root's, like a fresh file system: a pod that may write there has asked for a group.
        folder.mkdir(parents=True, exist_ok=True)
        api.create(_VOLUMES, volume_for(claim, folder))
    for volume in to_remove(volumes):
        shutil.rmtree(volume["spec"]["local"]["path"], ignore_errors=True)
        api.delete(f"{_VOLUMES}/{volume['metadata']['name']}")
    for growth in to_grow(claims, volumes):
        _grow(api, growth)


def _grow(api: Api, growth: Growth) -> None:
    capacity: dict[str, Any] = {"capacity": {"storage": growth.storage}}
    api.merge(f"{_VOLUMES}/{growth.volume}", {"spec": capacity})
    metadata = growth.claim["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/persistentvolumeclaims/{metadata['name']}"
    status = {**capacity, "conditions": None, "allocatedResources": None}
    api.merge(f"{path}/status", {"status": {**status, "allocatedResourceStatuses": None}})


def main(arguments: list[str]) -> None:
    """Work until the control plane ends."""
    layout = Layout.load(Path(arguments[0]))
    api = Api(layout.pki / "provisioner.kubeconfig", f"https://127.0.0.1:{API_PORT}")
    while True:
        try:
            step(api, layout)
        except ApiError as error:
            print(error, flush=True)
        time.sleep(_INTERVAL_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1:])
