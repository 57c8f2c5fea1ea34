"""The names of the emulated stores and the loopback addresses behind them, in one file.

``tests/standin/aws/resolver`` reads it in the programs that connect.
"""

from __future__ import annotations

import ipaddress
import json
import random
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.standin.aws.dataplane.api import PORT, SERVERLESS_READER_PORT, DataPlaneError

BUS_OFFSET: Final = 10000
"""A cluster's nodes talk to each other on the port that is higher by this."""

_NETWORK: Final = ipaddress.ip_network("127.64.0.0/10")
"""All of 127/8 is this machine on Linux; its beginning is left to everybody else."""
_PORTS: Final = (
    PORT,
    SERVERLESS_READER_PORT,
    PORT + BUS_OFFSET,
    SERVERLESS_READER_PORT + BUS_OFFSET,
)
_TRIES: Final = 100


class NamesFile:
    """Names and their addresses; a reader sees the whole of a change or nothing of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._names: dict[str, list[str]] = {}
        self.change({})

    def change(self, names: Mapping[str, Sequence[str]], *, gone: Sequence[str] = ()) -> None:
        """Set these names and remove those that are gone."""
        with self._lock:
            before = dict(self._names)
            for name in gone:
                self._names.pop(name, None)
            self._names.update({name: list(addresses) for name, addresses in names.items()})
            if self._names == before and self.path.exists():
                return
            fresh = self.path.with_suffix(".new")
            fresh.write_text(json.dumps(self._names, indent=1, sort_keys=True) + "\n")
            fresh.replace(self.path)

    def addresses(self, name: str) -> tuple[str, ...]:
        """What a name stands for now; empty where it is not known."""
        with self._lock:
            return tuple(self._names.get(name, ()))


class Addresses:
    """Loopback addresses that nobody uses, each handed out once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: set[str] = set()
        self._chooser = random.SystemRandom()

    def take(self) -> str:
        """An address with none of the ports in use.

        Raises:
            DataPlaneError: none was found, as on a system where 127/8 is not all loopback.
        """
        for _ in range(_TRIES):
            offset = self._chooser.randrange(256, _NETWORK.num_addresses - 256)
            address = str(_NETWORK[offset])
            # .0 and .255 look like a network and a broadcast address to some tools.
            if address.rpartition(".")[2] in {"0", "255"} or not _is_free(address):
                continue
            with self._lock:
                if address not in self._taken:
                    self._taken.add(address)
                    return address
        message = f"no free address in {_NETWORK}: every node of the emulation needs one of its own"
        raise DataPlaneError(message)

    def release(self, address: str) -> None:
        """Nothing listens there any more."""
        with self._lock:
            self._taken.discard(address)


def _is_free(address: str) -> bool:
    for port in _PORTS:
        with socket.socket() as probe:
            # As the servers do: a port that is only waiting for its last packets is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True
