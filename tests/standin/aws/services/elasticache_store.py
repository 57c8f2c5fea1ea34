"""ElastiCache's replication groups: the store itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from holdfast.errors import ConfigError
from provider.diffs import DiffResult, PropertyChange
from provider.resource import Context, Stored
from provider.values import Properties, is_known
from tests.standin.aws.base import Change
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.names import NameRule
from tests.standin.aws.services import elasticache_changes as changes
from tests.standin.aws.services.ec2 import first
from tests.standin.aws.services.elasticache import AwaitedResource
from tests.standin.aws.services.elasticache_show import shown
from tests.standin.aws.services.elasticache_users import engine_rule
from tests.standin.aws.shape import Shape, names
from tests.standin.aws.waiting import found_or_none, gone_is_fine, retried

_BUSY_SECONDS: Final = 600.0
_GONE: Final = "ReplicationGroupNotFound"
_BUSY: Final = ("InvalidReplicationGroupState",)
_VERSION: Final = re.compile(r"[7-9]\.\d+")
_LEAST_FAILOVER: Final = 2
_COUNTS: Final = names("numCacheClusters numNodeGroups replicasPerNodeGroup")
_TLS_IN_PLACE: Final = (7, 0, 5)


class ReplicationGroup(AwaitedResource):
    """``aws.elasticache.ReplicationGroup``: waits until it is available after every step."""

    busy = ("creating", "modifying", "snapshotting")
    leaving = ("creating", "available", "deleting", "modifying", "snapshotting")
    create_seconds = 3600.0
    update_seconds = 2400.0
    delete_seconds = 2700.0
    secret_outputs = names("authToken")
    shape = Shape(
        token="aws:elasticache/replicationGroup:ReplicationGroup",
        label="ElastiCache Replication Group",
        inputs=frozenset(changes.CREATE)
        | names("applyImmediately finalSnapshotIdentifier")
        | names("authTokenUpdateStrategy logDeliveryConfigurations"),
        required=names("description"),
        replace_on=names(
            "atRestEncryptionEnabled dataTieringEnabled kmsKeyId networkType port snapshotArns "
            "snapshotName subnetGroupName"
        ),
        kept=names(
            "applyImmediately atRestEncryptionEnabled autoMinorVersionUpgrade clusterMode "
            "dataTieringEnabled durability engine engineVersion ipDiscovery maintenanceWindow "
            "networkType nodeType parameterGroupName port securityGroupIds snapshotWindow "
            "subnetGroupName transitEncryptionEnabled transitEncryptionMode"
        )
        | _COUNTS,
        ours=names(
            "applyImmediately authToken authTokenUpdateStrategy finalSnapshotIdentifier "
            "preferredCacheClusterAzs snapshotArns snapshotName"
        ),
        computed=names(
            "arn clusterEnabled configurationEndpointAddress engineVersionActual memberClusters "
            "primaryEndpointAddress readerEndpointAddress"
        ),
        defaults={"automaticFailoverEnabled": False, "multiAzEnabled": False},
        sets=names(
            "logDeliveryConfigurations memberClusters securityGroupIds snapshotArns userGroupIds"
        ),
        caseless=names("maintenanceWindow replicationGroupId"),
        conflicts=(
            ("authToken", "userGroupIds"),
            ("numCacheClusters", "numNodeGroups"),
            ("numCacheClusters", "replicasPerNodeGroup"),
        ),
        name=NameRule("replicationGroupId", limit=40, lower=True),
    )

    def rules(self, inputs: Properties) -> Mapping[str, str]:
        broken = engine_rule(inputs)
        version = inputs.get("engineVersion")
        valkey = str(inputs.get("engine")).lower() == "valkey"
        if valkey and isinstance(version, str) and not _VERSION.fullmatch(version):
            rule = "<major>.<minor>, of 7 and later"
            error = ConfigError("engineVersion", version, rule, "such as 8.1")
            broken["engineVersion"] = str(error)
        failover = inputs["automaticFailoverEnabled"]
        if inputs["multiAzEnabled"] is True and failover is False:
            broken["automaticFailoverEnabled"] = (
                "automatic_failover_enabled must be true if multi_az_enabled is true"
            )
        nodes = inputs.get("numCacheClusters")
        if failover is True and isinstance(nodes, int) and nodes < _LEAST_FAILOVER:
            broken["numCacheClusters"] = (
                '"num_cache_clusters": must be at least 2 if automatic_failover_enabled is true'
            )
        return broken

    def diff(self, stored: Stored, inputs: Properties, context: Context) -> DiffResult:
        result = super().diff(stored, inputs, context)
        found = dict(result.changes)
        for name in ("engine", "engineVersion", "transitEncryptionEnabled"):
            if name in found and _needs_another(name, stored.outputs, inputs):
                found[name] = PropertyChange(found[name].kind.replacing, found[name].is_input)
        moving: frozenset[str] = frozenset()
        if found.keys() & _COUNTS:
            moving |= {"memberClusters"}
        if found.keys() & {"engineVersion", "engine"}:
            moving |= {"engineVersionActual"}
        return DiffResult(found, result.stables - moving, result.delete_before_replace)

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        made = api.create_replication_group(**changes.creation(inputs), **self.tags_for(inputs))
        return str(made["ReplicationGroup"]["ReplicationGroupId"])

    def describe(self, api: Api, id: str) -> Answer:
        call = {"ReplicationGroupId": id}
        answer = found_or_none(lambda: api.describe_replication_groups(**call), _GONE)
        return first(answer, "ReplicationGroups")

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        group = self.describe(api, id)
        if group is None or group.get("Status") == "deleting":
            return None
        member = group["NodeGroups"][0]["NodeGroupMembers"][0]["CacheClusterId"]
        clusters = api.describe_cache_clusters(CacheClusterId=member, ShowCacheNodeInfo=True)
        found = shown(group, clusters["CacheClusters"][0], known)
        return {**found, "tagsAll": self.tags_of(api, group["ARN"])}

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        for step in changes.steps(id, change, lambda: self.describe(api, id)):
            # Tagging, or somebody else, may have made it busy.
            self.until_ready(api, id, context, "to become available")
            step.run(api)
            self.until_ready(api, id, context)

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        final = known.get("finalSnapshotIdentifier")
        more = {"FinalSnapshotIdentifier": final} if final else {}

        def delete() -> bool:
            return gone_is_fine(
                lambda: api.delete_replication_group(ReplicationGroupId=id, **more), _GONE
            )

        if retried(context, delete, _BUSY, seconds=_BUSY_SECONDS):
            self.until_gone(api, id, context)


def _needs_another(name: str, old: Properties, new: Properties) -> bool:
    was, wanted = old.get(name), new.get(name)
    if not is_known(wanted) or was is None or wanted is None:
        return False
    if name == "engine":
        return str(was).lower() == "valkey" and str(wanted).lower() == "redis"
    if name == "engineVersion":
        # redis 7 to valkey 7.2 is a step up whatever the numbers say.
        same = str(old.get("engine")).lower() == str(new.get("engine", old.get("engine"))).lower()
        return same and _numbers(str(wanted)) < _numbers(str(was))
    return _numbers(str(old.get("engineVersionActual") or "0")) < _TLS_IN_PLACE


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
