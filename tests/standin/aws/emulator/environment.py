"""What programs need in their environment to reach the emulator instead of AWS."""

from __future__ import annotations

import os
import shlex
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.standin.aws.emulator.layout import Layout, State

RESOLVER: Final = Path(__file__).parent.parent / "resolver"
"""Its ``sitecustomize`` makes Python find the servers by their AWS names."""

_CLEARED: Final = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN")


def write_ca_bundle(layout: Layout, ca_file: Path | None) -> None:
    """The system's authorities, followed by the servers' one, for ``SSL_CERT_FILE``."""
    system = ssl.get_default_verify_paths()
    parts = [
        Path(path).read_text()
        for path in (system.openssl_cafile, ca_file)
        if path is not None and Path(path).is_file()
    ]
    layout.ca_bundle.write_text("\n".join(parts))


def exports(layout: Layout, state: State, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables to set, on top of ``base`` (the process's own environment by default)."""
    base = os.environ if base is None else base
    rest = [part for part in base.get("PYTHONPATH", "").split(os.pathsep) if part]
    python_path = [str(RESOLVER), *(part for part in rest if part != str(RESOLVER))]
    no_proxy = [part for part in base.get("NO_PROXY", "").split(",") if part]
    found = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{state.port}",
        "AWS_REGION": state.region,
        "AWS_DEFAULT_REGION": state.region,
        "AWS_ACCESS_KEY_ID": "emulated",
        "AWS_SECRET_ACCESS_KEY": "emulated",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(layout.aws_config),
        "AWS_SHARED_CREDENTIALS_FILE": str(layout.aws_config),
        "NO_PROXY": ",".join(dict.fromkeys([*no_proxy, "127.0.0.1", "localhost"])),
        "PYTHONPATH": os.pathsep.join(python_path),
    }
    if state.ca_file is not None:
        found["SSL_CERT_FILE"] = str(layout.ca_bundle)
    if state.names_file is not None:
        found["HOLDFAST_AWS_NAMES"] = state.names_file
    return found


def environment(layout: Layout, state: State) -> dict[str, str]:
    """A whole environment for a process that shall see the emulator instead of AWS."""
    kept = {name: value for name, value in os.environ.items() if name not in _CLEARED}
    return kept | exports(layout, state)


def shell_lines(layout: Layout, state: State) -> list[str]:
    """For ``eval``."""
    lines = [f"unset {' '.join(_CLEARED)}"]
    lines += [
        f"export {name}={shlex.quote(value)}" for name, value in exports(layout, state).items()
    ]
    return lines
