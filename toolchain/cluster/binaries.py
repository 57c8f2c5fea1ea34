"""The programs of the test cluster, built from Go modules into the cache."""

from __future__ import annotations

import argparse
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from toolchain import cache
from toolchain.errors import ToolchainError, run_command
from toolchain.gobuild import Build, compile_into, digest, drop_caches, sources
from toolchain.paths import PROJECT

MODULES = PROJECT / "toolchain" / "cluster"
PARTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
    "network-policy",
)
"""What the one program ``kube`` is, by the name it is called."""


def kubernetes_version() -> str:
    """Such as "1.36.1": of the cluster and of its kubectl, as go.mod pins it."""
    return _pinned("kube", "k8s.io/kubernetes")


def coredns_version() -> str:
    """Such as "1.14.7"."""
    return _pinned("coredns", "github.com/coredns/coredns")


def _pinned(module: str, dependency: str) -> str:
    text = (MODULES / module / "go.mod").read_text()
    found = re.search(rf"^(?:require)?\s+{re.escape(dependency)} v(\S+)", text, re.M)
    if found is None:
        raise ToolchainError(f"toolchain/cluster/{module}/go.mod does not require {dependency}")
    return found.group(1)


def _kube() -> Build:
    version = kubernetes_version()
    major, minor, _ = version.split(".")
    # Without these, nodes say that they are v0.0.0 and clients take the cluster for a very old one.
    field = "k8s.io/component-base/version"
    stamps = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}
    flags = " ".join(f"-X {field}.{name}={value}" for name, value in stamps.items())
    return Build(f"Kubernetes {version}", MODULES / "kube", (".",), f"-s -w {flags}")


def _coredns() -> Build:
    return Build(f"CoreDNS {coredns_version()}", MODULES / "coredns", (".",))


def _pause() -> Build:
    return Build("pause", MODULES / "pause", (".",))


CONTAINERD = "github.com/containerd/containerd/v2/cmd"
CNI = "github.com/containernetworking/plugins/plugins"
# File systems that need C libraries or devices; overlayfs is the one in use.
WITHOUT = ("no_btrfs", "no_zfs", "no_devmapper")


def _containerd() -> Build:
    commands = ("containerd", "containerd-shim-runc-v2", "ctr")
    packages = tuple(f"{CONTAINERD}/{name}" for name in commands)
    return Build("containerd", MODULES / "containerd", packages, tags=WITHOUT)


def _cni() -> Build:
    names = ("main/ptp", "main/loopback", "ipam/host-local", "meta/portmap")
    packages = tuple(f"{CNI}/{name}" for name in names)
    return Build("the CNI plugins", MODULES / "containerd", packages, tags=WITHOUT)


@dataclass(frozen=True)
class Binaries:
    """Where the programs are.

    Attributes:
        kube: folder with ``kube`` and a link to it for each of ``PARTS``.
        containerd: folder with containerd, its shim and ctr.
        cni: folder with the network plugins.
        coredns: the program.
        pause: the program.
    """

    kube: Path
    containerd: Path
    cni: Path
    coredns: Path
    pause: Path


def find_binaries() -> Binaries:
    """Build what is not in the cache yet; minutes the first time.

    Raises:
        ToolchainError: Go or a module cannot be had.
    """
    found = Binaries(
        kube=_ensure("kube", _kube(), PARTS),
        containerd=_ensure("containerd", _containerd()),
        cni=_ensure("cni", _cni()),
        coredns=_ensure("coredns", _coredns()) / "coredns",
        pause=_ensure("pause", _pause()) / "pause",
    )
    drop_caches()
    return found


def _ensure(name: str, build: Build, links: tuple[str, ...] = ()) -> Path:
    how = repr((build.packages, build.ldflags, build.tags, links)).encode()
    entry = f"{name}-{digest(*sources(build))}-{hashlib.sha256(how).hexdigest()[:6]}"

    def fill(folder: Path) -> None:
        compile_into(folder, build, more_to_come=True)
        for link in links:
            (folder / link).symlink_to(name)

    return cache.ensure(f"cluster/{entry}", f"building {build.title}", fill)


def main() -> int:
    """Build the programs of the test cluster and print the folder of kubectl."""
    argparse.ArgumentParser(
        prog="toolchain.cluster.binaries", description=main.__doc__
    ).parse_args()
    print(find_binaries().kube)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
