"""What the drills of a cluster do. Whatever they leave is put back for them afterwards."""

from __future__ import annotations

import socket
import time
from typing import Final, cast

from holdfast.connection import Address
from holdfast.errors import VerificationFailed
from holdfast.keys import RESERVED_TENANT, KeySpace
from holdfast.verify.drills.faults import QUIET_SECONDS, kill_primary, require_few_pauses
from holdfast.verify.drills.hand_over import hand_over
from holdfast.verify.drills.means import ClusterMeans, State
from holdfast.verify.drills.stage import Stage

BACK_SECONDS: Final = 120.0
"""For pods that are made anew, one after another where a budget says so."""

ROLL_SECONDS: Final = 420.0
"""Each pod counts as ready only after its ``minReadySeconds``."""

EVICT_SECONDS: Final = 90.0
RESTART_SLACK_SECONDS: Final = 2.0
"""Beyond down-after, where the process that was killed is started again in place."""

_SILENT_SECONDS: Final = 30.0
_FULL: Final = 0.97
"""Of maxmemory: from there on the server evicts."""

_BLOCK_BYTES: Final = 256 * 1024
_BLOCKS_A_ROUND: Final = 16
_FILL_SECONDS: Final = 60.0
_FILL_TTL_MS: Final = 120_000
_REWRITE_SECONDS: Final = 60.0


def delete_primary_pod(stage: Stage) -> None:
    """Delete the primary's pod: its preStop hands over before the server is stopped."""
    old = stage.agreed_primary()
    pod = stage.process_at(old).name
    stage.fault(f"delete the pod {pod}, the primary at {old}")
    _cluster(stage).delete_pods([pod])
    stage.until_moved(old)
    stage.until_writers_resume()


def drain_primary_node(stage: Stage) -> None:
    """Drain the primary's node: eviction is a deletion that asks the budgets first."""
    old, _, node = _primary_elsewhere(stage)
    stage.fault(f"drain {node}, where the primary at {old} runs")
    _cluster(stage).drain(node)
    stage.until_moved(old)
    stage.until_writers_resume()


def cut_primary_node(stage: Stage) -> None:
    """Cut the primary's node off: it goes on serving whoever is on its side."""
    old, _, node = _primary_elsewhere(stage)
    stage.fault(f"cut {node} off, where the primary at {old} runs")
    _cluster(stage).cut_node(node)
    stage.until_moved(old)
    stage.until_writers_resume()
    stage.tell(f"{node} is on the network again: its server still takes itself for the primary")
    _cluster(stage).heal_node(node)
    stage.pause(QUIET_SECONDS)
    stage.until_writers_resume()


def lose_primary_node(stage: Stage) -> None:
    """Lose the primary's node for good, and the volumes on it with their claims."""
    old, lost, node = _primary_elsewhere(stage)
    gone = [p.name for p in stage.means.processes() if _cluster(stage).node_of(p.name) == node]
    volumes = {name: _cluster(stage).volume_of(name) for name in gone}
    stage.fault(f"switch {node} off, where the primary at {old} runs")
    _cluster(stage).switch_off(node)
    stage.until_moved(old)
    stage.until_writers_resume()
    _cluster(stage).give_up(node)
    for name in gone:
        stage.tell(f"the volume of {name} is gone with its node")
        _cluster(stage).lose_volume(name)
    stage.tell(f"{node} comes back, and the pods begin with nothing")
    stage.means.put_back()
    stage.until(
        "the pods that were lost have new volumes",
        lambda: all(
            _cluster(stage).volume_of(name) not in ("", volume) for name, volume in volumes.items()
        ),
        BACK_SECONDS,
    )
    stage.until(
        f"{lost} has everything from the primary",
        lambda: stage.info(old, "replication").get("master_link_status") == "up",
        BACK_SECONDS,
    )
    stage.until_writers_resume()


def lose_volume(stage: Stage) -> None:
    """Delete the primary's claim with its pod: nobody may copy the empty server."""
    old = stage.agreed_primary()
    pod = stage.process_at(old).name
    volume = _cluster(stage).volume_of(pod)
    stage.fault(f"take the volume of {pod}, the primary at {old}")
    _cluster(stage).lose_volume(pod)
    stage.until_moved(old)
    stage.until(
        f"{pod} has a new volume",
        lambda: _cluster(stage).volume_of(pod) not in ("", volume),
        BACK_SECONDS,
    )
    stage.until(
        f"{pod} has everything from the primary",
        lambda: stage.info(old, "replication").get("master_link_status") == "up",
        BACK_SECONDS,
    )
    stage.until_writers_resume()


def delete_every_pod(stage: Stage) -> None:
    """Delete every pod of the store at once, Sentinels and servers."""
    names = [process.name for process in stage.means.processes()]
    old = _cluster(stage).uids()

    def anew() -> bool:
        now = _cluster(stage).uids()
        # Looked at after the uids: what is ready then is none of the old ones.
        return all(now.get(name) not in (None, old.get(name)) for name in names) and all(
            process.state is State.RUNNING for process in stage.means.processes()
        )

    at = stage.fault("delete every pod")
    _cluster(stage).delete_pods(names)
    # First this: what is deleted serves on through its grace, and writers seem to be back.
    stage.until("every pod is another one, and ready", anew, at + BACK_SECONDS - time.monotonic())
    stage.until_writers_resume(BACK_SECONDS)


