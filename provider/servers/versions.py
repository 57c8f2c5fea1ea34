"""Server versions: which are new enough, and which can read the data that another wrote."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.errors import ConfigError, Unsupported

_BANNER: Final = re.compile(r"(Valkey|Redis) server v=(\d+)\.(\d+)\.(\d+)")
_OLDEST: Final = {"valkey": (7, 2), "redis": (7, 0)}
"""ACL selectors came with Redis 7.0; Valkey starts at 7.2."""

_VERSION_SECONDS: Final = 10.0
_FOREIGN_RDB: Final = 12
"""RDB 12 to 79 are Redis 7.4 and newer, which Valkey does not read."""
_VALKEY_9_RDB: Final = 80
_ANY_RDB: Final = 10**6


@dataclass(frozen=True, slots=True, order=True)
class ServerVersion:
    """An engine (``valkey`` or ``redis``) and its version."""

    engine: str
    numbers: tuple[int, int, int]

    def __str__(self) -> str:
        """``9.1.2``."""
        return ".".join(map(str, self.numbers))

    def reads_rdb(self, rdb_version: int) -> bool:
        """Whether this server loads an RDB or AOF base file of that format version."""
        if self.engine == "valkey" and self.numbers >= (9, 0, 0):
            return rdb_version < _FOREIGN_RDB or rdb_version >= _VALKEY_9_RDB
        if self.engine == "valkey":
            return rdb_version < _FOREIGN_RDB
        newest = {(7, 0): 10, (7, 2): 11, (7, 4): 12}.get(self.numbers[:2], _ANY_RDB)
        return rdb_version <= newest and rdb_version < _VALKEY_9_RDB


def parse_banner(text: str) -> ServerVersion | None:
    """Read what ``valkey-server --version`` prints."""
    found = _BANNER.search(text)
    if not found:
        return None
    major, minor, patch = (int(found[n]) for n in (2, 3, 4))
    return ServerVersion(found[1].lower(), (major, minor, patch))


def installed_version(executable: Path) -> ServerVersion:
    """Ask an executable for its version.

    Raises:
        ConfigError: it is missing, cannot be run, is no server, or is too old.
    """
    fix = "install Valkey 7.2 or newer (or Redis 7.0 or newer), or point to another executable"
    try:
        answer = subprocess.run(
            [str(executable), "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VERSION_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise ConfigError(
            "executable", str(executable), f"a server that can be run ({error.strerror})", fix
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ConfigError(
            "executable", str(executable), "a server that answers --version", fix
        ) from error
    version = parse_banner(answer.stdout)
    if version is None:
        raise ConfigError("executable", str(executable), "a Valkey or Redis server", fix)
    require_new_enough(version, executable)
    return version


def require_new_enough(version: ServerVersion, executable: Path) -> None:
    """Refuse servers without ACL selectors.

    Raises:
        Unsupported: the message says what was found where.
    """
    oldest = _OLDEST[version.engine]
    if version.numbers[:2] < oldest:
        raise Unsupported(
            "executable",
            f"{version.engine} {version} at {executable}",
            f"{version.engine} {oldest[0]}.{oldest[1]} or newer",
            "install a newer server, or point to another executable",
        )
