"""A group in cluster mode, and a serverless cache: a real cluster that announces names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import hiredis

from tests.standin.aws.dataplane.api import DataPlaneError, Endpoint
from tests.standin.aws.dataplane.following import best, wait_in_step
from tests.standin.aws.dataplane.names import BUS_OFFSET
from tests.standin.aws.dataplane.process import Place, Server, pairs, until
from tests.standin.aws.dataplane.slots import SLOTS, even_shares, missing_ranges, moves, own_ranges
from tests.standin.aws.dataplane.store import Store

_MIGRATION_SECONDS: Final = 120.0
_RUNNING_STATES: Final = frozenset({"success", "failed", "canceled", "cancelled"})


class ClusterGroup(Store):
    """See the module.

    Attributes:
        configuration: a name that stands for every node.
        primary_alias: names that stand for the first shard's primary (compatible mode, serverless).
        reader_alias: the same for its replicas.
    """

    configuration: Endpoint | None = None
    primary_alias: Endpoint | None = None
    reader_alias: Endpoint | None = None

    def create(self, places: Sequence[Place], data: Path | None) -> None:
        """Start all nodes, spread the slots, let them meet, and wait until all is served."""
        for place in places:
            server = self.add(place)
            first = place.shard not in self.primaries
            self.start(server, data=data / f"{place.shard}.rdb" if data and first else None)
            self.primaries.setdefault(place.shard, server)
        for index, (shard, share) in enumerate(even_shares(sorted(self.primaries)).items()):
            primary = self.primaries[shard]
            primary.call("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
            # A server that came up with data has taken the slots of its keys.
            held = own_ranges(str(primary.call("CLUSTER", "NODES")))
            for start, end in missing_ranges(share, held):
                primary.call("CLUSTER", "ADDSLOTSRANGE", start, end)
        first_one = next(iter(self.servers.values()))
        for server in list(self.servers.values())[1:]:
            self._meet(first_one, server)
        self._wait_known()
        for shard in self.primaries:
            for replica in self.replicas(shard):
                self._replicate(replica)
        self._wait_whole()
        self.publish()

    def names(self) -> Iterable[str]:
        """The endpoints and each node."""
        for endpoint in (self.configuration, self.primary_alias, self.reader_alias):
            if endpoint is not None:
                yield endpoint.host
        yield from {server.place.name for server in self.servers.values()}

    def publish(self) -> None:
        """The configuration endpoint stands for every node that runs."""
        names = {server.place.name: [server.place.address] for server in self.servers.values()}
        if self.configuration is not None:
            running = [server for server in self.servers.values() if server.running]
            names[self.configuration.host] = [server.place.address for server in running]
        first = min(self.primaries)
        readers = [replica.place.address for replica in self.replicas(first)]
        if self.reader_alias is not None:
            names[self.reader_alias.host] = readers or [self.primaries[first].place.address]
        if self.primary_alias is not None:
            names[self.primary_alias.host] = [self.primaries[first].place.address]
        self.shared.names.change(names)

    def hand_over(self, old: Server, new: Server) -> None:
        """The cluster's own manual failover."""
        new.call("CLUSTER", "FAILOVER")
        self._promoted(old.place.shard, new)

    def take_over(self, shard: str) -> Server:
        """The replica that has most of the stream, without a vote."""
        new = best([replica for replica in self.replicas(shard) if replica.responds()])
        new.call("CLUSTER", "FAILOVER", "TAKEOVER")
        return self._promoted(shard, new)

    def rejoin(self, server: Server) -> None:
        """Its ``nodes.conf`` tells it who the others are; they tell it who is primary now."""
        until(
            f"{server.place.member_id} to be a replica again",
            lambda: not server.is_primary() and server.in_step(),
        )
        self._wait_whole()

    def reconcile(self, server: Server) -> None:
        """The cluster does that by itself."""

    def resize(self, places: Sequence[Place]) -> None:
        """Exactly these nodes: new ones join, slots are spread anew, others leave."""
        wanted = {place.member_id for place in places}
        member = next(iter(self.servers.values()))
        fresh = [place for place in places if place.member_id not in self.servers]
        for place in fresh:
            server = self.add(place)
            self.start(server)
            self._meet(member, server)
            self.primaries.setdefault(place.shard, server)
        if fresh:
            self._wait_known()
        for place in fresh:
            if self.primaries[place.shard].place != place:
                self._replicate(self.servers[place.member_id])
        shards = sorted({place.shard for place in places})
        self._spread(shards)
        gone = [server for server in self.servers.values() if server.place.member_id not in wanted]
        for shard in shards:
            while self.primaries[shard] in gone:
                self.fail_over(shard)
        self._leave(gone)
        for shard in set(self.primaries) - set(shards):
            del self.primaries[shard]
        self._wait_whole()
        self.publish()

    def _promoted(self, shard: str, new: Server) -> Server:
        until(f"{new.place.member_id} to be the primary", new.is_primary)
        self.primaries[shard] = new
        self.publish()
        for replica in self.replicas(shard):
            if replica.responds():
                wait_in_step(replica)
        return new

    def _meet(self, member: Server, server: Server) -> None:
        place = server.place
        member.call("CLUSTER", "MEET", place.address, place.port, place.port + BUS_OFFSET)

    def _replicate(self, replica: Server) -> None:
        primary = self.primaries[replica.place.shard]
        replica.call("CLUSTER", "REPLICATE", _id(primary))
        wait_in_step(replica)

    def _wait_known(self) -> None:
        # By id: one that has only been met goes by a random one for a moment.
        ids = {_id(server) for server in self.servers.values()}

        def knows(server: Server) -> bool:
            lines = str(server.call("CLUSTER", "NODES")).splitlines()
            return {line.partition(" ")[0] for line in lines} == ids

        for server in self.servers.values():
            until(f"{server.place.member_id} to know the others", partial(knows, server))

    def _wait_whole(self) -> None:
        def whole(server: Server) -> bool:
            info = pairs(server.call("CLUSTER", "INFO"))
            return info["cluster_state"] == "ok" and info["cluster_slots_assigned"] == str(SLOTS)

        for server in self.servers.values():
            if server.running:
                until(f"{server.place.member_id} to see all slots served", partial(whole, server))

    def _spread(self, shards: Sequence[str]) -> None:
        held = {
            shard: own_ranges(str(primary.call("CLUSTER", "NODES")))
            for shard, primary in self.primaries.items()
        }
        for source, target, ranges in moves(held, even_shares(shards)):
            self._move(self.primaries[source], self.primaries[target], ranges)

    def _move(self, source: Server, target: Server, ranges: Sequence[tuple[int, int]]) -> None:
        words: list[str | int] = [word for pair in ranges for word in pair]
        try:
            source.call("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", *words, "NODE", _id(target))
        except hiredis.ReplyError as error:
            message = f"{self.store_id}: servers before 9.0 move no slots here: {error}"
            raise DataPlaneError(message) from error

        def moved() -> bool:
            states = [_fields(job)["state"] for job in source.call("CLUSTER", "GETSLOTMIGRATIONS")]
            if "failed" in states:
                message = f"{self.store_id}: moving slots failed"
                raise DataPlaneError(message)
            return all(state in _RUNNING_STATES for state in states)

        until("slots to be moved", moved, seconds=_MIGRATION_SECONDS)

    def _leave(self, gone: Sequence[Server]) -> None:
        ids = [_id(server) for server in gone]
        for server in gone:
            self.remove(server)
            self.shared.names.change({}, gone=[server.place.name])
        for server in self.servers.values():
            for node_id in ids:
                server.call("CLUSTER", "FORGET", node_id)


class ServerlessCache(ClusterGroup):
    """One shard behind one name: its primary keeps the first port, its replica the second."""

    def recover(self, server: Server) -> None:
        """As everywhere; then the primary goes back to its port."""
        super().recover(server)
        for shard, primary in list(self.primaries.items()):
            if primary is not self.in_shard(shard)[0]:
                self.fail_over(shard)


def _id(server: Server) -> str:
    return str(server.call("CLUSTER", "MYID"))


def _fields(job: Mapping[str, str] | Sequence[str]) -> dict[str, str]:
    if isinstance(job, Mapping):
        return dict(job)
    return {str(key): str(value) for key, value in zip(job[::2], job[1::2], strict=True)}
