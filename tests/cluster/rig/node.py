"""A node's guest: containerd, kubelet, kube-proxy and the enforcer of NetworkPolicy."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import Final

from tests.cluster.rig import cgroups, node_config
from tests.cluster.rig.control_plane import set_sysctl
from tests.cluster.rig.guest import Keeper, Service, run, say, wait_for
from tests.cluster.rig.layout import (
    API_PORT,
    CONTAINERD_SOCKET,
    CONTROL_PLANE_ADDRESS,
    NODE_NETWORK_BITS,
    Layout,
    node_address,
    node_index,
    pod_range,
)

_START_SECONDS: Final = 30.0
_API_SECONDS: Final = 90.0
_FIRST_IMAGES: Final = 2
"""The pod's own and the DNS: the cluster starts with these while the others are still read."""

_MACHINE_WIDE: Final = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What the kubelet insists on; the machine's own values are not ours to change."""


def boot(layout: Layout, name: str, keeper: Keeper) -> None:
    """Set up file systems and network and start everything; returns when the last was started."""
    disk = layout.node(name)
    _mounts(disk)
    _sysctls(disk)
    run("hostname", name)
    _network(layout, name)
    cgroups.create(f"{layout.cgroup}/{name}")
    os.environ["PATH"] = f"{layout.programs.containerd}:{os.environ['PATH']}"
    os.environ["TMPDIR"] = str(_folder(disk / "tmp"))
    node_config.write_all(layout, name)
    keeper.start(Service("containerd", ["containerd", "--config", str(disk / "containerd.toml")]))
    wait_for("containerd", _containerd_answers, _START_SECONDS)
    images = list(layout.images.items())
    for reference, archive in images[:_FIRST_IMAGES]:
        import_image(disk, reference, archive)
    wait_for("API server", _api_answers, _API_SECONDS)
    for service in _services(layout, name):
        keeper.start(service)
    for reference, archive in images[_FIRST_IMAGES:]:
        import_image(disk, reference, archive)
    (disk / "booted").touch()


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _mounts(disk: Path) -> None:
    """File systems that leave the machine's own as they are."""
    # Pods get mounts that appear later: those have to spread.
    run("mount", "--make-rshared", "/")
    run("mount", "-t", "tmpfs", "-o", "mode=755,size=64m", "holdfast-rig-run", "/run")
    for name in ("netns", "lock", "containerd", "xtables"):
        _folder(Path("/run") / name)
    # The kubelet and CNI have places below /var that cannot be set.
    upper, work = _folder(disk / "var" / "upper"), _folder(disk / "var" / "work")
    options = f"lowerdir=/var,upperdir={upper},workdir={work}"
    run("mount", "-t", "overlay", "-o", options, "holdfast-rig-var", "/var")
    _folder(disk / "volumes")


def _sysctls(disk: Path) -> None:
    """Files over those settings that hold for the whole machine, with the values wanted already."""
    folder = _folder(disk / "sysctl")
    for name, value in _MACHINE_WIDE.items():
        stand_in = folder / name.replace("/", ".")
        stand_in.write_text(f"{value}\n")
        run("mount", "--bind", stand_in, f"/proc/sys/{name}")


def _network(layout: Layout, name: str) -> None:
    own = node_index(name)
    run("ip", "link", "set", "lo", "up")
    # The runner makes it as soon as it knows this namespace.
    wait_for("network device", lambda: _has_device("eth0"), _START_SECONDS)
    run("ip", "address", "add", f"{node_address(own)}/{NODE_NETWORK_BITS}", "dev", "eth0")
    run("ip", "link", "set", "eth0", "up")
    run("ip", "route", "add", "default", "via", CONTROL_PLANE_ADDRESS)
    for index in range(layout.nodes):
        if index != own:
            run("ip", "route", "add", pod_range(index), "via", node_address(index))
    set_sysctl("net/ipv4/ip_forward", "1")
    set_sysctl("net/bridge/bridge-nf-call-iptables", "1")
    # A redirect for Service traffic that is routed back would use up the allowance for errors.
    set_sysctl("net/ipv4/conf/all/send_redirects", "0")
    set_sysctl("net/ipv4/conf/default/send_redirects", "0")


def _has_device(name: str) -> bool:
    return name in {device for _, device in socket.if_nameindex()}


def _ctr(*arguments: str) -> list[str]:
    return ["ctr", "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io", *arguments]


def _containerd_answers() -> bool:
    return subprocess.run(_ctr("version"), capture_output=True, check=False).returncode == 0


def _api_answers() -> bool:
    try:
        with socket.create_connection((CONTROL_PLANE_ADDRESS, API_PORT), timeout=1):
            return True
    except OSError:
        return False


def image_mark(disk: Path, reference: str) -> Path:
    """The file of a disk that says which archive an image was loaded from."""
    return _folder(disk / "images") / reference.replace("/", "_")


def importing(archive: str, folder: str = "") -> list[str]:
    """The command that loads an archive; ``folder`` is where ctr is, with a slash."""
    ctr, *rest = _ctr("images", "import", "--local", archive)
    return [f"{folder}{ctr}", *rest]


def import_image(disk: Path, reference: str, archive: str) -> None:
    """Load an image, unless this disk has the very archive already."""
    mark = image_mark(disk, reference)
    if mark.exists() and mark.read_text() == archive:
        return
    run(*importing(archive))
    mark.write_text(archive)
    say(f"{reference}: loaded")


def _services(layout: Layout, name: str) -> list[Service]:
    disk, kube = layout.node(name), layout.programs.kube
    # A node that is back on the network would otherwise go on for 45 s with the connection it had.
    quick = {"HTTP2_READ_IDLE_TIMEOUT_SECONDS": "4", "HTTP2_PING_TIMEOUT_SECONDS": "2"}
    kubelet = [
        f"{kube}/kubelet",
        f"--config={disk / 'kubelet.json'}",
        f"--root-dir={disk / 'kubelet'}",
        f"--kubeconfig={layout.pki / name}.kubeconfig",
        f"--hostname-override={name}",
        f"--node-ip={node_address(node_index(name))}",
        f"--node-labels={node_config.labels(name)}",
        "--v=2",
    ]
    proxy = [f"{kube}/kube-proxy", f"--config={disk / 'kube-proxy.json'}", "--v=2"]
    policy = [
        f"{kube}/network-policy",
        f"-kubeconfig={layout.pki}/network-policy.kubeconfig",
        f"-node={name}",
    ]
    return [
        Service("kubelet", kubelet, quick),
        Service("kube-proxy", proxy, quick),
        Service("network-policy", policy, quick),
    ]
