"""Packages of the machine's own mirror, from any of its suites, without root.

apt runs on a configuration of its own (``APT_CONFIG``): package lists, status and cache lie in a
folder of ours, the system's hooks and pins do not apply, and only how to reach the mirror (proxies,
certificates) is taken over. The mirror is the one that the machine's apt uses; its signature is
checked with the distribution's archive keyring. Nothing is installed: ``download`` unpacks files.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from toolchain import process
from toolchain.errors import ToolchainError
from toolchain.progress import say

KEYRINGS = {
    "debian": (
        Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
        Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
    ),
    "ubuntu": (Path("/usr/share/keyrings/ubuntu-archive-keyring.gpg"),),
}
COMPONENTS = {"debian": "main", "ubuntu": "main universe"}
DOWNLOAD_TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True)
class Mirror:
    """An archive that the machine's apt is set to use.

    Attributes:
        uri: where it is, as apt writes it.
        distribution: "debian" or "ubuntu".
        suite: the suite that the machine itself uses, such as "bookworm".
    """

    uri: str
    distribution: str
    suite: str


def parse_targets(text: str, machine: str) -> tuple[Mirror, ...]:
    """Read mirrors from the answer of ``apt-get indextargets``, the machine's own suite first.

    Args:
        text: lines of URI, release and origin, parted by ``|``. The origin is a placeholder in
            dollar signs where no package list was fetched yet.
        machine: the distribution of this machine, believed where the origin is not known.
    """
    mirrors: dict[str, Mirror] = {}
    for line in text.splitlines():
        uri, release, origin = (*line.split("|"), "", "")[:3]
        distribution = machine if origin.startswith("$") else origin.lower()
        # Security archives carry fixes for released suites alone.
        if not uri or "security" in release or distribution not in KEYRINGS:
            continue
        mirrors.setdefault(uri, Mirror(uri, distribution, release.partition("-")[0]))
    return tuple(mirrors.values())


def mirrors() -> tuple[Mirror, ...]:
    """The Debian or Ubuntu archives of this machine; none where it has no apt.

    Raises:
        ToolchainError: apt is there and its answer is an error.
    """
    fields = "$(REPO_URI)|$(RELEASE)|$(ORIGIN)"
    argv = ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"]
    if not Path("/usr/bin/apt-get").exists():
        return ()
    found = parse_targets(process.output(argv), _machine())
    # On a machine that never ran "apt-get update" there are no releases to tell of yet.
    argv.insert(2, "--no-release-info")
    return found or parse_targets(process.output(argv), _machine())


def _machine() -> str:
    release = Path("/etc/os-release")
    match = re.search(r'^ID="?(\w+)', release.read_text(), re.M) if release.exists() else None
    return match.group(1) if match else ""


@dataclass(frozen=True)
class Package:
    """What an archive says about a package."""

    name: str
    version: str
    depends: tuple[str, ...]


def parse_packages(text: str) -> dict[str, Package]:
    """Read the stanzas of ``apt-cache show``; of alternatives the first is taken."""
    found = {}
    for stanza in text.strip().split("\n\n"):
        fields = dict(re.findall(r"^([A-Z][\w-]*): (.*)$", stanza, re.M))
        if "Package" not in fields:
            continue
        wanted = ", ".join(fields.get(key, "") for key in ("Pre-Depends", "Depends"))
        names = (re.match(r"\s*([a-z0-9][a-z0-9.+-]*)", part) for part in wanted.split(","))
        depends = tuple(dict.fromkeys(match.group(1) for match in names if match))
        found[fields["Package"]] = Package(fields["Package"], fields["Version"], depends)
    return found


class Archive:
    """One suite of a mirror, with package lists of its own.

    Args:
        mirror: where it is.
        suite: such as "sid"; "" is the suite of the machine.
        workspace: a folder for the lists, removed at the end of the ``with`` block.
    """

    def __init__(self, mirror: Mirror, suite: str, workspace: Path) -> None:
        self.mirror = mirror
        self.suite = suite or mirror.suite
        self._root = workspace
        self._env = {"APT_CONFIG": str(self._root / "apt.conf"), "LC_ALL": "C.UTF-8"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Package lists of a whole suite take 100 MB and are stale tomorrow.
        shutil.rmtree(self._root, ignore_errors=True)

    def refresh(self) -> None:
        """Fetch the suite's package list and check its signature.

        Raises:
            ToolchainError: the mirror cannot be reached, lacks the suite or is not signed for it.
        """
        shutil.rmtree(self._root, ignore_errors=True)
        for folder in ("lists/partial", "cache/archives/partial"):
            (self._root / folder).mkdir(parents=True)
        (self._root / "status").touch()
        configuration = self._configuration()
        (self._root / "apt.conf").write_text(configuration)
        keyring = next((key for key in KEYRINGS[self.mirror.distribution] if key.exists()), None)
        signed = f"[signed-by={keyring}] " if keyring else ""
        components = COMPONENTS[self.mirror.distribution]
        # Backports hold little more than the tools; their libraries are those of the release.
        suites = (self.suite, self.suite.removesuffix("-backports"))
        sources = [
            f"deb {signed}{self.mirror.uri} {suite} {components}\n"
            for suite in dict.fromkeys(suites)
        ]
        (self._root / "sources.list").write_text("".join(sources))
        try:
            self._update()
        except ToolchainError as error:
            if "is expired" not in str(error):
                raise
            # A mirror that lags, or a clock that is ahead. The signature still has to hold, and the
            # caller asks for a version: an old list passed off as new cannot bring an older one.
            say(f"the mirror's list of {self.suite} is out of date; its signature is good")
            relaxed = 'Acquire::Check-Valid-Until "false";\n'
            (self._root / "apt.conf").write_text(configuration + relaxed)
            self._update()

    def _update(self) -> None:
        process.output(
            ["apt-get", "-qq", "update"], env=self._env, timeout_seconds=DOWNLOAD_TIMEOUT_SECONDS
        )

    def packages(self, names: Iterable[str]) -> dict[str, Package]:
        """What the suite has of these names; those it lacks are left out."""
        # apt-cache ends with an error when it knows none of them.
        argv = ["apt-cache", "show", "--no-all-versions", *names, "libc6"]
        found = parse_packages(process.output(argv, env=self._env))
        return {name: found[name] for name in names if name in found}

    def closure(self, tools: Iterable[str]) -> dict[str, Package]:
        """These packages and every library they need, the C library included."""
        found: dict[str, Package] = {}
        wanted = set(tools)
        while wanted:
            layer = self.packages(sorted(wanted))
            found |= layer
            depends = {name for package in layer.values() for name in package.depends}
            wanted = {name for name in depends if _is_library(name)} - found.keys() - wanted
        return found

    def download(self, names: Iterable[str], folder: Path) -> None:
        """Fetch packages and unpack their files below a folder."""
        debs = folder / ".debs"
        debs.mkdir(parents=True)
        process.output(
            ["apt-get", "-qq", "download", *names],
            env=self._env,
            cwd=debs,
            timeout_seconds=DOWNLOAD_TIMEOUT_SECONDS,
        )
        for deb in sorted(debs.iterdir()):
            process.output(["dpkg-deb", "-x", deb, folder])
            deb.unlink()
        debs.rmdir()

    def _configuration(self) -> str:
        reach = [
            line
            for line in process.output(["apt-config", "dump"]).splitlines()
            if re.match(r"Acquire::(?!IndexTargets|Languages)|APT::Architecture", line)
        ]
        root = self._root
        own = {
            "Dir::State": root,
            "Dir::State::lists": root / "lists",
            "Dir::State::status": root / "status",
            "Dir::Cache": root / "cache",
            "Dir::Etc::sourcelist": root / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::parts": "/dev/null",
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Acquire::Languages": "none",
            "Acquire::PDiffs": "false",
            "Acquire::Retries": "3",
            "Acquire::http::Timeout": "30",
            "Acquire::https::Timeout": "30",
            # Without this a mirror that cannot be reached is a warning.
            "APT::Update::Error-Mode": "any",
            "APT::Default-Release": self.suite,
            # Run by root, apt would hand downloads to a user that cannot write here.
            "APT::Sandbox::User": "root",
        }
        return "\n".join([*reach, *(f'{key} "{value}";' for key, value in own.items())]) + "\n"


def _is_library(name: str) -> bool:
    return name.startswith("lib") or name in ("zlib1g",)


def unpack(names: Iterable[str], folder: Path) -> None:
    """Unpack packages of the suite that this machine uses.

    Raises:
        ToolchainError: no archive has them all; the message lists what was tried.
    """
    wanted = tuple(names)
    tried = []
    for mirror in mirrors():
        try:
            with Archive(mirror, "", folder / ".apt") as archive:
                archive.refresh()
                missing = set(wanted) - archive.packages(wanted).keys()
                if not missing:
                    archive.download(wanted, folder)
                    return
            tried.append(f"{archive.suite} has no {', '.join(sorted(missing))}")
        except ToolchainError as error:
            tried.append(f"{mirror.suite}: {error}")
    raise ToolchainError("\n".join(tried) or "no Debian or Ubuntu archive in apt's sources")
