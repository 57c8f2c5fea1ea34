"""Finding stores, and refusing what their state forbids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.standin.aws.emulator.elasticache.control import Control
from tests.standin.aws.emulator.elasticache.faults import fault
from tests.standin.aws.emulator.elasticache.state import Group, Serverless

KIND: Final = "replication-group"
SERVERLESS_KIND: Final = "serverless-cache"


def find(control: Control, group_id: str) -> Group:
    """A replication group by id. Raises ReplicationGroupNotFoundFault."""
    group = control.groups.get(group_id.lower())
    if group is None:
        message = f"Replication group {group_id} not found."
        raise fault("ReplicationGroupNotFoundFault", message)
    return group


def require(group: Group, statuses: Sequence[str] = ("available",)) -> None:
    """Refuse what a group in another state does not take."""
    if group.status not in statuses:
        message = (
            f"Replication group {group.group_id} has status {group.status}; "
            f"this needs {' or '.join(statuses)}."
        )
        raise fault("InvalidReplicationGroupStateFault", message)


def look(control: Control, group: Group) -> None:
    """Ask the servers which node is the primary: one may have failed over by itself."""
    if group.status == "available":
        group.primaries = dict(control.plane.primaries(group.group_id))


def find_serverless(control: Control, name: str) -> Serverless:
    """A serverless cache by name. Raises ServerlessCacheNotFoundFault."""
    cache = control.serverless.get(name.lower())
    if cache is None:
        raise fault("ServerlessCacheNotFoundFault", f"Serverless cache {name} not found.")
    return cache


def require_serverless(cache: Serverless, statuses: tuple[str, ...] = ("available",)) -> None:
    """Refuse what a cache in another state does not take."""
    if cache.status not in statuses:
        message = f"Serverless cache {cache.name} has status {cache.status}."
        raise fault("InvalidServerlessCacheStateFault", message)
