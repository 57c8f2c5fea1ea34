"""Numbers of replicas and shards, and the failover that one can ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tests.standin.aws.dataplane.api import ClusterMode, GroupChange
from tests.standin.aws.emulator.elasticache import group_rules, groups, lookup, names
from tests.standin.aws.emulator.elasticache.control import Control, Params, Result
from tests.standin.aws.emulator.elasticache.faults import conflicting, fault, invalid
from tests.standin.aws.emulator.elasticache.group_show import show
from tests.standin.aws.emulator.elasticache.state import Group
from tests.standin.aws.emulator.elasticache.versions import NODE_TYPES

_MEMBER: Final = "cache-cluster"

Ids = dict[str, tuple[str, ...]]


def increase_replica_count(control: Control, params: Params) -> Result:
    """``IncreaseReplicaCount``, the same number for every shard."""
    group, count = _asked(control, params)
    if count <= _replicas(group):
        raise fault("NoOperationFault", f"{group.group_id} has {_replicas(group)} replicas.")
    ids = {
        shard: members + _new_members(group, shard, members, count + 1 - len(members))
        for shard, members in group.ids.items()
    }
    group_rules.check_node_count(sum(len(members) for members in ids.values()))
    return _resize(control, group, ids, f"Replica count becomes {count}")


def decrease_replica_count(control: Control, params: Params) -> Result:
    """``DecreaseReplicaCount``: replicas go, never a primary."""
    group, count = _asked(control, params, removing=True)
    if count >= _replicas(group):
        raise fault("NoOperationFault", f"{group.group_id} has {_replicas(group)} replicas.")
    if group.cluster_mode is not ClusterMode.ENABLED and count == 0 and group.automatic_failover:
        raise conflicting("Turn automatic failover off before the last replica goes.")
    if group.multi_az and count == 0:
        raise conflicting("Turn Multi-AZ off before the last replica goes.")
    lookup.look(control, group)
    named = set(params.get("ReplicasToRemove") or ())
    ids: Ids = {}
    for shard, members in group.ids.items():
        replicas = [name for name in members if name != group.primaries[shard]]
        going = [name for name in replicas if name in named] or replicas[count:]
        if len(going) != len(replicas) - count:
            raise invalid(f"ReplicasToRemove does not leave {count} replicas in shard {shard}.")
        ids[shard] = tuple(name for name in members if name not in going)
    if named - {name for members in group.ids.values() for name in members}:
        raise invalid("ReplicasToRemove names a node that is not in the group.")
    return _resize(control, group, ids, f"Replica count becomes {count}")


def modify_replication_group_shard_configuration(control: Control, params: Params) -> Result:
    """``ModifyReplicationGroupShardConfiguration``: more shards or fewer."""
    group = lookup.find(control, params["ReplicationGroupId"])
    lookup.require(group)
    if group.cluster_mode is not ClusterMode.ENABLED:
        raise conflicting("Shards are of cluster mode enabled.")
    if not params["ApplyImmediately"]:
        raise invalid("ApplyImmediately must be true.")
    count = names.between("NodeGroupCount", params["NodeGroupCount"], 1, group_rules.MOST_SHARDS)
    shards = sorted(group.ids)
    removing = list(params.get("NodeGroupsToRemove") or ())
    retaining = list(params.get("NodeGroupsToRetain") or ())
    for shard in [*removing, *retaining]:
        if shard not in group.ids:
            raise fault("NodeGroupNotFoundFault", f"There is no shard {shard}.")
    if count < len(shards) and not removing and not retaining:
        raise conflicting("Fewer shards need NodeGroupsToRemove or NodeGroupsToRetain.")
    kept = retaining or [shard for shard in shards if shard not in removing]
    if count < len(shards) and len(kept) != count:
        raise invalid(f"That leaves {len(kept)} shards, not {count}.")
    ids: Ids = {shard: group.ids[shard] for shard in (kept if count < len(shards) else shards)}
    number = int(shards[-1])
    while len(ids) < count:
        number += 1
        shard = f"{number:04d}"
        ids[shard] = tuple(
            f"{group.group_id}-{shard}-{node:03d}" for node in range(1, _replicas(group) + 2)
        )
    group_rules.check_node_count(sum(len(members) for members in ids.values()))
    return _resize(control, group, ids, f"Shard count becomes {count}")


def test_failover(control: Control, params: Params) -> Result:
    """``TestFailover``: a replica of the shard takes over, and the primary's name follows."""
    group = lookup.find(control, params["ReplicationGroupId"])
    lookup.require(group)
    shard = params["NodeGroupId"]
    if shard not in group.ids:
        raise fault("NodeGroupNotFoundFault", f"There is no shard {shard} in {group.group_id}.")
    if not group.automatic_failover or len(group.ids[shard]) < 2:
        message = "It needs automatic failover and a replica in the shard."
        raise fault("TestFailoverNotAvailableFault", message)
    lookup.look(control, group)
    before = group.primaries[shard]
    group.status = "modifying"
    control.note(group.group_id, lookup.KIND, f"Test Failover API called for node group {shard}")
    found: dict[str, str] = {}

    def work() -> None:
        found["primary"] = control.plane.test_failover(group.group_id, shard)

    def done() -> None:
        group.primaries[shard] = found["primary"]
        group.status = "available"
        message = (
            f"Failover from primary node {before} to replica node {found['primary']} completed"
        )
        control.note(found["primary"], _MEMBER, message)
        control.note(before, _MEMBER, f"Finished recovery for cache nodes {before}")

    _change(control, group, f"fail {shard} of {group.group_id} over", work, done)
    return {"ReplicationGroup": show(control, group)}


