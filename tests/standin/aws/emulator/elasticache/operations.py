"""Every operation that is answered here, by its name in the service's model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from tests.standin.aws.emulator.elasticache import (
    events,
    group_changes,
    group_show,
    groups,
    network,
    parameter_groups,
    scaling,
    serverless,
    serverless_snapshots,
    snapshots,
    tagging,
    user_groups,
    users,
    versions,
)
from tests.standin.aws.emulator.elasticache.control import Control, Params, Result

Handler = Callable[[Control, Params], Result]


def _model_name(handler: Handler) -> str:
    words = handler.__name__.split("_")
    return "".join(word.capitalize() for word in words)


OPERATIONS: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        _model_name(handler): handler
        for handler in (
            users.create_user,
            users.modify_user,
            users.delete_user,
            users.describe_users,
            user_groups.create_user_group,
            user_groups.modify_user_group,
            user_groups.delete_user_group,
            user_groups.describe_user_groups,
            network.create_cache_subnet_group,
            network.modify_cache_subnet_group,
            network.delete_cache_subnet_group,
            network.describe_cache_subnet_groups,
            parameter_groups.create_cache_parameter_group,
            parameter_groups.modify_cache_parameter_group,
            parameter_groups.reset_cache_parameter_group,
            parameter_groups.delete_cache_parameter_group,
            parameter_groups.describe_cache_parameter_groups,
            parameter_groups.describe_cache_parameters,
            parameter_groups.describe_engine_default_parameters,
            groups.create_replication_group,
            groups.describe_replication_groups,
            groups.delete_replication_group,
            group_changes.modify_replication_group,
            group_show.describe_cache_clusters,
            scaling.increase_replica_count,
            scaling.decrease_replica_count,
            scaling.modify_replication_group_shard_configuration,
            scaling.test_failover,
            scaling.list_allowed_node_type_modifications,
            serverless.create_serverless_cache,
            serverless.modify_serverless_cache,
            serverless.delete_serverless_cache,
            serverless.describe_serverless_caches,
            serverless_snapshots.create_serverless_cache_snapshot,
            serverless_snapshots.describe_serverless_cache_snapshots,
            serverless_snapshots.delete_serverless_cache_snapshot,
            snapshots.create_snapshot,
            snapshots.describe_snapshots,
            snapshots.delete_snapshot,
            tagging.add_tags_to_resource,
            tagging.remove_tags_from_resource,
            tagging.list_tags_for_resource,
            events.describe_events,
            versions.describe_cache_engine_versions,
            versions.describe_update_actions,
        )
    }
)
