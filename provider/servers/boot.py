"""Starting a node in the order that keeps the data, as startorder decides it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from holdfast.connection import Address
from holdfast.errors import ConfigError, StoreUnavailable
from provider.servers import group, process
from provider.servers.admin import Access, Refused, connect
from provider.servers.conffile import Monitor
from provider.servers.group import Member
from provider.servers.health import Waiting, listens
from provider.servers.ports import holder
from provider.servers.process import Running
from provider.servers.spec import CLUSTER_BUS_OFFSET, Kind, Layout
from provider.servers.startorder import Decision, ServerState, decide, last_primary
from provider.servers.takeover import heirs

TAKEOVER_SECONDS: Final = 20.0
"""Longer than Sentinels try (failover-timeout): where nothing came of it by then, nothing will."""

_PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "TZ", "TMPDIR")
"""Nothing else of our environment: it holds the passphrase of the stack's secrets."""


@dataclass(frozen=True)
class Starter:
    """Starts nodes of a group. Use it with the group's lock held.

    Attributes:
        group_dir: the group's folder.
        owners: whose group it is, a former name of the stack included.
        access: the administrator.
        waiting: bounds every wait.
        warn: tells the user what did not work with another node than the asked one.
    """

    group_dir: Path
    owners: tuple[str, ...]
    access: Access
    waiting: Waiting
    warn: Callable[[str], None]

    def start(self, node: str, *, seeded: bool, complete: bool = False) -> Running:
        """Start a node whose files are in place, and before it those that must be there first.

        Args:
            node: its name.
            seeded: the config file is new, so that it says who is the primary as long as no
                other server has keys.
            complete: its process was stopped in order just now: its files have all it knew.

        Raises:
            ConfigError: a port is in use, or the executable cannot be run.
            StoreUnavailable: running Sentinels insist on a primary that lost its data.
        """
        members = group.survey(self.group_dir, self.owners)
        me = members[node]
        servers = [
            replace(s, complete=complete and s.node == node) for s in group.server_states(members)
        ]
        others_hold_keys = any(s.holds_keys for s in servers if s.node != node)
        if me.record.clustered:
            self._let_replica_take_over(members, me)
            return self._spawn(me)
        if seeded and me.record.kind is Kind.SERVER and not others_hold_keys:
            return self._spawn(me)
        sentinels = group.sentinel_states(members, self.access)
        decision = decide(servers, sentinels)
        if decision.failover_by:
            if self._fail_over(members, decision):
                return self.start(node, seeded=seeded, complete=complete)
            decision = Decision(decision.otherwise)
        if decision.instead_of:
            self._tell_sentinels(members, decision)
        if me.record.kind is Kind.SERVER:
            return self._start_server(members, me, decision.primary)
        known = last_primary([s for s in sentinels if s.node != node])
        return self._start_sentinel(members, me, decision.primary, known)

    def _start_server(
        self, members: Mapping[str, Member], me: Member, primary: ServerState | None
    ) -> Running:
        if primary and primary.node != me.node:
            self._start_other(members[primary.node], primary)
        return self._spawn(me, primary)

    def _start_sentinel(
        self,
        members: Mapping[str, Member],
        me: Member,
        primary: ServerState | None,
        known: Address | None,
    ) -> Running:
        # A Sentinel that finds nobody listening starts a failover: the servers come first, the
        # primary before its replicas.
        servers = [m for m in members.values() if m.record.kind is Kind.SERVER]
        for member in sorted(servers, key=lambda m: not primary or m.node != primary.node):
            self._start_other(member, primary)
        monitor = me.conf.monitor if me.conf else None
        if me.conf and monitor and primary and known == primary.address != monitor.address:
            newest = max((m.config_epoch for m in _monitors(members)), default=0)
            epoch = max(newest, monitor.config_epoch)
            moved = replace(monitor, address=primary.address, config_epoch=epoch)
            me.store_conf(me.conf.with_monitor(moved))
        return self._spawn(me)

    def _start_other(self, member: Member, primary: ServerState | None) -> None:
        """Start another node that should run and does not; its own update tells what is wrong."""
        if member.running or not member.record.wanted or member.conf is None:
            return
        try:
            running = self._spawn(member, primary)
            up = self.waiting.until(
                lambda: listens(member.record.endpoint) or not process.is_alive(running)
            )
        except ConfigError as error:
            self.warn(f"{member.node} could not be started first: {error}")
            return
        if not up or not process.is_alive(running):
            self.warn(f"{member.node} was started first and did not come up: {member.layout.log}")

    def _spawn(self, member: Member, primary: ServerState | None = None) -> Running:
        require_free_ports(member)
        if primary and member.conf and member.record.kind is Kind.SERVER:
            follows = None if primary.node == member.node else primary.address
            member.store_conf(member.conf.with_replicaof(follows))
        running = process.start(member.record.argv, member.layout, _environment())
        process.started(member.record, running).write(member.layout)
        return running

    def _let_replica_take_over(self, members: Mapping[str, Member], me: Member) -> None:
        """Before an emptied cluster node starts: nobody may copy its emptiness."""
        if me.data.holds_keys:
            return
        full = [m for m in members.values() if m.data.holds_keys and m.record.clustered]
        found = heirs(me.record.endpoint, {m.record.endpoint: m.cluster_map() for m in full})
        if not found:
            return
        for member in full:
            self._start_other(member, None)
        reason = "no answer"

        def taken_over() -> bool:
            nonlocal reason
            try:
                with connect(found[0], self.access) as admin:
                    if admin.info("replication").get("role") == "master":
                        return True
                    admin.call("CLUSTER", "FAILOVER", "FORCE")
            except (Refused, StoreUnavailable) as error:
                # Loading, or not yet in touch with the majority that has to agree.
                reason = str(error)
            return False

        if not self.waiting.until(taken_over):
            raise StoreUnavailable(
                f"the data folder of {me.node} is empty, and {found[0]}, which has its data, "
                f"does not take over ({reason}); start the other servers and run again"
            )

    def _tell_sentinels(self, members: Mapping[str, Member], decision: Decision) -> None:
        """Let the stopped Sentinels start with the primary that has the data."""
        if decision.primary is None:
            return
        epoch = 1 + max((m.config_epoch for m in _monitors(members)), default=0)
        for member in members.values():
            monitor = member.conf.monitor if member.conf else None
            if member.conf and monitor and not member.running:
                moved = replace(monitor, address=decision.primary.address, config_epoch=epoch)
                member.store_conf(member.conf.with_monitor(moved))

    def _fail_over(self, members: Mapping[str, Member], decision: Decision) -> bool:
        """Make the running Sentinels leave a primary that lost its data, or the newest of it.

        Returns:
            Whether they did; False only where another may be the primary then.

        Raises:
            StoreUnavailable: they insist on a primary without data.
        """
        asked = [members[name] for name in decision.failover_by]
        refusal = self._request_failover(asked)
        kept = decision.otherwise

        def moved() -> bool:
            nonlocal refusal
            # Asked once more only while it is refused: two failovers in a row help nobody.
            if refusal:
                refusal = self._request_failover(asked)
            # All of them must know: one that does not would be taken for the truth.
            states = group.sentinel_states({m.node: m for m in asked}, self.access)
            return all(s.answer not in {None, decision.instead_of} for s in states)

        seconds = self.waiting.deadline_seconds
        if kept:
            # With its data there is somebody to serve: not for long without him.
            seconds = 0.0 if refusal else min(seconds, TAKEOVER_SECONDS)
        if replace(self.waiting, deadline_seconds=seconds).until(moved):
            return True
        reason = refusal or "no replica was good enough in time"
        if kept:
            self.warn(
                f"{kept.node} is the primary again, with what it wrote before it ended: the "
                f"Sentinels do not fail over ({reason}); what the disk was too slow for is lost"
            )
            return False
        raise StoreUnavailable(
            f"the data folder of the primary {decision.instead_of} is empty while another "
            f"server has data, and the Sentinels do not fail over ({reason}); "
            "start the other servers and run again"
        )

    def _request_failover(self, members: Sequence[Member]) -> str:
        """Ask one after another for a failover; why it is refused, empty if it has begun."""
        refusal = "no Sentinel answers"
        for member in members:
            monitor = member.conf.monitor if member.conf else None
            try:
                with connect(member.record.endpoint, self.access) as admin:
                    admin.call("SENTINEL", "FAILOVER", monitor.service if monitor else "")
            except (Refused, StoreUnavailable) as error:
                refusal = str(error)
                # Another one was asked, or acts by itself.
                if "INPROG" not in refusal:
                    continue
            return ""
        return refusal


