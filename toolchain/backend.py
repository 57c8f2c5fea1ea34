"""Where Pulumi keeps its state, and the passphrase of the secrets in it.

A machine with a login or a backend of its own keeps it. Without one, both lie in the ignored state
folder of the project, and a passphrase is generated, never anew while there is state that needs it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolchain.errors import ToolchainError
from toolchain.machine import of_another_checkout
from toolchain.paths import PROJECT, STATE
from toolchain.progress import say

STACK = "local"
CONFIG = PROJECT / "config" / f"Pulumi.{STACK}.yaml"
CONFIG_EXAMPLE = PROJECT / "config" / f"{STACK}.example.yaml"
PASSPHRASE_BYTES = 32


@dataclass(frozen=True)
class Backend:
    """Where the state is.

    Attributes:
        exports: variables that make Pulumi use it; empty where the machine's own settings do.
        folder: of the project's own file backend, else None.
    """

    exports: Mapping[str, str]
    folder: Path | None


def choose_backend(environment: Mapping[str, str], home: Path, state: Path) -> Backend:
    """Keep what the machine has, else use the project's file backend.

    Args:
        environment: variables of the process, those of another checkout taken out.
        home: the user's home folder.
        state: the project's state folder.
    """
    folder = state / "pulumi"
    url = f"file://{folder}"
    pulumi_home = Path(environment.get("PULUMI_HOME") or home / ".pulumi")
    named = environment.get("PULUMI_BACKEND_URL", "")
    if named not in ("", url) or environment.get("PULUMI_ACCESS_TOKEN"):
        return Backend({}, None)
    if not named and _logged_in(pulumi_home):
        return Backend({}, None)
    exports = {
        "PULUMI_HOME": environment.get("PULUMI_HOME") or str(state / "pulumi-home"),
        "PULUMI_BACKEND_URL": url,
    }
    passphrase = state / "passphrase"
    own = environment.get("PULUMI_CONFIG_PASSPHRASE_FILE") or str(passphrase)
    if "PULUMI_CONFIG_PASSPHRASE" not in environment and own == str(passphrase):
        exports["PULUMI_CONFIG_PASSPHRASE_FILE"] = own
    return Backend(exports, folder)


def _logged_in(pulumi_home: Path) -> bool:
    credentials = pulumi_home / "credentials.json"
    try:
        return bool(json.loads(credentials.read_text()).get("current"))
    except (OSError, ValueError, AttributeError):
        return False


def prepare() -> Backend:
    """Choose the backend and make what it needs: folders, passphrase, the stack's settings.

    Raises:
        ToolchainError: there is state whose passphrase is gone.
    """
    environment = {}
    for name, value in os.environ.items():
        if name.startswith("PULUMI_") and of_another_checkout(value):
            say(f"ignoring {name}: it belongs to another checkout")
        else:
            environment[name] = value
    backend = choose_backend(environment, Path.home(), STATE)
    if not CONFIG.exists() and CONFIG_EXAMPLE.exists():
        CONFIG.write_text(CONFIG_EXAMPLE.read_text())
    if backend.folder is not None:
        STATE.mkdir(mode=0o700, exist_ok=True)
        backend.folder.mkdir(exist_ok=True)
        if "PULUMI_CONFIG_PASSPHRASE_FILE" in backend.exports:
            ensure_passphrase(STATE / "passphrase", backend.folder, CONFIG)
    return backend


def ensure_passphrase(path: Path, folder: Path, config: Path) -> None:
    """Generate the passphrase (0600) where there is none.

    Args:
        path: of the passphrase.
        folder: of the file backend whose secrets it opens.
        config: the stack's settings, which hold a salt that belongs to the passphrase.

    Raises:
        ToolchainError: there is state, and its passphrase is gone.
    """
    if path.exists():
        path.chmod(0o600)
        return
    stacks = sorted(folder.glob(".pulumi/stacks/**/*.json"))
    if stacks:
        raise ToolchainError(
            f"{path} is gone, and {stacks[0]} has secrets that only it opens; put it back, or set "
            f"PULUMI_CONFIG_PASSPHRASE. To give the stack up, stop its servers and remove {folder}"
        )
    forget_salt(config)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(PASSPHRASE_BYTES) + "\n")
    try:
        # A link is made whole or not at all, and fails where another run was first.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def forget_salt(config: Path) -> None:
    """Take the encryption salt out of a stack's settings; it is of no use without its passphrase.

    A file with encrypted values keeps it: they need the old passphrase, and Pulumi says so.
    """
    text = config.read_text() if config.exists() else ""
    if "secure:" not in text and "encryptionsalt:" in text:
        config.write_text(re.sub(r"^encryptionsalt:.*\n?", "", text, flags=re.M))


def stale_locks(folder: Path, stack: str, is_alive: Mapping[int, bool] | None = None) -> list[Path]:
    """Locks of a file backend whose holder, a process of this machine, is no more.

    Args:
        folder: of the backend.
        stack: its name.
        is_alive: process ids known to live or not; asked of the system by default.
    """
    found = []
    for path in sorted(folder.glob(f".pulumi/locks/**/{stack}/*.json")):
        try:
            lock: dict[str, Any] = json.loads(path.read_text())
            pid, host = int(lock["pid"]), lock["hostname"]
        except (OSError, ValueError, KeyError):
            continue
        alive = is_alive[pid] if is_alive is not None else _runs_pulumi(pid)
        if host == socket.gethostname() and not alive:
            found.append(path)
    return found


def _runs_pulumi(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "comm").read_text().startswith("pulumi")
    except OSError:
        return False


def pending_creates(folder: Path, stack: str) -> list[str]:
    """Resources whose creation an earlier run began and never finished, by their names."""
    names = []
    for path in sorted(folder.glob(f".pulumi/stacks/**/{stack}.json")):
        latest = json.loads(path.read_text()).get("checkpoint", {}).get("latest") or {}
        names += [
            operation["resource"]["urn"].rpartition("::")[2]
            for operation in latest.get("pending_operations") or []
            if operation["type"] == "creating"
        ]
    return names
