"""Parameter groups: ``CreateCacheParameterGroup`` and its kin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.standin.aws.dataplane.api import GroupChange
from tests.standin.aws.emulator.elasticache import names, tagging
from tests.standin.aws.emulator.elasticache.control import Control, Params, Result, page
from tests.standin.aws.emulator.elasticache.faults import conflicting, fault, invalid
from tests.standin.aws.emulator.elasticache.parameter_table import Parameter, parameters
from tests.standin.aws.emulator.elasticache.state import ParameterGroup
from tests.standin.aws.emulator.elasticache.versions import FAMILIES, family_of

_MOST_PER_CALL: Final = 20
_CLUSTER: Final = "cluster-enabled"


def create_cache_parameter_group(control: Control, params: Params) -> Result:
    """``CreateCacheParameterGroup``."""
    name = names.group_name("CacheParameterGroupName", params["CacheParameterGroupName"])
    family = names.one_of(
        "CacheParameterGroupFamily", params["CacheParameterGroupFamily"], FAMILIES
    )
    if name in control.parameter_groups:
        raise fault("CacheParameterGroupAlreadyExistsFault", f"{name} already exists.")
    group = ParameterGroup(name, family, params["Description"], control.arn("parametergroup", name))
    control.parameter_groups[name] = group
    tagging.set_tags(control, group.arn, params)
    return {"CacheParameterGroup": show(group)}


def modify_cache_parameter_group(control: Control, params: Params) -> Result:
    """``ModifyCacheParameterGroup``: the servers of every store that has it follow."""
    group = _own(control, params["CacheParameterGroupName"])
    given = params["ParameterNameValues"]
    if not 1 <= len(given) <= _MOST_PER_CALL:
        raise invalid(f"1 to {_MOST_PER_CALL} parameters can be changed in a call.")
    values = {}
    for item in given:
        parameter = _settable(group, item["ParameterName"])
        value = item.get("ParameterValue", "")
        if not parameter.accepts(value):
            message = (
                f"The parameter {parameter.name} takes {parameter.takes}; {value!r} is invalid."
            )
            raise invalid(message)
        values[parameter.name] = value
    _change(control, group, group.values | values)
    return {"CacheParameterGroupName": group.name}


def reset_cache_parameter_group(control: Control, params: Params) -> Result:
    """``ResetCacheParameterGroup``."""
    group = _own(control, params["CacheParameterGroupName"])
    if params.get("ResetAllParameters"):
        kept: dict[str, str] = {}
    else:
        gone = [_settable(group, it["ParameterName"]).name for it in params["ParameterNameValues"]]
        kept = {name: value for name, value in group.values.items() if name not in gone}
    _change(control, group, kept)
    return {"CacheParameterGroupName": group.name}


def delete_cache_parameter_group(control: Control, params: Params) -> Result:
    """``DeleteCacheParameterGroup``: not while a store has it."""
    group = _own(control, params["CacheParameterGroupName"])
    users = attached(control, group)
    if users:
        message = f"{group.name} is associated with {', '.join(users)}."
        raise fault("InvalidCacheParameterGroupStateFault", message)
    del control.parameter_groups[group.name]
    control.tags.pop(group.arn, None)
    return {}


def describe_cache_parameter_groups(control: Control, params: Params) -> Result:
    """``DescribeCacheParameterGroups``, AWS's own among them."""
    if "CacheParameterGroupName" in params:
        return {"CacheParameterGroups": [show(find(control, params["CacheParameterGroupName"]))]}
    for family in FAMILIES:
        find(control, f"default.{family}")
        find(control, f"default.{family}.cluster.on")
    found = [show(control.parameter_groups[name]) for name in sorted(control.parameter_groups)]
    return page(found, params, "CacheParameterGroups")


def describe_cache_parameters(control: Control, params: Params) -> Result:
    """``DescribeCacheParameters``: source ``user`` are those that were set."""
    group = find(control, params["CacheParameterGroupName"])
    wanted = params.get("Source")
    shown = []
    for parameter in parameters(group.family).values():
        source = "user" if parameter.name in group.values else "system"
        if wanted in (None, source):
            shown.append(
                {
                    "ParameterName": parameter.name,
                    "ParameterValue": group.values.get(parameter.name, parameter.default),
                    "Description": f"{parameter.name} of {group.family}",
                    "Source": source,
                    "DataType": parameter.kind,
                    "AllowedValues": parameter.takes,
                    "IsModifiable": not parameter.fixed,
                    "MinimumEngineVersion": f"{group.family.removeprefix('valkey')}.0",
                    "ChangeType": "requires-reboot" if parameter.unattached else "immediate",
                }
            )
    return page(shown, params, "Parameters")


