"""Every drill, in the order of a full run."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from holdfast.connection import Topology
from holdfast.errors import ConfigError
from holdfast.verify.drills import cluster_faults, faults
from holdfast.verify.drills.judge import LOSS_SLACK_SECONDS, Bounds
from holdfast.verify.drills.means import Action
from holdfast.verify.drills.stage import Facts, Stage

PLANNED_SECONDS: Final = 1.2
TICK_SECONDS: Final = 0.1
"""Between two looks of a Sentinel; before 9.0 the median hand-over takes all of 1.2 s."""

UNCOORDINATED_SECONDS: Final = 1.0
"""Before 9.0 a server that goes pauses writes until it is gone, and only then do clients ask."""

KILL_SLACK_SECONDS: Final = 1.5
FREEZE_SLACK_SECONDS: Final = 2.5
CUT_SLACK_SECONDS: Final = 4.0
"""A client that a cut left without an answer gives its connection up only after a timeout."""

POD_SECONDS: Final = 2.0
"""A hand-over, and what comes with a pod that goes: its address refuses, its Sentinel too."""
THAW_SECONDS: Final = 3.0
"""Replicas report once a second; a turn that waits for one began at most a second before."""


COUNTED: Final = Bounds(lost_seconds=None)
"""Where a service fails over in its own time and way: nothing twice, nothing lost that a replica
had confirmed, and all the rest counted."""


@dataclass(frozen=True, slots=True)
class Drill:
    """A fault, and what has to hold.

    Attributes:
        name: how it is called on the command line.
        shows: what it proves, in a line.
        run: makes the fault, with writers at work.
        bounds: what has to hold, besides no duplicates and no loss of confirmed turns.
        needs: what the target must be able to do.
        proxied: the writers reach the primary through a proxy.
        changing: the store's Connection may be another one afterwards.
    """

    name: str
    shows: str
    run: Callable[[Stage], None]
    bounds: Callable[[Facts], Bounds]
    needs: frozenset[Action] = frozenset()
    proxied: bool = False
    changing: bool = False


_DEEDS: Final = {
    Action.KILL: "kill a process",
    Action.FREEZE: "freeze a process",
    Action.START: "start a process",
    Action.EMPTY: "take a server's data",
    Action.PODS: "delete pods",
    Action.DRAIN: "drain a node",
    Action.POLICY: "write network policies",
    Action.NODES: "cut off or switch a node",
}


def _failover(slack_seconds: float) -> Callable[[Facts], Bounds]:
    return lambda facts: Bounds(
        resume_seconds=facts.down_after_seconds + slack_seconds,
        lost_seconds=facts.max_lag_seconds + LOSS_SLACK_SECONDS,
    )


def _short_of_a_sentinel(slack_seconds: float) -> Callable[[Facts], Bounds]:
    """With two Sentinels of three, one in ten elections or so ends in a split vote."""

    def bounds(facts: Facts) -> Bounds:
        return _failover(slack_seconds + facts.election_seconds)(facts)

    return bounds


def _kill(facts: Facts) -> Bounds:
    restart = cluster_faults.RESTART_SLACK_SECONDS
    return _failover(restart if facts.supervised else KILL_SLACK_SECONDS)(facts)


def _nothing_lost(*, resume_seconds: float | None = None) -> Callable[[Facts], Bounds]:
    return lambda _: Bounds(resume_seconds=resume_seconds)


def _no_pause_above(seconds: float) -> Callable[[Facts], Bounds]:
    def bounds(facts: Facts) -> Bounds:
        if facts.managed:
            return COUNTED
        return Bounds(
            pause_seconds=seconds if facts.coordinated else seconds + UNCOORDINATED_SECONDS
        )

    return bounds


def _planned(facts: Facts) -> Bounds:
    if facts.managed:
        return COUNTED
    tick_seconds = 0.0 if facts.coordinated else TICK_SECONDS
    return Bounds(pause_seconds=PLANNED_SECONDS + tick_seconds)


DRILLS: Final = (
    Drill(
        "planned-failover",
        "a hand-over loses nothing and pauses writers about a second",
        faults.planned_failover,
        _planned,
    ),
    Drill(
        "kill-primary",
        "writers resume soon after the primary is gone; confirmed turns survive",
        faults.kill_primary,
        _kill,
        frozenset({Action.KILL}),
    ),
    Drill(
        "freeze-primary",
        "a primary that hangs is replaced, and harms nothing when it comes back",
        faults.freeze_primary,
        _failover(FREEZE_SLACK_SECONDS),
        frozenset({Action.FREEZE}),
    ),
    Drill(
        "sentinel-lost",
        "a Sentinel less disturbs nobody, and the others still fail over",
        faults.sentinel_lost,
        _short_of_a_sentinel(KILL_SLACK_SECONDS),
        frozenset({Action.KILL}),
    ),
    Drill(
        "replicas-frozen",
        "writers are told that turns are unconfirmed, then that nothing is stored",
        faults.replicas_frozen,
        _nothing_lost(resume_seconds=THAW_SECONDS),
        frozenset({Action.FREEZE}),
    ),
    Drill(
        "primary-alone",
        "a primary without its replicas stops taking writes, so that its end costs little",
        faults.primary_alone,
        _failover(FREEZE_SLACK_SECONDS),
        # Something that starts the primary again at once would bring back what it wrote alone.
        frozenset({Action.KILL, Action.FREEZE, Action.START}),
    ),
    Drill(
        "lost-replies",
        "a turn that is sent again is stored once",
        faults.lost_replies,
        _nothing_lost(),
        proxied=True,
    ),
    Drill(
        "cold-start",
        "a full stop comes back with the data, though a stale node starts first",
        faults.cold_start,
        _nothing_lost(),
        frozenset({Action.KILL, Action.START}),
    ),
    Drill(
        "primary-reborn-empty",
        "a primary that comes back without its data does not empty the others",
        faults.primary_reborn_empty,
        _kill,
        frozenset({Action.KILL, Action.EMPTY}),
    ),
    Drill(
        "pod-deleted",
        "a primary whose pod is deleted hands over before it stops",
        cluster_faults.delete_primary_pod,
        _no_pause_above(POD_SECONDS),
        frozenset({Action.PODS}),
    ),
    Drill(
        "node-drained",
        "a drain of the primary's node loses nothing",
        cluster_faults.drain_primary_node,
        _no_pause_above(POD_SECONDS),
        frozenset({Action.DRAIN}),
    ),
    Drill(
        "node-cut",
        "a primary that is cut off with its node stops taking writes, and another takes over",
        cluster_faults.cut_primary_node,
        _short_of_a_sentinel(CUT_SLACK_SECONDS),
        frozenset({Action.NODES}),
    ),
    Drill(
        "node-lost",
        "a node that never comes back takes its volumes with it, and no turn that was confirmed",
        cluster_faults.lose_primary_node,
        _short_of_a_sentinel(CUT_SLACK_SECONDS),
        frozenset({Action.NODES, Action.PODS}),
    ),
    Drill(
        "volume-lost",
        "a primary whose volume is gone is copied by nobody, and copies the others",
        cluster_faults.lose_volume,
        _no_pause_above(POD_SECONDS),
        frozenset({Action.PODS}),
    ),
    Drill(
        "every-pod-deleted",
        "a stop of everything comes back with the data",
        cluster_faults.delete_every_pod,
        _nothing_lost(resume_seconds=cluster_faults.BACK_SECONDS),
        frozenset({Action.PODS}),
    ),
    Drill(
        "silent-dns",
        "neither servers nor clients need the DNS on the way through a failover",
        cluster_faults.silent_dns,
        _failover(FREEZE_SLACK_SECONDS),
        frozenset({Action.POLICY, Action.KILL, Action.FREEZE}),
    ),
    Drill(
        "memory-full",
        "a server at maxmemory rewrites its append-only file and is not killed for it",
        cluster_faults.full_memory,
        _nothing_lost(),
        frozenset({Action.PODS}),
    ),
    Drill(
        "rolling-update",
        "every pod is replaced with at most three short pauses, and nothing lost",
        cluster_faults.rolling_update,
        _no_pause_above(POD_SECONDS),
        frozenset({Action.PODS}),
    ),
    Drill(
        "sentinel-cut",
        "a Sentinel that a policy cuts off disturbs nobody, and the others still fail over",
        cluster_faults.sentinel_cut_off,
        _short_of_a_sentinel(FREEZE_SLACK_SECONDS),
        frozenset({Action.POLICY, Action.FREEZE}),
    ),
)


def change_drill(command: Sequence[str]) -> Drill:
    """The drill of a command that changes the store while writers are at work."""
    return Drill(
        "change",
        f"nothing is lost, and nobody waits for long, while this runs: {' '.join(command)}",
        partial(faults.change, command=command),
        _no_pause_above(POD_SECONDS),
        changing=True,
    )


def possible(
    actions: frozenset[Action], topology: Topology = Topology.SENTINEL
) -> tuple[Drill, ...]:
    """Every drill that a target can be put through that is able to do these things."""
    return tuple(drill for drill in DRILLS if not impossible(drill, actions, topology))


def impossible(drill: Drill, actions: frozenset[Action], topology: Topology) -> str:
    """Why a target cannot be put through a drill; empty where it can."""
    missing = drill.needs - actions
    if missing:
        return f"nobody can {', '.join(_DEEDS[action] for action in sorted(missing))} there"
    if drill.proxied and topology.clustered:
        return "a slot map leads clients past a proxy"
    return ""


def select(names: Sequence[str]) -> tuple[Drill, ...]:
    """The drills of these names, in the order given.

    Raises:
        ConfigError: no such drill; names near ones.
    """
    known = {drill.name: drill for drill in DRILLS}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            raise ConfigError(
                "NAME",
                name,
                f"one of {', '.join(known)}",
                f"did you mean {' or '.join(near)}?" if near else "see --list",
            )
    return tuple(known[name] for name in dict.fromkeys(names))
