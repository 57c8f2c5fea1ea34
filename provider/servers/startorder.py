"""Who starts as the primary after some or all processes of a group stopped. Pure.

Wrong here means data lost: a stale replica that boots as a primary makes everybody else drop
what it does not have, and so does an empty folder. Rules, in this order:

1. What a majority of the Sentinels says, if so many answer.
2. What the files of the Sentinels say, the newest config epoch first.
3. The server whose own file names nobody else as its primary; with several, the newest data.
   Where each file names somebody who is not here, nobody is chosen: the files stay as they are.

A server without keys is passed over as long as another one has keys. So is one that ended while
every other server went on: with ``appendfsync everysec`` a server answers before it writes while
the disk is slow, so that those may have more than its file. The Sentinels are to choose among
them. Who was stopped in order wrote everything, and stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.connection import Address


@dataclass(frozen=True, slots=True)
class ServerState:
    """A data node as its files show it.

    Attributes:
        node: its name.
        address: where it listens.
        running: whether its process lives.
        holds_keys: whether its data folder has keys.
        replicaof: whom its config file names as its primary, None if nobody.
        changed: when its data last changed, seconds since the epoch.
        complete: its process was stopped in order just now, so that its files have all it knew.
    """

    node: str
    address: Address
    running: bool = False
    holds_keys: bool = False
    replicaof: Address | None = None
    changed: float = 0.0
    complete: bool = False


@dataclass(frozen=True, slots=True)
class SentinelState:
    """A Sentinel: what it answers, and what its file says.

    Attributes:
        node: its name.
        answer: the primary that the running Sentinel names, None if it does not answer.
        filed: the primary in its config file.
        config_epoch: the epoch of that, grows with each failover.
    """

    node: str
    answer: Address | None = None
    filed: Address | None = None
    config_epoch: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """Who is the primary.

    Attributes:
        primary: the server that is to be primary; None: nobody here is.
        instead_of: the address that Sentinels (or files) name, where that server is passed over:
            it lost its keys and another one has some, or others may have more.
        failover_by: Sentinels that run and still name ``instead_of``: they have to fail over.
        otherwise: who is the primary where they do not, None: nobody may be.
    """

    primary: ServerState | None
    instead_of: Address | None = None
    failover_by: tuple[str, ...] = ()
    otherwise: ServerState | None = None


def decide(servers: Sequence[ServerState], sentinels: Sequence[SentinelState]) -> Decision:
    """Choose the primary of a replicated group (not of a cluster)."""
    if not servers:
        return Decision(None)
    by_address = {server.address: server for server in servers}
    named = last_primary(sentinels)
    if named is None or named not in by_address:
        return Decision(_by_own_files(servers))
    chosen = by_address[named]
    others = [s for s in servers if s is not chosen]
    full = [s for s in others if s.holds_keys]
    waiting = tuple(s.node for s in sentinels if s.answer == named)
    # A running server is beyond this choice: what it has is in its memory.
    if chosen.running or not full:
        return Decision(chosen)
    if not chosen.holds_keys:
        return Decision(_freshest(full), instead_of=named, failover_by=waiting)
    went_on = all(s.running and s.holds_keys for s in others)
    if went_on and not chosen.complete and len(waiting) > len(sentinels) // 2:
        return Decision(_freshest(full), instead_of=named, failover_by=waiting, otherwise=chosen)
    return Decision(chosen)


def last_primary(sentinels: Sequence[SentinelState]) -> Address | None:
    """The primary that the Sentinels know, None where there are none."""
    answers = Counter(s.answer for s in sentinels if s.answer is not None)
    for address, count in answers.items():
        if count > len(sentinels) // 2:
            return address
    filed = [(s.config_epoch, s.filed) for s in sentinels if s.filed is not None]
    if not filed:
        return None
    newest = max(epoch for epoch, _ in filed)
    return Counter(address for epoch, address in filed if epoch == newest).most_common(1)[0][0]


def _by_own_files(servers: Sequence[ServerState]) -> ServerState | None:
    primaries = [s for s in servers if s.replicaof is None]
    if not primaries:
        # All follow a server that is not here (yet): to promote one of them is not for us.
        return None
    running = [s for s in primaries if s.running]
    with_keys = [s for s in primaries if s.holds_keys] or [s for s in servers if s.holds_keys]
    return _freshest(running or with_keys or primaries)


def _freshest(servers: Sequence[ServerState]) -> ServerState:
    return max(servers, key=lambda s: (s.running, s.holds_keys, s.changed, s.node))
