"""What each drill does. Whatever it leaves frozen or down is put back for it afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from holdfast.errors import VerificationFailed
from holdfast.keys import RESERVED_TENANT, KeySpace
from holdfast.verify.drills.hand_over import hand_over
from holdfast.verify.drills.managed import fail_over, managed_of
from holdfast.verify.drills.stage import Stage
from holdfast.verify.ledger import Answer, pauses
from holdfast.verify.probe import Refused

QUIET_SECONDS: Final = 2.0
"""How long writers are watched after something that must not disturb them."""

DISTURBED_SECONDS: Final = 1.0
_ON_DISK_SECONDS: Final = 2.5
"""With appendfsync everysec a server may hold back what it wrote for up to 2 s."""

_LOSSES: Final = 40
_BETWEEN_LOSSES_SECONDS: Final = 0.05
_PROBE_TTL_MS: Final = 60_000
_REFUSE_SLACK_SECONDS: Final = 3.0
_DOWN_SECONDS: Final = 10.0
ALONE_SECONDS: Final = 5.0
"""Beyond min-replicas-max-lag: long enough that a primary which goes on writing is found out."""

MAX_PAUSES: Final = 3
_PAUSE_COUNTS_SECONDS: Final = 0.5
"""Shorter ones are a busy machine's."""


def planned_failover(stage: Stage) -> None:
    """Move the primary to another server while everybody writes."""
    managed = managed_of(stage.means)
    if managed is not None:
        fail_over(stage, managed)
        return
    old = stage.agreed_primary()
    stage.fault(f"hand over from {old}")
    hand_over(stage, old)
    stage.until_writers_resume()


def kill_primary(stage: Stage) -> None:
    """End the primary's process at once."""
    old = stage.agreed_primary()
    process = stage.process_at(old)
    stage.fault(f"kill {process.name}, the primary at {old}")
    stage.means.kill(process.name)
    if not stage.means.supervised():
        # Started again at once, it may be the primary again before anybody calls it down.
        stage.until_moved(old)
    stage.until_writers_resume()


def freeze_primary(stage: Stage) -> None:
    """Stop the primary where it stands, thaw it once another one took over."""
    old = stage.agreed_primary()
    process = stage.process_at(old)
    stage.fault(f"freeze {process.name}, the primary at {old}")
    stage.means.freeze(process.name)
    stage.until_moved(old)
    stage.until_writers_resume()
    stage.tell(f"thaw {process.name}: it still takes itself for the primary")
    stage.means.thaw(process.name)
    stage.pause(QUIET_SECONDS)
    stage.until_writers_resume()


def sentinel_lost(stage: Stage) -> None:
    """Lose a Sentinel, which disturbs nobody, then the primary: the others still fail over."""
    first = stage.process_at(stage.connection.sentinels[0])
    at = stage.tell(f"kill {first.name}, the Sentinel that clients ask first")
    stage.means.kill(first.name)
    stage.pause(QUIET_SECONDS)
    stage.require_pauses(since=at, at_most_seconds=DISTURBED_SECONDS, what="the loss of a Sentinel")
    kill_primary(stage)


def replicas_frozen(stage: Stage) -> None:
    """Freeze every replica: turns stay unconfirmed, then the primary refuses to write alone."""
    primary = stage.agreed_primary()
    frozen = stage.replicas()
    at = stage.tell(f"freeze {', '.join(process.name for process in frozen)}")
    for process in frozen:
        stage.means.freeze(process.name)
    stage.until(
        "turns are told to be unconfirmed",
        lambda: any(
            entry.answer is Answer.UNCONFIRMED and entry.began > at
            for entry in stage.ledger.entries
        ),
        _REFUSE_SLACK_SECONDS,
    )
    if stage.facts.min_replicas:
        stage.until(
            "the primary refuses writes (NOREPLICAS)",
            lambda: _refuses(stage),
            stage.facts.max_lag_seconds + _REFUSE_SLACK_SECONDS,
        )
    stage.require(
        stage.agreed_primary() == primary, "the Sentinels moved the primary though it was well"
    )
    stage.fault(f"thaw {', '.join(process.name for process in frozen)}")
    for process in frozen:
        stage.means.thaw(process.name)
    stage.until_writers_resume()


