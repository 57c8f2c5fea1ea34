"""The configuration files of a node, as values and text."""

from __future__ import annotations

import json
import shutil
from typing import Any

from tests.cluster.rig.layout import (
    CONTAINERD_SOCKET,
    CONTROL_PLANE_ADDRESS,
    DNS_ADDRESS,
    POD_RANGE,
    Layout,
    node_address,
    node_index,
    pod_range,
    zone,
)
from toolchain.cluster.images import PAUSE

_UNUSED = (
    *("io.containerd.nri.v1.nri", "io.containerd.internal.v1.tracing"),
    *("io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.blockfile"),
    *("io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.btrfs"),
)

# restrict_oom_score_adj: without CAP_SYS_RESOURCE no process may be made less likely to be killed,
# and runc fails where it tries.
_CONTAINERD = """\
version = 3
root = "{disk}/containerd"
state = "/run/containerd"
disabled_plugins = {unused}
[grpc]
  address = "{socket}"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{pause}"
[plugins."io.containerd.cri.v1.runtime"]
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["{cni}"]
    conf_dir = "{disk}/cni"
  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        SystemdCgroup = false
        BinaryName = "{runc}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{disk}/opt"
"""


def write_all(layout: Layout, name: str) -> None:
    """Write every file of a node onto its disk."""
    disk = layout.node(name)
    (disk / "cni").mkdir(exist_ok=True)
    (disk / "containerd.toml").write_text(containerd(layout, name))
    (disk / "cni" / "10-pods.conflist").write_text(json.dumps(cni(name)))
    (disk / "kubelet.json").write_text(json.dumps(kubelet(layout, name), indent=1))
    (disk / "kube-proxy.json").write_text(json.dumps(kube_proxy(layout, name), indent=1))
    (disk / "resolv.conf").write_text(f"nameserver {CONTROL_PLANE_ADDRESS}\n")


def labels(name: str) -> str:
    """Labels of a node as the kubelet takes them."""
    return f"topology.kubernetes.io/zone={zone(node_index(name))}"


def containerd(layout: Layout, name: str) -> str:
    """containerd's configuration."""
    return _CONTAINERD.format(
        disk=layout.node(name),
        socket=CONTAINERD_SOCKET,
        unused=json.dumps(_UNUSED),
        pause=PAUSE,
        cni=layout.programs.cni,
        runc=shutil.which("runc"),
    )


def cni(name: str) -> dict[str, Any]:
    """The pod network: a pair of devices a pod, routed by the node; no bridge."""
    addresses = {
        "type": "host-local",
        # In memory: a node that was switched off has given no address to anybody.
        "dataDir": "/run/cni",
        "ranges": [[{"subnet": pod_range(node_index(name))}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {"type": "ptp", "ipMasq": False, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def kubelet(layout: Layout, name: str) -> dict[str, Any]:
    """The kubelet's configuration."""
    disk, pki = layout.node(name), layout.pki
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.cgroup}/{name}",
        "failCgroupV1": False,
        "oomScoreAdj": 0,
        "maxOpenFiles": 20000,
        "failSwapOn": False,
        "resolvConf": str(disk / "resolv.conf"),
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "volumePluginDir": str(disk / "volume-plugins"),
        "podLogsDir": str(disk / "pod-logs"),
        "address": node_address(node_index(name)),
        "tlsCertFile": f"{pki}/{name}.crt",
        "tlsPrivateKeyFile": f"{pki}/{name}.key",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "enforceNodeAllocatable": ["pods"],
        # Each node takes the machine's memory for its own.
        "systemReserved": {"memory": str(max(0, memory_total() - layout.memory_bytes))},
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
        },
        # There is nowhere to get an image from again.
        "imageGCHighThresholdPercent": 100,
        # A minute by default: how long a healed node would wait before it says that it is well.
        "nodeStatusUpdateFrequency": "4s",
        "nodeStatusReportFrequency": "4s",
        # How soon a changed Secret is in the pods that mount it; a minute by default.
        "syncFrequency": "5s",
        "nodeLeaseDurationSeconds": 12,
    }


def memory_total() -> int:
    """Bytes of memory of the machine."""
    with open("/proc/meminfo") as file:  # noqa: PTH123 - a line of a file of the kernel
        return int(file.readline().split()[1]) * 1024


def kube_proxy(layout: Layout, name: str) -> dict[str, Any]:
    """kube-proxy's configuration."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": f"{layout.pki}/kube-proxy.kubeconfig"},
        "hostnameOverride": name,
        "clusterCIDR": POD_RANGE,
        "detectLocalMode": "ClusterCIDR",
        # In a network namespace of its own these settings of the kernel cannot be written.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
        "oomScoreAdj": 0,
        "metricsBindAddress": "127.0.0.1:10249",
        "healthzBindAddress": "127.0.0.1:10256",
    }
