"""What the test cluster takes from the machine: runc, nftables and their kin.

They are looked for on PATH. Where one is missing, its package is installed with apt: that is the
only place in the toolchain that changes the system, it is for root alone, and it says what it
installs. (Unpacked packages would not do: runc starts itself anew, as a program of the system.)
"""

from __future__ import annotations

import os
from pathlib import Path

from toolchain import process
from toolchain.cache import cache_dir, locked
from toolchain.errors import ToolchainError
from toolchain.machine import which
from toolchain.progress import Task, say

PACKAGES = {
    "runc": "runc",
    "iptables": "iptables",
    "nft": "nftables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "sysctl": "procps",
    "unshare": "util-linux",
    "mount": "mount",
}
"""Program -> its package in Debian and Ubuntu."""

INSTALL_SECONDS = 600.0


def missing() -> dict[str, str]:
    """Programs that are not there, with their packages."""
    return {program: package for program, package in PACKAGES.items() if which(program) is None}


def ensure_host_tools() -> None:
    """Install what is missing.

    Raises:
        ToolchainError: it cannot be installed here; the message names the packages.
    """
    if not missing():
        return
    with locked(cache_dir() / "locks" / "apt-install.lock", "installing packages"):
        packages = sorted(set(missing().values()))
        if not packages:
            return
        if os.geteuid() != 0 or not Path("/usr/bin/apt-get").exists():
            raise ToolchainError(
                f"not installed: {', '.join(sorted(missing()))}; "
                f"install the packages {' '.join(packages)} and run again"
            )
        say(f"installing with apt-get: {' '.join(packages)}")
        env = {"DEBIAN_FRONTEND": "noninteractive"}
        with Task(f"installing {' '.join(packages)}"):
            process.output(["apt-get", "-qq", "update"], env=env, timeout_seconds=INSTALL_SECONDS)
            argv = ["apt-get", "-qq", "install", "--no-install-recommends", "--yes", *packages]
            process.output(argv, env=env, timeout_seconds=INSTALL_SECONDS)
        if left := missing():
            raise ToolchainError(f"still not there after installing: {', '.join(sorted(left))}")
