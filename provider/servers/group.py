"""The nodes of one group as they are on disk right now: records, processes, data, Sentinels."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.connection import Address
from holdfast.errors import ConfigError, HoldfastError
from provider import folders
from provider.folders import LOCK_NAME
from provider.servers import datafolder, process
from provider.servers.admin import Access, connect
from provider.servers.conffile import ConfFile
from provider.servers.files import FILE_MODE, explained, read_file, write_file
from provider.servers.formation import Peer
from provider.servers.process import Record, Running
from provider.servers.spec import Kind, Layout
from provider.servers.startorder import SentinelState, ServerState
from provider.servers.takeover import parse_nodes_file

_LOCK_POLL_SECONDS: Final = 0.02
_ASK_SECONDS: Final = 0.5
"""A Sentinel that lives answers within milliseconds; a frozen one must not hold up a start."""


@contextmanager
def locked(group_dir: Path, pause: Callable[[float], None]) -> Iterator[None]:
    """Hold the group's lock: whoever decides on an order of start must be alone with it.

    Args:
        group_dir: made if it is missing.
        pause: waits that many seconds; raises if the user stops the run.
    """
    handle = _take_lock(group_dir, pause)
    try:
        yield
    finally:
        os.close(handle)


def _take_lock(group_dir: Path, pause: Callable[[float], None]) -> int:
    while True:
        with explained(group_dir):
            folders.make(group_dir)
            handle = os.open(group_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            while not _is_locked(handle):
                pause(_LOCK_POLL_SECONDS)
            # Who took the last node away removed the file while we waited for it.
            if os.fstat(handle).st_nlink:
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _is_locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True)
class Member:
    """A node of the group.

    Attributes:
        layout: its files.
        record: its process.json.
        running: its live process, None if it has none.
        conf: its config file, None if it has none.
        data: what its data folder holds.
    """

    layout: Layout
    record: Record
    running: Running | None
    conf: ConfFile | None
    data: datafolder.DataFolder

    @property
    def node(self) -> str:
        """Its name."""
        return self.record.node

    def cluster_map(self) -> tuple[Peer, ...]:
        """What a node of a cluster knew of it last, as it stored it."""
        named = self.conf.find(("cluster-config-file",)) if self.conf else []
        data = read_file(self.layout.data / (named[-1][1] if named else "nodes.conf"))
        return parse_nodes_file(data.decode()) if data else ()

    def store_conf(self, conf: ConfFile) -> None:
        """Write its config file, if it says something else than before."""
        if conf != self.conf:
            write_file(self.layout.conf, conf.render())


def read_member(folder: Path) -> Member | None:
    """Look at one node's folder, None if no record says what it is."""
    # Which kind it is says the record, and the record's place does not depend on the kind.
    record = Record.read(Layout(folder, Kind.SERVER).record)
    if record is None:
        return None
    layout = Layout(folder, record.kind)
    data = read_file(layout.conf)
    return Member(
        layout,
        record,
        process.find(record, layout),
        None if data is None else ConfFile.parse(data, source=str(layout.conf)),
        datafolder.look(layout.data),
    )


def survey(group_dir: Path, owners: Collection[str]) -> Mapping[str, Member]:
    """All nodes of the group by name.

    Args:
        group_dir: the group's folder.
        owners: whose nodes may be there: this stack, under its former name too.

    Raises:
        ConfigError: a node belongs to another stack.
    """
    members = {}
    if group_dir.is_dir():
        for folder in sorted(group_dir.iterdir()):
            member = read_member(folder) if folder.is_dir() else None
            if member:
                require_owner(member.record, owners, folder)
                members[member.node] = member
    return members


def require_owner(record: Record, owners: Collection[str], folder: Path) -> None:
    """Refuse a folder of another stack.

    Raises:
        ConfigError: the record names another owner.
    """
    if record.owner not in owners:
        raise ConfigError(
            "groupDir",
            str(folder),
            f"a folder of {' or '.join(owners)}, but it belongs to {record.owner}",
            "choose another folder, or destroy that stack first",
        )


def server_states(members: Mapping[str, Member]) -> list[ServerState]:
    """The replicated servers of the group."""
    return [
        ServerState(
            member.node,
            member.record.endpoint,
            running=member.running is not None,
            holds_keys=member.data.holds_keys,
            replicaof=member.conf.replicaof if member.conf else None,
            changed=member.data.changed,
        )
        for member in members.values()
        if member.record.kind is Kind.SERVER and not member.record.clustered
    ]


def sentinel_states(members: Mapping[str, Member], access: Access) -> list[SentinelState]:
    """The Sentinels of the group; those that run are asked."""
    states = []
    for member in members.values():
        monitor = member.conf.monitor if member.conf else None
        if member.record.kind is Kind.SENTINEL and monitor:
            states.append(
                SentinelState(
                    member.node,
                    answer=_ask(member, monitor.service, access) if member.running else None,
                    filed=monitor.address,
                    config_epoch=monitor.config_epoch,
                )
            )
    return states


def _ask(member: Member, service: str, access: Access) -> Address | None:
    try:
        with connect(member.record.endpoint, access, timeout_seconds=_ASK_SECONDS) as admin:
            reply = admin.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)
    except HoldfastError:
        # Starting, frozen, or with other credentials: no answer, and no majority through it.
        return None
    return Address(reply[0], int(reply[1])) if reply else None
