"""A real Kubernetes of three or five nodes on this machine, for tests.

    with Rig.up(nodes=3) as rig:
        rig.kubectl("get", "nodes")
        rig.cut("node-1")

The control plane and each node are processes in mount, process, network and host name namespaces
of their own, without a way out of the machine: real etcd, API server, controllers, scheduler,
kubelets, containerd, kube-proxy, CoreDNS. What stands in for something else: local folders made by
``provisioner`` for a CSI driver, and ``toolchain/cluster/kube/netpolicy`` for a network plugin that
enforces NetworkPolicy. The nodes share a kernel, a clock, a disk and the machine's memory.

Commands: ``python -m tests.cluster.rig --help``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster.rig.errors import RigError

if TYPE_CHECKING:
    from tests.cluster.rig.rig import Rig

__all__ = ["Rig", "RigError"]


def __getattr__(name: str) -> object:
    """``Rig`` when it is asked for: what runs in the guests is of this package too, and small."""
    if name != "Rig":
        raise AttributeError(name)
    from tests.cluster.rig.rig import Rig

    return Rig