def silent_dns(stage: Stage) -> None:
    """Silence the DNS, then kill the primary, then freeze it: nobody may need a name."""
    stage.tell("silence the cluster's DNS")
    _cluster(stage).silence_dns()
    name = stage.connection.sentinels[0].host
    stage.until("nobody is told an address", lambda: not _resolves(name), _SILENT_SECONDS)
    stage.pause(QUIET_SECONDS)
    at = stage.tell("kill the primary")
    kill_primary(stage)
    stage.require_pauses(
        since=at,
        at_most_seconds=stage.facts.down_after_seconds + RESTART_SLACK_SECONDS,
        what="the kill while the DNS was silent",
    )
    # One fault at a time: this is about the DNS.
    stage.until_well()
    stage.require(not _resolves(name), "the DNS was not silent all the time")
    old = stage.agreed_primary()
    process = stage.process_at(old)
    stage.fault(f"freeze {process.name}, the primary at {old}")
    stage.means.freeze(process.name)
    stage.until_moved(old)
    stage.until_writers_resume()
    stage.means.thaw(process.name)


def full_memory(stage: Stage) -> None:
    """Fill the primary up to maxmemory and let it rewrite its append-only file meanwhile."""
    restarts = _cluster(stage).restarts()
    primary = stage.agreed_primary()
    keys = KeySpace(stage.connection.app, RESERVED_TENANT, stage.connection.buckets)
    limit = int(stage.info(primary, "memory")["maxmemory"])
    if limit <= 0:
        # It would be filled until its container is killed.
        raise VerificationFailed("maxmemory is not set")
    stage.fault(f"fill the primary at {primary} up to its {limit} bytes")
    block = "x" * _BLOCK_BYTES
    filled = 0

    def full() -> bool:
        nonlocal filled
        for _ in range(_BLOCKS_A_ROUND):
            key = keys.cache(f"drill-fill-{filled}")
            stage.ask(primary, "SET", key, block, "PX", _FILL_TTL_MS)
            filled += 1
        stats = stage.info(primary, "all")
        return int(stats["used_memory"]) > _FULL * limit and int(stats["evicted_keys"]) > 0

    stage.until("the server evicts", full, _FILL_SECONDS)
    stage.ask(primary, "BGREWRITEAOF")
    stage.until(
        "the append-only file is rewritten, the server full",
        lambda: full() and _rewritten(stage, primary),
        _REWRITE_SECONDS,
    )
    stage.until_writers_resume()
    stage.require(stage.agreed_primary() == primary, "the primary moved")
    stage.require(
        _cluster(stage).restarts() == restarts, "a container was ended (out of memory, or a probe)"
    )
    for number in range(filled):
        stage.ask(primary, "UNLINK", keys.cache(f"drill-fill-{number}"))


def _rewritten(stage: Stage, primary: Address) -> bool:
    state = stage.info(primary, "persistence")
    busy = state["aof_rewrite_in_progress"] == "1" or state.get("aof_rewrite_scheduled") == "1"
    return not busy and state["aof_last_bgrewrite_status"] == "ok"


def rolling_update(stage: Stage) -> None:
    """Replace every pod, one after another."""
    at = stage.fault("roll every pod")
    for sentinel in (True, False):
        # As a deployment does it: a Sentinel and the primary never go at the same time.
        _cluster(stage).roll(sentinel=sentinel)
        what = "Sentinel" if sentinel else "server"
        stage.until(f"every {what} is new", _cluster(stage).rolled, ROLL_SECONDS)
    stage.until_writers_resume()
    require_few_pauses(stage, since=at)


def sentinel_cut_off(stage: Stage) -> None:
    """Cut a Sentinel off by a policy: it disturbs nobody, and the others still fail over."""
    first = stage.process_at(stage.connection.sentinels[0])
    stage.tell(f"cut {first.name} off, the Sentinel that clients ask first")
    _cluster(stage).cut_off(first.name)
    stage.until(
        f"{first.name} does not answer", lambda: not _answers(stage, first.address), EVICT_SECONDS
    )
    stage.pause(QUIET_SECONDS)
    old = stage.agreed_primary()
    process = stage.process_at(old)
    stage.fault(f"freeze {process.name}, the primary at {old}")
    stage.means.freeze(process.name)
    stage.until_moved(old)
    stage.until_writers_resume()
    stage.means.thaw(process.name)


def _answers(stage: Stage, address: Address) -> bool:
    return address in {sentinel for sentinel, named in stage.watched().items() if named is not None}


def _resolves(name: str) -> bool:
    try:
        socket.getaddrinfo(name, None)
    except OSError:
        return False
    return True


def _primary_elsewhere(stage: Stage) -> tuple[Address, str, str]:
    """A primary whose node may be hurt: where it listens, its pod, its node."""
    _lead_elsewhere(stage)
    primary = stage.agreed_primary()
    pod = stage.process_at(primary).name
    return primary, pod, _cluster(stage).node_of(pod)


def _lead_elsewhere(stage: Stage) -> None:
    """Hand over until the primary is not on the node of these writers, which is to be hurt."""
    own = _cluster(stage).node_of(socket.gethostname())
    for _ in stage.servers():
        primary = stage.agreed_primary()
        if _cluster(stage).node_of(stage.process_at(primary).name) != own:
            return
        stage.tell(f"the primary is on the node of the writers: hand over from {primary}")
        hand_over(stage, primary)
        stage.until_writers_resume()
        stage.until_well()
    raise VerificationFailed("every server runs on the node of the writers")


def _cluster(stage: Stage) -> ClusterMeans:
    # The catalogue runs these drills only on targets that can do what they need.
    return cast("ClusterMeans", stage.means)
