"""Where a container of a pod is on this machine."""

from __future__ import annotations

from tests.cluster.rig.cluster import Cluster
from tests.cluster.rig.errors import RigError
from tests.cluster.rig.layout import Layout


def locate(
    cluster: Cluster, layout: Layout, pod: str, container: str, namespace: str
) -> tuple[str, str]:
    """The cgroup of its node, and its id.

    Raises:
        RigError: it does not run.
    """
    found = cluster.get("pod", pod, "-n", namespace)
    for status in found["status"].get("containerStatuses", []):
        if status["name"] == container and "running" in status["state"]:
            cgroup = f"{layout.cgroup}/{found['spec']['nodeName']}"
            return cgroup, str(status["containerID"]).rpartition("/")[2]
    raise RigError(f"{namespace}/{pod} has no running container {container}")