def require_free_ports(member: Member) -> None:
    """Refuse to start where another process listens.

    Raises:
        ConfigError: names the port and the process.
    """
    record = member.record
    require_free(record.address, ports_of(record.port, clustered=record.clustered), member.layout)


def ports_of(port: int, *, clustered: bool) -> tuple[int, ...]:
    """The ports that a node binds: nodes of a cluster have a second one."""
    return (port, port + CLUSTER_BUS_OFFSET) if clustered else (port,)


def require_free(address: str, ports: tuple[int, ...], layout: Layout) -> None:
    """Refuse ports where another process than the node's own listens.

    Raises:
        ConfigError: names the port and the process that holds it.
    """
    for port in ports:
        held = holder(address, port)
        if held and not (held.pid and process.adopt(held.pid, layout)):
            raise ConfigError(
                "port",
                port,
                f"a free port on {address}, but {held}",
                "stop that process, or choose another port",
            )


def orphan(address: str, port: int, layout: Layout) -> Running | None:
    """The node's own process, found by its port where its record was lost."""
    held = holder(address, port)
    return process.adopt(held.pid, layout) if held and held.pid else None


def _monitors(members: Mapping[str, Member]) -> list[Monitor]:
    found = [member.conf.monitor for member in members.values() if member.conf]
    return [monitor for monitor in found if monitor]


def _environment() -> dict[str, str]:
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {"LC_ALL": "C.UTF-8", **passed}
