"""Serves a package as a Pulumi plugin: a process with a port on loopback, ended by the engine."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Final

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from provider.engine import EngineLog
from provider.package import Package
from provider.rpc import Servicer

_THREADS: Final = 64
_GRACE_SECONDS: Final = 2.0
_PARENT_INTERVAL_SECONDS: Final = 1.0
_MAX_MESSAGE_BYTES: Final = 400 * 1024 * 1024  # what the engine allows


def start(package: Package, engine: EngineLog) -> tuple[grpc.Server, Servicer, int]:
    """Serve on a free loopback port. Returns the server, its servicer and the port."""
    options = [
        ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    ]
    server = grpc.server(ThreadPoolExecutor(max_workers=_THREADS), options=options)
    servicer = Servicer(package, engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, servicer, port


def run(package: Package, argv: Sequence[str]) -> int:
    """Serve until the engine ends the process, or is gone itself.

    The port goes to stdout, as the protocol says. The engine's address is the last argument;
    flags before it belong to other tools.
    """
    address = argv[-1] if argv and not argv[-1].startswith("-") else None
    server, servicer, port = start(package, EngineLog(address))
    ended, engine = threading.Event(), os.getppid()

    def end(_number: int, _frame: FrameType | None) -> None:
        servicer.stop_operations()
        ended.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while not ended.wait(_PARENT_INTERVAL_SECONDS):
        # An engine that was killed ends nobody: its children get another parent.
        if os.getppid() != engine:
            servicer.stop_operations()
            break
    server.stop(_GRACE_SECONDS).wait()
    return 0
