"""Finding a server program: on PATH when it is new enough, else unpacked from the mirror.

Order for the default: ``HOLDFAST_SERVER`` where it is set; Valkey on PATH from 9.0 on; 9.1.2
unpacked into the cache from the newest suite of the distribution; Valkey on PATH from 7.2 on. A
version asked for by number is taken from PATH only when it is of that series. Servers without TLS
do not count.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from toolchain import cache, unpacked
from toolchain.errors import ToolchainError, run_command
from toolchain.machine import which
from toolchain.progress import Task, say
from toolchain.versions import Version, parse, parse_server, same_series

DEFAULT = {"valkey": Version(9, 1, 2), "redis": Version(7, 0, 15)}
"""What is unpacked when nothing else is asked for."""

PREFERRED_ON_PATH = {"valkey": Version(9, 0), "redis": Version(7, 0)}
"""From here on PATH wins over unpacking: Valkey 9 has failovers that Sentinel coordinates."""

MINIMUM = {"valkey": Version(7, 2), "redis": Version(7, 0)}
"""Older ones lack ACL selectors."""

MATRIX = (("valkey", Version(9, 1, 2)), ("valkey", Version(8, 0, 1)), ("redis", Version(7, 0, 15)))
"""What `make test` runs the server tests on, where it can be had."""

# "" stands for the suite that the machine itself uses.
NEWEST_SUITES: dict[str, tuple[str, ...]] = {"debian": ("sid", ""), "ubuntu": ("devel", "")}
SUITES: dict[tuple[str, tuple[int, int]], dict[str, tuple[str, ...]]] = {
    ("valkey", (9, 1)): NEWEST_SUITES,
    ("valkey", (8, 1)): {"debian": ("trixie", ""), "ubuntu": ("",)},
    ("valkey", (8, 0)): {"debian": ("bookworm-backports", ""), "ubuntu": ("",)},
    ("redis", (7, 0)): {"debian": ("bookworm", ""), "ubuntu": ("",)},
}

PROBE_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class ServerInstall:
    """A server program that is new enough and has TLS.

    Attributes:
        server: path of valkey-server or redis-server.
        cli: path of the command-line client of the same engine.
        version: what the server says it is.
        engine: "valkey" or "redis".
        source: where it came from, for people.
    """

    server: Path
    cli: Path
    version: str
    engine: str
    source: str


@dataclass(frozen=True)
class Probe:
    """What was found at a path, usable or not; ``problem`` is empty when it is."""

    install: ServerInstall
    problem: str = ""

    def describe(self) -> str:
        """One line for a message: what is where, and what is wrong with it."""
        found = self.install
        text = f"{found.server}: {found.engine} {found.version}"
        return f"{text}, {self.problem}" if self.problem else text


def probe(server: Path, source: str) -> Probe:
    """Ask a server program for its version and whether it was built with TLS."""
    cli = _cli_of(server)
    engine, version, problem = server.name.partition("-")[0], "?", ""
    try:
        answer = _ask(server, ["--version"])
        printed, number = parse_server(answer)
        engine = printed if printed != "unknown" else engine
        version = str(number)
        if engine not in MINIMUM:
            problem = f"need one of {', '.join(MINIMUM)}"
        elif number < MINIMUM[engine]:
            problem = f"need {MINIMUM[engine]} or newer"
        elif not has_tls(server):
            problem = "built without TLS"
        elif cli is None:
            problem = f"its {engine}-cli is missing"
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        problem = f"does not run: {error}"
    install = ServerInstall(server, cli or server, version, engine, source)
    return Probe(install, problem)


def has_tls(server: Path) -> bool:
    """Whether the server knows TLS settings.

    The setting is followed by a word that no server knows: the server ends at the first of the two
    lines that it does not understand, before it opens a port.
    """
    answer = _ask(server, ["-"], "tls-port 0\nholdfast-ends-here 1\n")
    return "holdfast-ends-here" in answer


def choose(probes: Iterable[Probe], engine: str, wanted: Version | None) -> ServerInstall | None:
    """The first usable one that satisfies what is wanted.

    Args:
        probes: in order of preference.
        engine: "valkey" or "redis".
        wanted: a version whose series it must be of; None: from ``PREFERRED_ON_PATH`` on.
    """
    for found in probes:
        if found.problem or found.install.engine != engine:
            continue
        version = parse(found.install.version)
        if same_series(version, wanted) if wanted else version >= PREFERRED_ON_PATH[engine]:
            return found.install
    return None


def find_server(version: str | None = None, engine: str = "valkey") -> ServerInstall:
    """Find a server, or unpack one into the cache.

    Args:
        version: such as "8.0.1", or a later patch of its series; None: the default (see module).
        engine: "valkey" or "redis".

    Raises:
        ToolchainError: there is none to be had; the message lists what was found and tried.
    """
    if engine not in DEFAULT:
        raise ToolchainError(f"engine: got {engine!r}, need one of {', '.join(DEFAULT)}")
    wanted = _parse_wanted(version)
    named = os.environ.get("HOLDFAST_SERVER", "")
    if named and wanted is None and not Path(named).is_relative_to(cache.cache_dir()):
        return _named(Path(named))
    on_path = [probe(path, "PATH") for path in _on_path(engine)]
    found = choose(on_path, engine, wanted)
    if found:
        return found
    try:
        return _unpacked(engine, wanted or DEFAULT[engine])
    except ToolchainError as error:
        usable = [item.install for item in on_path if not item.problem]
        if wanted is None and usable:
            say(f"taking {on_path[0].describe()}; a newer one cannot be unpacked: {error}")
            return usable[0]
        seen = "\n".join(f"  {item.describe()}" for item in on_path) or "  nothing on PATH"
        tried = "\n".join(f"  {line}" for line in str(error).splitlines())
        raise ToolchainError(
            f"no {engine} server {wanted or MINIMUM[engine]} with TLS\nfound:\n{seen}\n"
            f"tried to unpack:\n{tried}\n"
            f"install Valkey {MINIMUM['valkey']} or newer (Debian: valkey-server valkey-tools), "
            "or set HOLDFAST_SERVER to the path of its valkey-server"
        ) from error


def _parse_wanted(version: str | None) -> Version | None:
    if version is None:
        return None
    try:
        return parse(version)
    except ValueError as error:
        raise ToolchainError(f"version: got {version!r}, need a number such as 9.1.2") from error


def _named(server: Path) -> ServerInstall:
    found = probe(server, "HOLDFAST_SERVER")
    if found.problem:
        raise ToolchainError(f"HOLDFAST_SERVER: {found.describe()}; name another, or unset it")
    return found.install


def _unpacked(engine: str, wanted: Version) -> ServerInstall:
    root = unpack_into_cache(engine, wanted)
    found = probe(root / "bin" / f"{engine}-server", f"unpacked from {unpacked.origin(root)}")
    if found.problem:
        raise ToolchainError(f"{found.describe()}; remove {root} and run again")
    return found.install


def unpack_into_cache(engine: str, wanted: Version) -> Path:
    """The folder of the cache with a server's packages, fetched first when it is not there.

    Raises:
        ToolchainError: no suite has such a version.
    """
    suites = SUITES.get((engine, wanted[:2]), NEWEST_SUITES)
    purpose = f"unpacking {engine} {wanted}"

    def build(folder: Path) -> None:
        with Task(purpose):
            unpacked.unpack_server(engine, wanted, suites, folder)

    return cache.ensure(f"servers/{engine}-{wanted}", purpose, build)


def _on_path(engine: str) -> list[Path]:
    found = which(f"{engine}-server")
    return [found] if found else []


def _cli_of(server: Path) -> Path | None:
    name = server.name.replace("-server", "-cli")
    beside = server.with_name(name)
    return beside if beside.exists() else which(name)


def _ask(server: Path, arguments: list[str], text: str = "") -> str:
    result = subprocess.run(
        [str(server), *arguments],
        input=text,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=PROBE_TIMEOUT_SECONDS,
        check=False,
    )
    return result.stdout + result.stderr


def main() -> int:
    """Print the path of a server, or all about it as JSON."""
    parser = argparse.ArgumentParser(prog="toolchain.servers", description=main.__doc__)
    parser.add_argument("--version", help="such as 8.0.1 (default: the preferred one)")
    parser.add_argument("--engine", default="valkey", choices=sorted(DEFAULT))
    parser.add_argument("--json", action="store_true", help="one object: server, cli, version ...")
    arguments = parser.parse_args()
    found = find_server(arguments.version, arguments.engine)
    print(json.dumps(asdict(found), default=str) if arguments.json else found.server)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
