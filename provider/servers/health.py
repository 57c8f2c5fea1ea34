"""Waiting until a process that was started is a server that can be used."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from holdfast.connection import Address
from holdfast.errors import StoreUnavailable
from provider.servers import log
from provider.servers.admin import PROBE_SECONDS, Access, connect
from provider.servers.process import Running, is_alive
from provider.servers.spec import Layout

POLL_SECONDS: Final = 0.025


@dataclass(frozen=True)
class Waiting:
    """How a wait ends.

    Attributes:
        deadline_seconds: how long to wait at most.
        pause: waits that many seconds; raises if the user stops the run.
        clock: seconds, monotonic.
    """

    deadline_seconds: float
    pause: Callable[[float], None]
    clock: Callable[[], float] = time.monotonic

    def until(self, done: Callable[[], bool]) -> bool:
        """Poll until it is done (True) or the deadline passes (False)."""
        end = self.clock() + self.deadline_seconds
        while not done():
            if self.clock() >= end:
                return False
            self.pause(POLL_SECONDS)
        return True


def wait_ready(
    running: Running,
    address: Address,
    access: Access,
    layout: Layout,
    waiting: Waiting,
    secrets: tuple[str, ...],
) -> None:
    """Wait until the process answers PING, and so has loaded its data.

    Raises:
        StoreUnavailable: it ended or took too long; shows the end of its log, secrets masked.
        TlsFailed: its certificate does not hold.
        AccessDenied: it does not know the administrator.
    """
    context = access.tls_context()
    last = "no answer yet"

    def answers() -> bool:
        nonlocal last
        if not is_alive(running):
            log.scrub(layout.log, secrets)
            raise StoreUnavailable(
                f"{layout.folder.name} ended while starting; end of {layout.log}:\n"
                + log.tail(layout.log, secrets)
            )
        try:
            with connect(address, access, context=context, timeout_seconds=PROBE_SECONDS) as admin:
                return bool(admin.call("PING") == "PONG")
        except StoreUnavailable as error:
            last = str(error)
            return False

    if not waiting.until(answers):
        raise StoreUnavailable(
            f"{layout.folder.name} (pid {running.pid}) is not ready after "
            f"{waiting.deadline_seconds:g} s ({last}); end of {layout.log}:\n"
            + log.tail(layout.log, secrets)
        )


def wait_linked(
    address: Address, access: Access, waiting: Waiting, warn: Callable[[str], None]
) -> None:
    """Wait until a replica has taken over its primary's data and follows it.

    One that does not get there in time is told of and no failure: it serves when it can, and
    what keeps it away (a primary that is going down) is another node's matter.
    """
    with connect(address, access) as admin:

        def linked() -> bool:
            info = admin.info("replication")
            return info.get("role") == "master" or (
                info.get("master_link_status") == "up"
                and info.get("master_sync_in_progress") == "0"
            )

        if not waiting.until(linked):
            warn(f"{address} does not follow its primary after {waiting.deadline_seconds:g} s")


def listens(address: Address) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection((address.host, address.port), timeout=PROBE_SECONDS).close()
    except OSError:
        return False
    return True
