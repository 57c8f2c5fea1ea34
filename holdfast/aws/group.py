"""What the control plane of ElastiCache says of one store, and the failover that it offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from holdfast.aws import api
from holdfast.connection import Address
from holdfast.errors import ConfigError, HoldfastError, VerificationFailed

if TYPE_CHECKING:
    from mypy_boto3_elasticache import ElastiCacheClient
    from mypy_boto3_elasticache.type_defs import NodeGroupMemberTypeDef

AVAILABLE: Final = "available"
_ACTIVE: Final = "active"
_FIELD: Final = "replication group"


@dataclass(frozen=True, slots=True)
class Member:
    """One node of a replication group.

    Attributes:
        name: its cache cluster id.
        shard: the node group that it belongs to.
        primary: whether the service calls it the primary; None in cluster mode, where it does not
            say.
        address: its own; None in cluster mode, where the slot map has it.
    """

    name: str
    shard: str
    primary: bool | None
    address: Address | None


@dataclass(frozen=True, slots=True)
class GroupState:
    """A replication group at one moment.

    Attributes:
        status: of the group; ``available`` where nothing is under way.
        fails_over: whether a replica takes over by itself.
        members: every node.
    """

    status: str
    fails_over: bool
    members: tuple[Member, ...]

    def primary(self, shard: str) -> Member | None:
        """The member of a shard that the service calls the primary; None where it says of none."""
        return next((m for m in self.members if m.shard == shard and m.primary), None)

    @property
    def shards(self) -> tuple[str, ...]:
        """The ids of its node groups."""
        return tuple(dict.fromkeys(member.shard for member in self.members))


class Group:
    """A replication group of ElastiCache.

    Args:
        client: of the API, in the group's region.
        group_id: which.
    """

    def __init__(self, client: ElastiCacheClient, group_id: str) -> None:
        self._client = client
        self.group_id = group_id

    def state(self) -> GroupState:
        """Ask.

        Raises:
            ConfigError: there is no such group, or this process may not ask.
            StoreUnavailable: the service does not answer.
        """
        try:
            answer = self._client.describe_replication_groups(ReplicationGroupId=self.group_id)
        except api.API_ERRORS as error:
            raise self._refused(error) from None
        found = answer["ReplicationGroups"][0]
        return GroupState(
            found.get("Status", ""),
            found.get("AutomaticFailover") == "enabled",
            tuple(
                _member(entry, shard.get("NodeGroupId", ""))
                for shard in found.get("NodeGroups", ())
                for entry in shard.get("NodeGroupMembers", ())
            ),
        )

    def test_failover(self, shard: str) -> None:
        """Have a shard's primary replaced by a replica; returns when the service has begun.

        Raises:
            VerificationFailed: the service does not do it now: it allows 15 in 24 hours, and
                none of a store that is being changed or has no replica.
            ConfigError, StoreUnavailable: as for :meth:`state`.
        """
        try:
            self._client.test_failover(ReplicationGroupId=self.group_id, NodeGroupId=shard)
        except api.API_ERRORS as error:
            code = api.error_code(error)
            if code and "NotFound" not in code and not code.startswith("AccessDenied"):
                message = f"TestFailover of {self.group_id}, shard {shard}: {api.told(error)}"
                raise VerificationFailed(message) from None
            raise self._refused(error) from None

    def _refused(self, error: Exception) -> HoldfastError:
        return api.refused(error, _FIELD, self.group_id, "one that this process may ask about")


def _member(entry: NodeGroupMemberTypeDef, shard: str) -> Member:
    role, endpoint = entry.get("CurrentRole"), entry.get("ReadEndpoint", {})
    host = endpoint.get("Address")
    return Member(
        entry.get("CacheClusterId", ""),
        shard,
        None if role is None else role == "primary",
        Address(host, int(endpoint.get("Port", 0))) if host else None,
    )


@dataclass(frozen=True, slots=True)
class UserLogin:
    """How the service lets a user in.

    Attributes:
        passwords: how many it takes; 0 for a login by IAM.
        active: whether every node has it as it stands there.
    """

    passwords: int
    active: bool


def user_logins(client: ElastiCacheClient, user_group_id: str) -> Mapping[str, UserLogin]:
    """The users of a group by name.

    Raises:
        ConfigError: there is no such group, or this process may not ask.
        StoreUnavailable: the service does not answer.
    """
    field, rule = "user group", "one that this process may ask about"
    try:
        groups = client.describe_user_groups(UserGroupId=user_group_id)["UserGroups"]
        if not groups:
            raise ConfigError(field, user_group_id, rule, "deploy the stack again")
        ids = set(groups[0].get("UserIds", ()))
        users = [
            user
            for page in client.get_paginator("describe_users").paginate()
            for user in page["Users"]
            if user.get("UserId") in ids
        ]
    except api.API_ERRORS as error:
        raise api.refused(error, field, user_group_id, rule) from None
    return {
        user.get("UserName", ""): UserLogin(
            user.get("Authentication", {}).get("PasswordCount", 0),
            user.get("Status") == _ACTIVE,
        )
        for user in users
    }
