"""A store without nodes: an ElastiCache serverless cache."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.aws.alarm_table import SERVERLESS_DIMENSION, serverless_alarms
from components.aws.alarms import add_alarms
from components.aws.args import ServerlessSessionStoreArgs
from components.aws.common import AwsStoreOutputs, Surroundings
from components.aws.spec import ServerlessSpec
from components.aws.store_spec import Endpoints
from holdfast.connection import Address


class ServerlessSessionStore(AwsStoreOutputs):
    """A session store in ElastiCache Serverless for Valkey, in private subnets.

    Creates the cache with both maximums, and what surrounds a store of nodes: users and their
    group, security groups, secrets, a key, alarms and their topic. The user group is its only
    guard: without it all members of the security group would be let in.

    It has no parameter group, no logs, no final snapshot, and evicts by ``volatile-lru``. Clients
    speak the cluster protocol to it; replicas answer at a port of their own. It cannot WAIT:
    ``confirm`` is refused.
    """

    cache: aws.elasticache.ServerlessCache
    """For what this component has no argument for."""

    def __init__(
        self,
        name: str,
        args: ServerlessSessionStoreArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        spec = ServerlessSpec.from_args(args)
        store = spec.store
        super().__init__("holdfast:index:ServerlessSessionStore", name, store.fixed_inputs, opts)
        around = Surroundings(name, store, args["vpc_id"], self)
        cache = self.cache = aws.elasticache.ServerlessCache(
            # AWS's name follows it: this one tells whose store it is, among many of one account.
            store.aws_name,
            description=f"Session store {store.aws_name}",
            engine="valkey",
            major_engine_version=spec.major_version,
            subnet_ids=args["subnet_ids"],
            security_group_ids=[around.gate.store.id],
            user_group_id=around.users.group.user_group_id,
            kms_key_id=around.key_arn,
            cache_usage_limits={
                "data_storage": {"maximum": spec.data_storage_gb, "unit": "GB"},
                "ecpu_per_seconds": [{"maximum": spec.ecpu_per_second}],
            },
            snapshot_retention_limit=store.snapshot_retention_days,
            daily_snapshot_time=store.snapshot_window.partition("-")[0],
            snapshot_arns_to_restores=None if store.restore_from is None else [store.restore_from],
            tags=store.tags,
            opts=pulumi.ResourceOptions.merge(
                around.child,
                pulumi.ResourceOptions(
                    protect=store.production,
                    # Only creation looks at it; a change would replace the cache.
                    ignore_changes=["snapshotArnsToRestores"],
                ),
            ),
        )
        add_alarms(
            f"{name}-alarm",
            serverless_alarms(spec.data_storage_gb, spec.ecpu_per_second),
            {SERVERLESS_DIMENSION: cache.name},
            around.topic_arn,
            store,
            around.child,
        )
        resources = {"serverless_cache_name": cache.name, "vpc_id": args["vpc_id"]}
        self._publish(store, around, cache, _endpoints(cache), resources)


def _endpoints(cache: aws.elasticache.ServerlessCache) -> pulumi.Output[Endpoints]:
    return pulumi.Output.all(cache.endpoints[0], cache.reader_endpoints[0]).apply(
        lambda known: Endpoints(
            primary=Address(known[0]["address"], int(known[0]["port"])),
            reader=Address(known[1]["address"], int(known[1]["port"])),
        )
    )
