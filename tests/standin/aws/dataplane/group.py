"""A replication group without cluster mode: one primary whose name moves, and its replicas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from tests.standin.aws.dataplane.api import GroupEndpoints
from tests.standin.aws.dataplane.following import best, wait_in_step
from tests.standin.aws.dataplane.process import Place, Server, until
from tests.standin.aws.dataplane.store import Store

_FAILOVER_MS: Final = 20_000


class ReplicationGroup(Store):
    """See the module. ``endpoints`` is what the control plane tells of it."""

    endpoints: GroupEndpoints

    def create(self, places: Sequence[Place], data: Path | None) -> None:
        """Start the primary, with data where there is some, then its replicas."""
        for place in places:
            server = self.add(place)
            first = place.shard not in self.primaries
            self.start(server, data=data / f"{place.shard}.rdb" if data and first else None)
            self.primaries.setdefault(place.shard, server)
        for shard in self.primaries:
            for replica in self.replicas(shard):
                self.rejoin(replica)
        self.publish()

    def names(self) -> Iterable[str]:
        """Primary, reader, and each node."""
        for endpoint in (self.endpoints.primary, self.endpoints.reader):
            if endpoint is not None:
                yield endpoint.host
        yield from (server.place.name for server in self.servers.values())

    def publish(self) -> None:
        """The primary's name stands for the primary, the reader's for every replica that runs."""
        names = {server.place.name: [server.place.address] for server in self.servers.values()}
        for shard, primary in self.primaries.items():
            address = primary.place.address
            readers = [replica.place.address for replica in self.replicas(shard)]
            if self.endpoints.primary is not None:
                names[self.endpoints.primary.host] = [address]
            if self.endpoints.reader is not None:
                # Without replicas the reader endpoint leads to the primary, as on AWS.
                names[self.endpoints.reader.host] = readers or [address]
        self.shared.names.change(names)

    def hand_over(self, old: Server, new: Server) -> None:
        """The server's own coordinated failover; it takes a second at most."""
        old.call("FAILOVER", "TO", new.place.address, new.place.port, "TIMEOUT", _FAILOVER_MS)
        until(f"{new.place.member_id} to be the primary", new.is_primary)
        self._promoted(old.place.shard, new)

    def take_over(self, shard: str) -> Server:
        """The replica that has most of the stream."""
        new = best([replica for replica in self.replicas(shard) if replica.responds()])
        new.call("REPLICAOF", "NO", "ONE")
        self._promoted(shard, new)
        return new

    def rejoin(self, server: Server) -> None:
        """Follow the primary and wait until everything is there."""
        self._follow(server)
        wait_in_step(server)

    def reconcile(self, server: Server) -> None:
        """Every node but the primary follows the primary."""
        primary = self.primaries[server.place.shard]
        role = server.call("ROLE")
        if server is not primary and role[:2] != ["slave", primary.place.address]:
            self._follow(server)
            self.publish()

    def resize(self, places: Sequence[Place]) -> None:
        """Exactly these nodes: start what is missing, remove what is too much."""
        wanted = {place.member_id for place in places}
        for place in places:
            if place.member_id not in self.servers:
                server = self.add(place)
                self.start(server)
                self.rejoin(server)
        gone = [server for server in self.servers.values() if server.place.member_id not in wanted]
        for shard, primary in list(self.primaries.items()):
            if primary in gone:
                stays = [server for server in self.replicas(shard) if server not in gone]
                self._hand_to(shard, stays)
        for server in gone:
            self.remove(server)
            self.shared.names.change({}, gone=[server.place.name])
        self.publish()

    def _hand_to(self, shard: str, stays: Sequence[Server]) -> None:
        while self.primaries[shard] not in stays:
            self.fail_over(shard)

    def _promoted(self, shard: str, new: Server) -> None:
        self.primaries[shard] = new
        # The name first: it is what clients wait for.
        self.publish()
        others = [replica for replica in self.replicas(shard) if replica.responds()]
        for replica in others:
            self._follow(replica)
        for replica in others:
            wait_in_step(replica)

    def _follow(self, server: Server) -> None:
        primary = self.primaries[server.place.shard].place
        server.call("REPLICAOF", primary.address, primary.port)