def describe_engine_default_parameters(control: Control, params: Params) -> Result:
    """``DescribeEngineDefaultParameters``."""
    family = names.one_of(
        "CacheParameterGroupFamily", params["CacheParameterGroupFamily"], FAMILIES
    )
    stock = {"CacheParameterGroupName": f"default.{family}"}
    paged = describe_cache_parameters(control, {**params, **stock, "Source": None})
    return {"EngineDefaults": {"CacheParameterGroupFamily": family, **paged}}


def find(control: Control, name: str) -> ParameterGroup:
    """A parameter group; AWS's own are made when they are first asked for."""
    name = name.lower()
    group = control.parameter_groups.get(name)
    for family in FAMILIES:
        cluster = name == f"default.{family}.cluster.on"
        if group is None and (cluster or name == f"default.{family}"):
            arn = control.arn("parametergroup", name)
            values = {_CLUSTER: "yes"} if cluster else {}
            group = ParameterGroup(name, family, f"Default for {family}", arn, values, stock=True)
            control.parameter_groups[name] = group
    if group is None:
        raise fault("CacheParameterGroupNotFoundFault", f"CacheParameterGroup {name} not found.")
    return group


def for_version(control: Control, name: str | None, version: str, *, cluster: bool) -> str:
    """The parameter group of a store: the one that is named if it fits, else AWS's own.

    Raises:
        Fault: the family is another version's.
    """
    family = family_of(version)
    if name is None:
        name = f"default.{family}{'.cluster.on' if cluster else ''}"
    group = find(control, name)
    if group.family != family:
        message = (
            f"Expected a parameter group of family {family} but found one of family {group.family}"
        )
        raise conflicting(message)
    return group.name


def effective(control: Control, name: str) -> Mapping[str, str]:
    """Every parameter with its value."""
    group = find(control, name)
    return {it.name: it.default for it in parameters(group.family).values()} | group.values


def for_clusters(control: Control, name: str) -> bool:
    """Whether the group turns cluster mode on."""
    return effective(control, name)[_CLUSTER] == "yes"


def attached(control: Control, group: ParameterGroup) -> list[str]:
    """The stores that have a group."""
    return [name for name, it in control.groups.items() if it.parameter_group == group.name]


def show(group: ParameterGroup) -> Result:
    """As the service shows it."""
    return {
        "CacheParameterGroupName": group.name,
        "CacheParameterGroupFamily": group.family,
        "Description": group.description,
        "IsGlobal": False,
        "ARN": group.arn,
    }


def _own(control: Control, name: str) -> ParameterGroup:
    group = find(control, name)
    if group.stock:
        message = f"{group.name} is AWS's own: it is neither changed nor deleted."
        raise invalid(message)
    return group


def _settable(group: ParameterGroup, name: str) -> Parameter:
    parameter = parameters(group.family).get(name)
    if parameter is None:
        raise invalid(f"Could not find parameter with name: {name}")
    if parameter.fixed:
        raise invalid(f"The parameter {name} cannot be modified.")
    return parameter


def _change(control: Control, group: ParameterGroup, values: dict[str, str]) -> None:
    table = parameters(group.family)
    changed = {
        name
        for name in group.values.keys() | values.keys()
        if group.values.get(name, table[name].default) != values.get(name, table[name].default)
    }
    stores = attached(control, group)
    for name in sorted(changed):
        if stores and table[name].unattached:
            message = f"{name} can be changed only while no cache has the parameter group."
            raise fault("InvalidCacheParameterGroupStateFault", message)
    group.values = values
    if changed and stores:
        _apply(control, group, stores)


def _apply(control: Control, group: ParameterGroup, stores: list[str]) -> None:
    def work() -> None:
        for store in stores:
            with control.lock:
                there = control.groups.get(store)
                if there is None or there.status in ("creating", "create-failed", "deleting"):
                    continue
                change = GroupChange(parameters=effective(control, there.parameter_group))
            control.plane.modify_group(store, change)

    control.later(
        f"apply {group.name}",
        stores=[f"group/{store}" for store in stores],
        work=work,
        done=lambda: control.note(group.name, "cache-parameter-group", "Updated parameters"),
        failed=lambda: control.note(group.name, "cache-parameter-group", "Could not be applied"),
    )
