"""Root file systems of the test cluster's images, laid out from Debian packages.

Only what runs is kept: no manuals, no units, no other locales. Folders of programs and libraries
are merged below /usr, as every current suite has it, so that packages of older suites fit too.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from toolchain import apt, process
from toolchain.errors import ToolchainError

SHELL = ("dash", "coreutils", "mawk", "sed", "grep", "diffutils")
"""What the start scripts run, in the very packages that Debian's own images have."""

TOOLBOX = "busybox-static"
"""For people who look into a pod: every program that is not there otherwise."""

APPLETS = (
    *("awk", "clear", "dc", "find", "free", "hostname", "ip", "kill", "killall", "less", "more"),
    *("nc", "netstat", "nslookup", "pgrep", "ping", "pkill", "ps", "tar", "top", "vi", "wget"),
    *("which", "xargs", "xxd"),
)
MERGED = ("bin", "sbin", "lib", "lib64")
NOT_NEEDED = (
    *("etc/init.d", "etc/default", "etc/logrotate.d", "usr/lib/systemd", "usr/lib/tmpfiles.d"),
    *("usr/lib/sysusers.d", "usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale"),
    *("usr/share/lintian", "usr/share/bash-completion", "usr/share/gdb", "usr/share/gcc"),
    *("usr/share/initramfs-tools", "usr/share/bug", "usr/share/menu", "usr/share/perl5"),
    *("bin/valkey-server", "bin/valkey-cli", "bin/valkey-benchmark"),
)


def fetch(suites: Mapping[str, str], tools: Iterable[str], folder: Path) -> None:
    """Unpack packages and every library that they need.

    Args:
        suites: the suite to take, by distribution of the mirror.
        tools: names of packages.
        folder: to unpack into.

    Raises:
        ToolchainError: no mirror of this machine has them.
    """
    wanted = tuple(tools)
    tried = []
    for mirror in apt.mirrors():
        suite = suites.get(mirror.distribution)
        if suite is None:
            continue
        try:
            with apt.Archive(mirror, suite, folder / ".apt") as archive:
                archive.refresh()
                packages = archive.closure(wanted)
                if missing := set(wanted) - packages.keys():
                    tried.append(f"{suite} has no {', '.join(sorted(missing))}")
                    continue
                archive.download(packages, folder)
                return
        except ToolchainError as error:
            tried.append(f"{suite}: {error}")
    raise ToolchainError("\n".join(tried) or "no archive of this machine's apt has such a suite")


def merge(source: Path, root: Path) -> None:
    """Copy a tree of unpacked packages into a root, /bin, /sbin and /lib going below /usr.

    Symbolic links between those folders end where they did. What is there already is replaced.
    """
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if any(relative.is_relative_to(left_out) for left_out in NOT_NEEDED):
            continue
        if relative.parts[0].startswith(".") or relative.name == "origin.json":
            continue
        target = root / (Path("usr") / relative if relative.parts[0] in MERGED else relative)
        if path.is_dir() and not path.is_symlink():
            if not target.is_symlink():
                target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        if path.is_symlink():
            target.symlink_to(path.readlink())
        else:
            shutil.copy2(path, target)


def finish(root: Path, users: Mapping[str, int], folders: Iterable[str] = ()) -> None:
    """Add what every root needs: the merged folders, users, empty folders, a shell.

    Args:
        root: with the packages in it.
        users: name -> number, the same for the group.
        folders: empty ones, by path in the image.
    """
    for name in MERGED:
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    for folder in ("tmp", "proc", "sys", "dev", "run", "root", "home", "etc", "var/tmp", *folders):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for folder in ("tmp", "var/tmp"):
        (root / folder).chmod(0o1777)
    lines = [("root", 0), *sorted(users.items())]
    etc = root / "etc"
    (etc / "passwd").write_text(
        "".join(f"{name}:x:{uid}:{uid}:{name}:/:/bin/sh\n" for name, uid in lines)
    )
    (etc / "group").write_text("".join(f"{name}:x:{uid}:\n" for name, uid in lines))
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    (etc / "os-release").write_text('ID=holdfast\nPRETTY_NAME="image of the test cluster"\n')
    _loader(root)
    _toolbox(root)


def _loader(root: Path) -> None:
    """Put the loader at the path that programs name; that link is made by installing, not here."""
    for loader in sorted((root / "usr" / "lib").glob("*/ld-linux-*.so.*")):
        place = root / "usr" / ("lib64" if "x86-64" in loader.name else "lib") / loader.name
        place.parent.mkdir(exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(f"/usr/lib/{loader.parent.name}/{loader.name}")


def _toolbox(root: Path) -> None:
    programs = root / "usr" / "bin"
    for name, target in (("sh", "dash"), ("awk", "mawk")):
        if (programs / target).exists() and not (programs / name).is_symlink():
            (programs / name).symlink_to(target)
    busybox = next(iter(sorted(root.glob("usr/*bin/busybox"))), None)
    if busybox is None:
        return
    inside = f"/{busybox.relative_to(root)}"
    # Its own list: what a build of it has differs.
    applets = set(process.output([busybox, "--list"]).split())
    for name in applets.intersection(APPLETS):
        if not any(
            (root / folder / name).is_symlink() or (root / folder / name).exists()
            for folder in ("usr/bin", "usr/sbin")
        ):
            (programs / name).symlink_to(inside)
