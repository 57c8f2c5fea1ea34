"""Which real server runs for a version that ElastiCache offers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from tests.servers import Install
from tests.standin.aws.dataplane.api import DataPlaneError
from toolchain.errors import ToolchainError
from toolchain.servers import find_server

SERVERS: Final = {
    "7.2": "8.0.1",
    "8.0": "8.0.1",
    "8.1": "8.1.1",
    "8.2": "8.1.1",
    "9.0": "9.1.2",
    "9.1": "9.1.2",
}
"""What a distribution packages is near to what AWS runs, never the same: 8.2 is AWS's alone."""

_MAJOR: Final = {"7": "7.2", "8": "8.1", "9": "9.1"}
"""A serverless cache has a major version."""

_lock: Final = threading.Lock()
_found: Final[dict[str, Install]] = {}


def server_for(engine_version: str) -> Install:
    """The server that runs for ``major.minor``, or for the ``major`` of a serverless cache.

    Raises:
        DataPlaneError: no server stands for this version, or it cannot be had here.
    """
    version = SERVERS.get(_MAJOR.get(engine_version, engine_version))
    if version is None:
        message = f"no server stands for engine version {engine_version}: {', '.join(SERVERS)}"
        raise DataPlaneError(message)
    with _lock:
        if version not in _found:
            try:
                found = find_server(version)
            except ToolchainError as error:
                raise DataPlaneError(str(error)) from error
            _found[version] = Install(found.version, Path(found.server), found.engine)
        return _found[version]
