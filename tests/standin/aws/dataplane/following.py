"""Replicas: which one has most, and when one has everything."""

from __future__ import annotations

from collections.abc import Sequence

from tests.standin.aws.dataplane.api import DataPlaneError
from tests.standin.aws.dataplane.process import Server, until


def best(replicas: Sequence[Server]) -> Server:
    """The replica that has most of the stream."""

    if not replicas:
        message = "no replica answers that could take over"
        raise DataPlaneError(message)

    def offset(server: Server) -> int:
        return int(server.info("replication").get("slave_repl_offset", "0"))

    return max(replicas, key=offset)


def wait_in_step(server: Server) -> None:
    """Wait until a replica has everything."""
    until(f"{server.place.member_id} to follow its primary", server.in_step)