def primary_alone(stage: Stage) -> None:
    """Take the replicas away from the primary, then the primary: what it wrote alone is lost."""
    old = stage.agreed_primary()
    process = stage.process_at(old)
    replicas = stage.replicas()
    stage.tell(f"freeze {', '.join(p.name for p in replicas)} and cut their links")
    for replica in replicas:
        stage.means.freeze(replica.name)
    # Frozen alone they would read what still lies in their sockets once they are thawed.
    stage.ask(old, "CLIENT", "KILL", "TYPE", "replica")
    stage.pause(stage.facts.max_lag_seconds + ALONE_SECONDS)
    stage.fault(f"kill {process.name}, the primary at {old}, and thaw the others")
    stage.means.kill(process.name)
    for replica in replicas:
        stage.means.thaw(replica.name)
    stage.until_moved(old)
    stage.until_writers_resume()


def _refuses(stage: Stage) -> bool:
    keys = KeySpace(stage.connection.app, RESERVED_TENANT, stage.connection.buckets)
    try:
        stage.ask(stage.primary(), "SET", keys.cache("drill-probe"), "1", "PX", _PROBE_TTL_MS)
    except Refused as refusal:
        return refusal.code == "NOREPLICAS"
    return False


def lost_replies(stage: Stage) -> None:
    """Throw answers away on their way to the writers, who send the same turns again."""
    proxy = stage.proxy
    if proxy is None:
        raise VerificationFailed("this drill needs a proxy before the primary")
    stage.tell(f"lose {_LOSSES} answers")
    lost = proxy.lost
    for _ in range(_LOSSES):
        proxy.lose_replies(1)
        stage.pause(_BETWEEN_LOSSES_SECONDS)
    proxy.lose_replies(0)
    stage.tell(f"{proxy.lost - lost} answers were lost")
    stage.require(proxy.lost - lost >= _LOSSES // 2, "hardly any answer was lost")
    stage.until_writers_resume()
    repeated = sum(entry.answer is Answer.DUPLICATE for entry in stage.ledger.entries)
    stage.require(repeated > 0, "no turn was sent again after it had been stored")


def cold_start(stage: Stage) -> None:
    """Stop everything, with one replica long behind, and let that one be the first to start."""
    primary = stage.agreed_primary()
    stale = stage.replicas()[0]
    stage.tell(f"kill {stale.name}: it misses everything from here on")
    stage.means.kill(stale.name)
    stage.pause(QUIET_SECONDS)
    stage.until_writers_resume()
    stage.require(stage.ledger.stop(), "a writer did not end")
    stage.pause(_ON_DISK_SECONDS)
    # The Sentinels first, so that nobody fails over meanwhile; the primary last.
    others = [p for p in stage.replicas() if p.name != stale.name]
    for process in (*stage.sentinels(), *others, stage.process_at(primary)):
        stage.means.kill(process.name)
    stage.tell("everything is down")
    stage.means.start(stale.name)
    stage.until(
        f"{stale.name} is up, alone",
        lambda: bool(stage.ask(stale.address, "ROLE")),
        _DOWN_SECONDS,
    )
    role = stage.ask(stale.address, "ROLE")[0]
    stage.require(role == "slave", f"{stale.name} took itself for the primary")
    stage.means.put_back()
    stage.tell("everything is back")
    stage.until("the Sentinels name a primary", lambda: bool(stage.primary()), _DOWN_SECONDS)
    now = stage.agreed_primary()
    stage.require(now == primary, f"the primary was {primary} and is {now}")


def primary_reborn_empty(stage: Stage) -> None:
    """Kill the primary, take its data away and bring it back at once: nobody may copy nothing."""
    old = stage.agreed_primary()
    process = stage.process_at(old)
    stage.fault(f"kill {process.name}, the primary at {old}, and take its data away")
    stage.means.kill(process.name)
    stage.means.empty(process.name)
    stage.means.put_back()
    stage.tell(f"{process.name} is back")
    stage.until_moved(old)
    stage.until_writers_resume()


def change(stage: Stage, command: Sequence[str]) -> None:
    """Run a command while everybody writes: a change of the store that should disturb nobody."""
    at = stage.fault(f"run {' '.join(command)}")
    stage.means.run(command)
    stage.tell("it is done")
    stage.until_writers_resume()
    if not stage.facts.managed:
        require_few_pauses(stage, since=at)


def require_few_pauses(stage: Stage, *, since: float) -> None:
    """Each pod or process that leads may go once: no writer pauses more often than that."""
    counts = Counter(
        pause.writer
        for pause in pauses(stage.ledger.entries, since=since)
        if pause.seconds > _PAUSE_COUNTS_SECONDS
    )
    most = max(counts.values(), default=0)
    stage.require(most <= MAX_PAUSES, f"a writer paused {most} times, at most {MAX_PAUSES}")
