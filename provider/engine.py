"""Messages from the provider to the engine, shown beside the resource they are about."""

from __future__ import annotations

import sys
import threading
from typing import Final

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from provider.resource import Severity

_SEVERITIES: Final = {
    Severity.DEBUG: engine_pb2.DEBUG,
    Severity.INFO: engine_pb2.INFO,
    Severity.WARNING: engine_pb2.WARNING,
    Severity.ERROR: engine_pb2.ERROR,
}
_TIMEOUT_SECONDS: Final = 5.0


class EngineLog:
    """Connects at the first message, since most runs have none. Safe to use from threads."""

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._stub: engine_pb2_grpc.EngineStub | None = None
        self._lock = threading.Lock()

    def attach(self, address: str) -> None:
        """Send to this engine from now on."""
        with self._lock:
            self._address, self._stub = address, None

    def send(self, severity: Severity, message: str, urn: str, *, ephemeral: bool) -> None:
        """Show a message. A message that cannot be sent goes to stderr and fails nothing."""
        request = engine_pb2.LogRequest(
            severity=_SEVERITIES[severity], message=message, urn=urn, ephemeral=ephemeral
        )
        stub = self._connected()
        if stub is None:
            sys.stderr.write(f"{severity}: {message}\n")
            return
        try:
            stub.Log(request, timeout=_TIMEOUT_SECONDS)
        except grpc.RpcError:
            sys.stderr.write(f"{severity}: {message}\n")

    def _connected(self) -> engine_pb2_grpc.EngineStub | None:
        with self._lock:
            if self._stub is None and self._address:
                self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(self._address))
            return self._stub
