"""A stack whose store is in ElastiCache, as the means of a rotation.

``pulumi up`` changes users and secrets; the provider waits until ElastiCache calls each user
active, that is, until every node has it. Clients read their secret by themselves, later.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

from holdfast.aws import api
from holdfast.aws.group import Group, user_logins
from holdfast.aws.secret_value import CURRENT, PREVIOUS, read_value, region_of, written_at
from holdfast.aws.secrets import LOOK_EVERY_SECONDS
from holdfast.connection import Address, Connection, Topology
from holdfast.errors import ConfigError
from holdfast.roles import Role
from holdfast.rotation.pulumi_stack import PulumiStack
from holdfast.rotation.settings import RotationSettings

if TYPE_CHECKING:
    from mypy_boto3_elasticache import ElastiCacheClient

DELIVERY_SECONDS: Final = LOOK_EVERY_SECONDS + 30.0
"""A client looks at its secret once a minute; the rest is for an answer that comes late."""


class AwsStack(PulumiStack):
    """Deploys as any stack, and knows how Secrets Manager hands passwords out.

    Args:
        stack: its name.
        delivery_seconds: how long a secret may take to reach clients.
        stop: see :class:`PulumiStack`.
        seconds_left: likewise.
        tick: likewise.
    """

    def __init__(
        self,
        stack: str,
        *,
        stop: threading.Event,
        seconds_left: Callable[[], float],
        tick: Callable[[], None],
        delivery_seconds: float = DELIVERY_SECONDS,
    ) -> None:
        super().__init__(stack, stop=stop, seconds_left=seconds_left, tick=tick)
        self._delivery_seconds = delivery_seconds
        self._presented: dict[Role, list[str]] = {}

    def apply(self, settings: RotationSettings) -> None:
        """Deploy; what clients were given before is remembered for the proofs that follow."""
        self._remember(self.connection())
        super().apply(settings)
        self._remember(self.connection())

    def told_at(self, role: Role) -> float | None:
        """When the role's secret was last written."""
        arn = self._secret(role)
        return None if arn is None else written_at(api.secrets_manager(region_of(arn)), arn)

    def delivery_seconds(self) -> float:
        """Until clients have looked at their secrets."""
        return self._delivery_seconds

    def accepted(self) -> Mapping[Role, int]:
        """How many passwords ElastiCache takes of each role; 0 while a change is under way."""
        known = user_logins(self._elasticache, self._resource("user_group_id"))
        found = {}
        for role, user in self.connection().users.items():
            login = known.get(user.name)
            if login is None:
                raise ConfigError(
                    f"users.{role}", user.name, "a user of the group", "deploy the stack again"
                )
            found[role] = login.passwords if login.active else 0
        return found

    def names(self) -> Sequence[Address]:
        """Every name that leads to a node: those that clients use, then each node's own."""
        connection = self.connection()
        given = (connection.primary, connection.reader, *connection.seeds)
        return tuple(
            dict.fromkeys([*(address for address in given if address), *self.node_names()])
        )

    def node_names(self) -> Sequence[Address]:
        """Each node's own name, where the service tells it."""
        if self.connection().topology is not Topology.REPLICATION_GROUP:
            return ()
        state = Group(self._elasticache, self._resource("replication_group_id")).state()
        return tuple(member.address for member in state.members if member.address is not None)

    def former_password(self, role: Role) -> str | None:
        """The password of a role before the one that its Connection has; None if nobody knows."""
        current = self.connection().users[role].password
        for password in reversed(self._presented.get(role, [])):
            if password != current:
                return password
        arn = self._secret(role)
        if arn is None:
            return None
        client = api.secrets_manager(region_of(arn))
        for stage in (CURRENT, PREVIOUS):
            try:
                found = read_value(client, arn, stage=stage).password
            except ConfigError:
                # A secret that was written once has no version before.
                continue
            if found not in (None, current):
                return found
        return None

    def _remember(self, connection: Connection) -> None:
        for role, user in connection.users.items():
            known = self._presented.setdefault(role, [])
            if user.password is not None and user.password not in known[-1:]:
                known.append(user.password)

    def _secret(self, role: Role) -> str | None:
        arn = dict(self._output("connection_secrets")).get(role.value)
        return None if arn is None else str(arn)

    def _resource(self, name: str) -> str:
        made = dict(self._output("resources"))
        if name not in made:
            raise ConfigError(
                "--stack", self._stack, f"an output resources with {name}", "deploy it again"
            )
        return str(made[name])

    @cached_property
    def _elasticache(self) -> ElastiCacheClient:
        return api.elasticache(self._resource("region"))
