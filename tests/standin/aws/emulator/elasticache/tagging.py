"""Tags of everything that has an ARN."""

from __future__ import annotations

from typing import Final

from tests.standin.aws.emulator.elasticache.control import Control, Params, Result
from tests.standin.aws.emulator.elasticache.faults import fault, invalid

_MOST: Final = 50
_LONGEST_KEY, _LONGEST_VALUE = 128, 256
_NOT_FOUND: Final = {
    "cluster": "CacheClusterNotFoundFault",
    "replicationgroup": "ReplicationGroupNotFoundFault",
    "snapshot": "SnapshotNotFoundFault",
    "subnetgroup": "CacheSubnetGroupNotFoundFault",
    "parametergroup": "CacheParameterGroupNotFoundFault",
    "user": "UserNotFoundFault",
    "usergroup": "UserGroupNotFoundFault",
    "serverlesscache": "ServerlessCacheNotFoundFault",
    "serverlesscachesnapshot": "ServerlessCacheSnapshotNotFoundFault",
}


def set_tags(control: Control, arn: str, params: Params) -> None:
    """Keep the tags of a request that creates something."""
    _put(control, arn, params)


def add_tags_to_resource(control: Control, params: Params) -> Result:
    """``AddTagsToResource``."""
    arn = _known(control, params["ResourceName"])
    _put(control, arn, params)
    return _listed(control, arn)


def remove_tags_from_resource(control: Control, params: Params) -> Result:
    """``RemoveTagsFromResource``."""
    arn = _known(control, params["ResourceName"])
    kept = control.tags.get(arn, {})
    for key in params["TagKeys"]:
        if key not in kept:
            raise fault("TagNotFoundFault", f"{key} is not a tag of {arn}.")
        del kept[key]
    return _listed(control, arn)


def list_tags_for_resource(control: Control, params: Params) -> Result:
    """``ListTagsForResource``."""
    return _listed(control, _known(control, params["ResourceName"]))


def _put(control: Control, arn: str, params: Params) -> None:
    given = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags") or ()}
    for key, value in given.items():
        if not 1 <= len(key) <= _LONGEST_KEY or key.lower().startswith("aws:"):
            raise invalid(f"A tag's key has 1 to {_LONGEST_KEY} characters, not aws: first: {key}.")
        if len(value) > _LONGEST_VALUE:
            raise invalid(f"A tag's value has at most {_LONGEST_VALUE} characters: {key}.")
    merged = control.tags.get(arn, {}) | given
    if len(merged) > _MOST:
        raise fault("TagQuotaPerResourceExceeded", f"{arn} would have more than {_MOST} tags.")
    control.tags[arn] = merged


def _listed(control: Control, arn: str) -> Result:
    return {"TagList": [{"Key": k, "Value": v} for k, v in control.tags.get(arn, {}).items()]}


def _known(control: Control, arn: str) -> str:
    parts = arn.split(":")
    if len(parts) < 7 or parts[2] != "elasticache" or parts[5] not in _NOT_FOUND:
        raise fault("InvalidARNFault", f"ARN {arn} is invalid.")
    kind, name = parts[5], ":".join(parts[6:])
    places: dict[str, object] = {
        "replicationgroup": control.groups,
        "snapshot": control.snapshots,
        "subnetgroup": control.subnet_groups,
        "parametergroup": control.parameter_groups,
        "user": control.users,
        "usergroup": control.user_groups,
        "serverlesscache": control.serverless,
        "serverlesscachesnapshot": control.serverless_snapshots,
        "cluster": [member for group in control.groups.values() for member in group.members],
    }
    there = places[kind]
    if isinstance(there, dict | list) and name not in there:
        raise fault(_NOT_FOUND[kind], f"{name} not found.")
    return arn
