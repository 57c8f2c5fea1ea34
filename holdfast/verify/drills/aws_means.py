"""The hands of a drill on a store in ElastiCache: ``TestFailover``, and what the service says.

``TestFailover`` replaces the primary of one shard as if it had failed. The service allows that for
15 shards in 24 hours (API reference of ElastiCache, TestFailover).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from holdfast.aws import api
from holdfast.aws.group import AVAILABLE, Group, GroupState
from holdfast.connection import Connection, Topology
from holdfast.errors import ConfigError
from holdfast.verify.access import Access
from holdfast.verify.drills.managed import ManagedMeans
from holdfast.verify.nodes import discover

if TYPE_CHECKING:
    from mypy_boto3_elasticache import ElastiCacheClient


class AwsMeans(ManagedMeans):
    """See :class:`ManagedMeans`.

    Args:
        client: of ElastiCache, in the store's region.
        group_id: the replication group.
        connection: the store, with the role admin.
        connect: reads its Connection again.

    Raises:
        ConfigError: it is a serverless cache, there is no such group, or it may not be asked about.
        StoreUnavailable: the service does not answer.
    """

    def __init__(
        self,
        client: ElastiCacheClient,
        group_id: str,
        connection: Connection,
        connect: Callable[[], Connection],
    ) -> None:
        if connection.topology is Topology.SERVERLESS:
            raise ConfigError(
                "connection.topology",
                connection.topology.value,
                "a replication group",
                "a serverless cache shows no servers, and the service fails none over on request",
            )
        super().__init__(connect)
        self._group = Group(client, group_id)
        self._known = connection
        self._shard = self._group.state().shards[0]

    @property
    def shard(self) -> str:
        """The first one."""
        return self._shard

    def primary(self) -> str:
        """As the service says; in cluster mode, where it does not, as the slot map has it."""
        state = self._group.state()
        if self._known.topology is Topology.REPLICATION_GROUP:
            member = state.primary(self._shard)
            return member.name if member is not None else ""
        return self._by_slots(state)

    def _by_slots(self, state: GroupState) -> str:
        members = {member.name for member in state.members if member.shard == self._shard}
        access = Access(self._known)
        try:
            primaries = discover(access).primaries
        finally:
            access.close()
        # A node's name begins with its id.
        hosts = (server.address.host.partition(".")[0] for server in primaries)
        return next((name for name in hosts if name in members), "")

    def fail_over(self) -> None:
        """``TestFailover`` of the shard."""
        self._group.test_failover(self._shard)

    def problem(self) -> str:
        """Whether a change is under way, or a shard has no primary."""
        state = self._group.state()
        if state.status != AVAILABLE:
            return f"the service calls the replication group {state.status}"
        if self._known.topology is Topology.REPLICATION_GROUP:
            leaders = [member.name for member in state.members if member.primary]
            if len(leaders) != 1:
                return f"the service names {len(leaders)} primaries: {', '.join(leaders)}"
        return ""

    def where(self) -> str:
        """Says so where the calls lead to an emulation."""
        return api.EMULATION if api.is_emulated() else ""
