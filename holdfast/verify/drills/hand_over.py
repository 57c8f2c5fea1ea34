"""A planned failover, by the best way that the servers know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from holdfast.connection import Address
from holdfast.errors import HoldfastError
from holdfast.verify.drills.stage import Stage
from holdfast.verify.probe import Refused

_PAUSE_MS: Final = 20_000
_IN_STEP_SECONDS: Final = 5.0
_ACCEPT_SECONDS: Final = 12.0
"""Sentinel re-reads its replicas every 10 s; until then it may find none good enough."""


def hand_over(stage: Stage, old: Address) -> Address:
    """Move the primary away from a server that is well; the new one.

    From Valkey 9.0 on, FAILOVER COORDINATED: the old primary pauses writes until a replica has
    everything, then they change places. Before, the same is done from here: writes are paused,
    a replica gets all of it, Sentinel promotes one, and the old primary follows it at once.
    """
    service = stage.connection.sentinel_service or ""
    if stage.facts.coordinated:
        _ask_sentinels(stage, "SENTINEL", "FAILOVER", service, "COORDINATED")
        return stage.until_moved(old)
    replicas = [process.address for process in stage.replicas()]
    stage.ask(old, "CLIENT", "PAUSE", _PAUSE_MS, "WRITE")
    try:
        stage.until(
            "a replica has everything",
            lambda: _in_step(stage, old, replicas),
            _IN_STEP_SECONDS,
        )
        _ask_sentinels(stage, "SENTINEL", "FAILOVER", service)
        new = stage.until_promoted(old)
        # What Sentinel itself would do some ten seconds later.
        stage.ask(old, "REPLICAOF", new.host, new.port)
        stage.ask(old, "CLIENT", "KILL", "TYPE", "normal")
    finally:
        stage.ask(old, "CLIENT", "UNPAUSE")
    return new


def _ask_sentinels(stage: Stage, *command: str) -> None:
    """Ask until one Sentinel accepts."""
    refusals: list[str] = []

    def accepted() -> bool:
        for sentinel in stage.connection.sentinels:
            try:
                stage.ask(sentinel, *command)
            except Refused as refusal:
                refusals.append(str(refusal))
            except HoldfastError as error:
                refusals.append(f"{sentinel}: {error}")
            else:
                return True
        return False

    try:
        stage.until("a Sentinel accepts the failover", accepted, _ACCEPT_SECONDS)
    except HoldfastError as error:
        if refusals:
            error.add_note(refusals[-1])
        raise


def _in_step(stage: Stage, primary: Address, replicas: Sequence[Address]) -> bool:
    # The replicas are asked themselves: what the primary knows of them is up to a second old.
    offset = int(stage.info(primary, "replication")["master_repl_offset"])
    states = (stage.info(replica, "replication") for replica in replicas)
    return any(int(state.get("slave_repl_offset", -1)) >= offset for state in states)
