"""Answers the names of the emulated AWS from a file, as AWS's DNS would.

It must not need anything of this project: ``sitecustomize`` beside it brings it into every Python
of a shell, whatever that is for.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_NOTHING: tuple[tuple[int, int, int], Mapping[str, list[str]]] = ((0, 0, 0), {})


def install(file: str) -> Callable[[], None]:
    """Let this process find the names in a file; gives what undoes it.

    The file is a JSON object, ``{"name": ["127.1.2.3", ...]}``, and read again when it changes. Of
    several addresses the first one turns, as a DNS server turns its answers. Every other name goes
    to the real resolver. What does not resolve through Python's ``socket`` (uvloop) is not reached.
    """
    real = socket.getaddrinfo
    turn = itertools.count()
    seen = _NOTHING

    def names() -> Mapping[str, list[str]]:
        nonlocal seen
        try:
            status = os.stat(file)  # noqa: PTH116 - for each connection: no Path object
            version = (status.st_mtime_ns, status.st_ino, status.st_size)
            if seen[0] != version:
                seen = (version, json.loads(Path(file).read_text(encoding="utf-8")))
        except FileNotFoundError:
            # The emulator is down.
            seen = _NOTHING
        return seen[1]

    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as socket's
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

    def undo() -> None:
        socket.getaddrinfo = real

    socket.getaddrinfo = getaddrinfo
    return undo