def list_allowed_node_type_modifications(control: Control, params: Params) -> Result:
    """``ListAllowedNodeTypeModifications``: every other type of the table."""
    group_id = params.get("ReplicationGroupId")
    if group_id is None:
        raise conflicting("Give ReplicationGroupId: there are no single clusters here.")
    current = NODE_TYPES[lookup.find(control, group_id).node_type]
    return {
        "ScaleUpModifications": [name for name, size in NODE_TYPES.items() if size > current],
        "ScaleDownModifications": [name for name, size in NODE_TYPES.items() if size < current],
    }


def _asked(control: Control, params: Params, *, removing: bool = False) -> tuple[Group, int]:
    group = lookup.find(control, params["ReplicationGroupId"])
    lookup.require(group)
    if not params["ApplyImmediately"]:
        raise invalid("ApplyImmediately must be true.")
    count = params.get("NewReplicaCount")
    if params.get("ReplicaConfiguration"):
        raise invalid("The emulator does not offer ReplicaConfiguration: use NewReplicaCount.")
    if count is None:
        named = params.get("ReplicasToRemove") or ()
        if not removing or not named:
            raise conflicting("Give NewReplicaCount.")
        count = _replicas(group) - len(named)
    return group, names.between("NewReplicaCount", count, 0, group_rules.MOST_REPLICAS)


def _replicas(group: Group) -> int:
    return max(len(members) for members in group.ids.values()) - 1


def _new_members(group: Group, shard: str, members: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Names that no member of the shard has or had below its highest number."""
    stem = members[0].rpartition("-")[0]
    highest = max(int(name.rpartition("-")[2]) for name in members)
    return tuple(f"{stem}-{highest + step:03d}" for step in range(1, count + 1))


def _resize(
    control: Control, group: Group, ids: Mapping[str, tuple[str, ...]], note: str
) -> Result:
    group.status = "modifying"
    shown = show(control, group)
    wanted = dict(ids)

    def work() -> None:
        endpoints = control.plane.modify_group(group.group_id, GroupChange(member_ids=wanted))
        primaries = dict(control.plane.primaries(group.group_id))
        with control.lock:
            zones = groups.zones(control, wanted, group.subnet_group, [])
            group.zones = {name: group.zones.get(name, zone) for name, zone in zones.items()}
            group.ids, group.endpoints, group.primaries = wanted, endpoints, primaries
            group.choose_snapshotting(None)

    def done() -> None:
        group.status = "available"
        control.note(group.group_id, lookup.KIND, note)

    _change(control, group, f"resize {group.group_id}", work, done)
    return {"ReplicationGroup": shown}


def _change(
    control: Control,
    group: Group,
    what: str,
    work: Callable[[], None],
    done: Callable[[], None],
) -> None:
    control.later(
        what,
        stores=[f"group/{group.group_id}"],
        work=work,
        done=done,
        # It stays in `modifying`, which nobody can take for done.
        failed=lambda: control.note(group.group_id, lookup.KIND, f"Could not {what}"),
    )
