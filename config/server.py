"""Which server program a local store runs, and whether it is new enough. Offline."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.schema import BY_NAME, Engine
from holdfast.errors import ConfigError

SERVER_VARIABLE: Final = "HOLDFAST_SERVER"
MINIMUM_VERSIONS: Final = {Engine.VALKEY: (7, 2), Engine.REDIS: (7, 0)}
"""The first versions with ACL selectors, which the roles need."""

_RULE: Final = "Valkey 7.2 or newer, or Redis 7.0 or newer (for ACL selectors), with TLS"
_FIX: Final = (
    "run `make up`, which fetches one, or install one with the system's packages, "
    f"or set {BY_NAME['serverPath'].key} to its path"
)
_VERSION: Final = re.compile(r"(?P<engine>\w+) server v=(?P<version>[0-9]+(\.[0-9]+)+)", re.I)
_TIMEOUT_SECONDS: Final = 10

Runner = Callable[[Path], str]
"""Prints a program's ``--version``; raises OSError if it cannot run."""


@dataclass(frozen=True, slots=True)
class ServerProgram:
    """A server executable and what it says of itself.

    Attributes:
        path: absolute.
        engine: valkey or redis.
        version: such as ``9.1.2``.
    """

    path: Path
    engine: Engine
    version: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    path: Path
    source: str


def ask_version(path: Path) -> str:
    """Run ``<path> --version``. Raises OSError if it cannot run."""
    try:
        done = subprocess.run(
            [str(path), "--version"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        message = f"no answer to --version within {_TIMEOUT_SECONDS} s"
        raise OSError(message) from None
    return done.stdout


def find_program(
    *,
    path: str | None,
    engine: Engine | None,
    version: str | None,
    environment: Mapping[str, str],
    run: Runner = ask_version,
) -> ServerProgram:
    """The server program to use.

    A path that was set, by setting or environment, is taken or refused; on PATH the first that
    fits is taken.

    Args:
        path: the setting ``serverPath``.
        engine: what it must be, None for either.
        version: what its version must be or begin with, None for any that is new enough.
        environment: HOLDFAST_SERVER and PATH are read from it.
        run: asks a program for its version.

    Raises:
        ConfigError: there is none, or none that fits; the message says what was found where.
    """
    rejected: list[str] = []
    for candidate in _candidates(path, environment):
        try:
            return _examine(candidate, engine, version, run)
        except _Unfit as unfit:
            rejected.append(str(unfit))
    found = "; ".join(rejected) or f"nothing ({SERVER_VARIABLE} is not set, PATH has none)"
    rule = _RULE
    if engine is not None or version is not None:
        wanted = " ".join(part for part in (engine, version) if part is not None)
        rule = f"{wanted}, as set; {_RULE}"
    raise ConfigError(BY_NAME["serverPath"].key, found, rule, _FIX)


class _Unfit(Exception):
    """One candidate cannot be used; says which, where it came from and why."""


def _candidates(path: str | None, environment: Mapping[str, str]) -> list[_Candidate]:
    if path is not None:
        return [_Candidate(Path(path).expanduser(), BY_NAME["serverPath"].key)]
    if environment.get(SERVER_VARIABLE):
        return [_Candidate(Path(environment[SERVER_VARIABLE]), SERVER_VARIABLE)]
    found = (
        shutil.which(name, path=environment.get("PATH", ""))
        for name in ("valkey-server", "redis-server")
    )
    return [_Candidate(Path(place), "PATH") for place in found if place is not None]


def _examine(
    candidate: _Candidate, engine: Engine | None, version: str | None, run: Runner
) -> ServerProgram:
    where = f"{candidate.path} (from {candidate.source})"
    if not candidate.path.is_file() or not os.access(candidate.path, os.X_OK):
        message = f"no executable at {where}"
        raise _Unfit(message)
    try:
        answer = run(candidate.path)
    except OSError as error:
        message = f"{where} does not run: {error}"
        raise _Unfit(message) from None
    match = _VERSION.search(answer)
    if match is None:
        message = f"{where} is no server: it does not tell a version"
        raise _Unfit(message)
    name, found = match["engine"].lower(), match["version"]
    what = f"{name} {found} at {where}"
    if name not in set(Engine) or version_tuple(found) < MINIMUM_VERSIONS[Engine(name)]:
        raise _Unfit(what)
    if engine not in (None, Engine(name)):
        raise _Unfit(what)
    if version is not None and not _begins(found, version):
        raise _Unfit(what)
    return ServerProgram(candidate.path.absolute(), Engine(name), found)


def version_tuple(version: str) -> tuple[int, ...]:
    """``9.1.2`` as (9, 1, 2), for comparisons."""
    return tuple(int(part) for part in version.split("."))


def _begins(version: str, wanted: str) -> bool:
    return version == wanted or version.startswith(f"{wanted}.")
