"""Put on PYTHONPATH, this answers the names of the emulated AWS from a file, as AWS's DNS would.

``HOLDFAST_AWS_NAMES`` names a JSON object, ``{"name": ["127.1.2.3", ...]}``. It is read again when
it changes; of several addresses the first one turns, as a DNS server turns its answers. A name that
is not in it, and every name without the variable, goes to the real resolver.

It must not need anything of this project: it runs in every Python of a shell, whatever it is for.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

TYPE_CHECKING = False
"""That of ``typing``, which every Python would have to import for it."""

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_NAMES = "HOLDFAST_AWS_NAMES"


def _run_the_next_one() -> None:
    """Python imports one sitecustomize alone; a machine's own is not to be lost over ours."""
    # No Path objects: a Python that asks for no names does not pay for them.
    here = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
    others = [entry for entry in sys.path if os.path.realpath(entry or ".") != here]
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


def _answer_names(file: str) -> None:
    # Imported here for the same reason.
    import itertools
    import json
    import socket
    from pathlib import Path

    real = socket.getaddrinfo
    turn = itertools.count()
    seen: tuple[tuple[int, int, int], Mapping[str, list[str]]] = ((0, 0, 0), {})

    def names() -> Mapping[str, list[str]]:
        nonlocal seen
        try:
            status = os.stat(file)  # noqa: PTH116 - a call for each connection: no Path object
            version = (status.st_mtime_ns, status.st_ino, status.st_size)
            if seen[0] != version:
                seen = (version, json.loads(Path(file).read_text(encoding="utf-8")))
        except FileNotFoundError:
            seen = ((0, 0, 0), {})
        return seen[1]

    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        found = names().get(name.rstrip(".").lower()) if isinstance(name, str) else None
        if not found:
            return real(host, *arguments, **named)
        first = next(turn) % len(found)
        return [
            answer
            for address in found[first:] + found[:first]
            for answer in real(address, *arguments, **named)
        ]

    socket.getaddrinfo = getaddrinfo


if os.environ.get(_NAMES):
    _answer_names(os.environ[_NAMES])
_run_the_next_one()
