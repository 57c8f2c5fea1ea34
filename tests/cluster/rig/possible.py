"""Whether this machine can run the rig, told in one line where it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.cluster.rig import cgroups
from tests.cluster.rig.layout import CGROUP_TOP
from toolchain.cache import cache_dir
from toolchain.cluster.oci import ARCHITECTURES, architecture

_PROBE_SECONDS: Final = 20.0
_NAMESPACES: Final = (
    "--mount",
    "--pid",
    "--net",
    "--uts",
    "--fork",
    "--kill-child",
    "--mount-proc",
)
_HIDDEN: Final = ("/run", "/var", "/proc", "/sys", "/dev")
"""Where a node has file systems of its own: the run folder would not be seen there."""


def why_not() -> str:
    """The reason why there can be no cluster here; empty where there can."""
    return _wrong_machine() or _wrong_place() or _without_cgroups() or _without_namespaces()


def _wrong_machine() -> str:
    if not sys.platform.startswith("linux"):
        return f"the test cluster needs Linux, this is {sys.platform}"
    if architecture() not in ARCHITECTURES.values():
        return f"the test cluster is not made for {architecture()}"
    if os.geteuid() != 0:
        return "the test cluster needs root: namespaces, mounts and cgroups of its own"
    return ""


def _wrong_place() -> str:
    folder = cache_dir().resolve()
    if any(folder.is_relative_to(hidden) for hidden in _HIDDEN):
        return f"the cache is in {folder}; set XDG_CACHE_HOME to a folder outside of {_HIDDEN}"
    if "overlay" not in Path("/proc/filesystems").read_text():
        return "this kernel has no overlay file system"
    if missing := [name for name in ("unshare", "nsenter", "mount") if shutil.which(name) is None]:
        return f"{', '.join(missing)} is not installed (util-linux)"
    return ""


def _without_cgroups() -> str:
    probe = f"{CGROUP_TOP}/probe-{os.getpid()}"
    try:
        cgroups.create(probe)
        cgroups.remove(probe)
    except OSError as error:
        return f"cgroups cannot be made: {error}"
    return ""


def _without_namespaces() -> str:
    # What a guest does first: a mount, a bridge, a pair of devices with one end in it.
    script = (
        "mount --make-rprivate / && mount -t tmpfs probe /run && ip link add br0 type bridge"
        " && ip link add port0 type veth peer name eth0 && ip link set port0 master br0"
    )
    if shutil.which("ip") is None:
        script = "mount --make-rprivate / && mount -t tmpfs probe /run"
    argv = ["unshare", *_NAMESPACES, "sh", "-c", script]
    try:
        result = subprocess.run(
            argv, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return "namespaces cannot be made: unshare did not end"
    said = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
    return f"namespaces cannot be made: {said}" if result.returncode else ""
