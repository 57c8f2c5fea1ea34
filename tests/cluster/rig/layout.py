"""Where everything of an instance lies, and which addresses its parts have.

Instances differ by name. Each has a run folder, cgroups and network namespaces of its own, so that
the same addresses in two of them never meet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from tests.cluster.rig.errors import RigError
from toolchain.cache import cache_dir

CONTROL_PLANE: Final = "control-plane"
CONTROL_PLANE_ADDRESS: Final = "10.90.0.254"
NODE_NETWORK_BITS: Final = 24
SERVICE_RANGE: Final = "10.96.0.0/16"
API_SERVICE_ADDRESS: Final = "10.96.0.1"
DNS_ADDRESS: Final = "10.96.0.10"
POD_RANGE: Final = "10.244.0.0/16"
API_PORT: Final = 6443
CGROUP_TOP: Final = "holdfast-rig"
CONTAINERD_SOCKET: Final = "/run/containerd/containerd.sock"
NODE_COUNTS: Final = (1, 3, 5)
ZONES: Final = "abcdefgh"

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


def node_name(index: int) -> str:
    """The name of a node, its host name too."""
    return f"node-{index}"


def node_index(name: str) -> int:
    """The number of a node."""
    return int(name.rpartition("-")[2])


def node_address(index: int) -> str:
    """A node's address on the bridge of the control plane."""
    return f"10.90.0.{10 + index}"


def pod_range(index: int) -> str:
    """The range that a node gives its pods addresses from."""
    return f"10.244.{index}.0/24"


def zone(index: int) -> str:
    """The zone that a node says it stands in."""
    return f"zone-{ZONES[index]}"


def run_folder(name: str) -> Path:
    """The run folder of an instance.

    Raises:
        RigError: the name does not make a folder and a cgroup.
    """
    if not _NAME.fullmatch(name):
        raise RigError(
            f"name: got {name!r}, need at most 31 lower case letters, digits and hyphens"
        )
    return cache_dir() / "rig" / name


@dataclass(frozen=True)
class Programs:
    """What the guests run, by absolute path."""

    kube: str
    containerd: str
    cni: str


@dataclass(frozen=True)
class Layout:
    """One instance, as the runner wrote it down for its guests.

    Attributes:
        name: of the instance.
        root: its run folder.
        nodes: how many.
        programs: folders of programs.
        images: archives that each node has: reference -> file.
        memory_bytes: what a node offers to pods.
        api_relay_fd: number of the inherited socket through which the machine reaches the API.
    """

    name: str
    root: Path
    nodes: int
    programs: Programs
    images: Mapping[str, str]
    memory_bytes: int
    api_relay_fd: int = -1

    @property
    def pki(self) -> Path:
        """Keys, certificates and kubeconfigs."""
        return self.root / "pki"

    @property
    def logs(self) -> Path:
        """One file a component."""
        return self.root / "logs"

    @property
    def cgroup(self) -> str:
        """Path below the root of each cgroup hierarchy."""
        return f"{CGROUP_TOP}/{self.name}"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's, for the ordinary network namespace."""
        return self.root / "kubeconfig"

    def node(self, name: str) -> Path:
        """The disk of a node: what is left of it when it is switched off."""
        return self.root / name

    def volumes(self, name: str) -> Path:
        """Where a node has its volumes."""
        return self.node(name) / "volumes"

    def node_names(self) -> tuple[str, ...]:
        """All nodes in order."""
        return tuple(node_name(index) for index in range(self.nodes))

    def store(self) -> None:
        """Write it down, whole or not at all."""
        fields = {**asdict(self), "root": str(self.root), "images": dict(self.images)}
        draft = self.root / "layout.json.new"
        draft.write_text(json.dumps(fields, indent=1))
        draft.rename(self.root / "layout.json")

    @classmethod
    def load(cls, root: Path) -> Self:
        """Read what ``store`` wrote."""
        fields = json.loads((root / "layout.json").read_text())
        programs = Programs(**fields.pop("programs"))
        return cls(**{**fields, "root": Path(fields["root"]), "programs": programs})
