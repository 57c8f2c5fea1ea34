"""Rules for what keeps a store running: parameters, logs, alarms, keys, tags, limits of cost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from holdfast.verify.protections import (
    KEY_ROTATION,
    STORAGE_LIMIT,
    UNKNOWN,
    eviction_policy,
    planned,
    present,
    unmet,
)
from policy.aws_types import ALARM, GROUP, KEY, LOG_GROUP, PARAMETERS, SECRET, SERVERLESS
from policy.rule import PRODUCTION, STAGE_TAGS, Level, Resource, Rule, items, known

_FAMILY: Final = re.compile(r"valkey([0-9]+)\Z")
_LOG_DAYS: Final = (7, 400)
_RECOVERY_DAYS: Final = 7
_NAMESPACE: Final = "AWS/ElastiCache"
_WATCHED: Final[dict[str, tuple[frozenset[str], ...]]] = {
    GROUP: (
        frozenset({"DatabaseMemoryUsagePercentage"}),
        frozenset({"Evictions"}),
        frozenset({"EngineCPUUtilization", "CPUUtilization"}),
        frozenset({"AuthenticationFailures"}),
    ),
    SERVERLESS: (
        frozenset({"BytesUsedForCache"}),
        frozenset({"Evictions"}),
        frozenset({"ThrottledCmds"}),
        frozenset({"AuthenticationFailures"}),
    ),
}
"""What needs an alarm: one metric of each set."""

_DIMENSIONS: Final = {GROUP: "CacheClusterId", SERVERLESS: "clusterId"}
"""What AWS publishes the metrics under; an alarm under another name never has data
(cdk-monitoring-constructs 750)."""

_IDS: Final = {GROUP: "replicationGroupId", SERVERLESS: "name"}
_MEMBER: Final = r"(-[0-9]{4})?-[0-9]{3}"
"""What follows a group's id in the id of a node; with cluster mode the shard comes first."""


def eviction(resource: Resource) -> Iterator[str]:
    """P7: sessions that have time left stay, and a full store does not refuse."""
    props = resource.props
    family = props.get("family")
    if known(family) and not _FAMILY.match(str(family)):
        yield f"family: got {family!r}, need valkey and its major version"
    if not known(props.get("parameters")):
        return
    policy = eviction_policy(props.get("parameters"))
    if not known(policy):
        return
    if not isinstance(policy, str) or not policy.startswith("volatile-"):
        yield f"maxmemory-policy: got {policy or 'none'}, need volatile-lru or another volatile one"


def own_parameters(resource: Resource) -> Iterator[str]:
    """P7: the groups that AWS has cannot be changed."""
    name = resource.props.get("parameterGroupName")
    if not present(name) or str(name).startswith("default."):
        yield f"parameterGroupName: got {name!r}, need a group of your own"


def family_of_version(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    """P7: a major upgrade has to bring the new family in the same update."""
    families = {
        group.props.get("name"): str(group.props.get("family"))
        for group in resources
        if group.type == PARAMETERS and known(group.props.get("name"))
    }
    for cache in resources:
        family = families.get(cache.props.get("parameterGroupName"))
        match = _FAMILY.match(family) if family else None
        version = cache.props.get("engineVersion")
        if cache.type != GROUP or match is None or not isinstance(version, str):
            continue
        if known(version) and version.partition(".")[0] != match.group(1):
            yield cache, f"engineVersion {version}, but its parameter group is of {family}"


def logs_apart(resource: Resource) -> Iterator[str]:
    """P14: two kinds in one group overwrite each other."""
    configured = resource.props.get("logDeliveryConfigurations")
    if not known(configured):
        return
    places = {item.get("logType"): item.get("destination") for item in items(configured)}
    for kind in ("slow-log", "engine-log"):
        if not present(places.get(kind)):
            yield f"logDeliveryConfigurations: got no {kind}"
    both = [places.get(kind) for kind in ("slow-log", "engine-log")]
    if both[0] == both[1] and present(both[0]) and known(both[0]):
        yield "logDeliveryConfigurations: one destination for both: need two log groups"


def log_retention(resource: Resource) -> Iterator[str]:
    """P14: long enough to look back, and not for ever."""
    days = resource.props.get("retentionInDays")
    if known(days) and not (isinstance(days, int) and _LOG_DAYS[0] <= days <= _LOG_DAYS[1]):
        yield f"retentionInDays: got {days}, need {_LOG_DAYS[0]} to {_LOG_DAYS[1]}"


def watched(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    """P15: what ends sessions or lets somebody guess passwords wakes a person, for each store."""
    alarms = [
        alarm
        for alarm in resources
        if alarm.type == ALARM and alarm.props.get("namespace") == _NAMESPACE
    ]
    stores = [store for store in resources if store.type in _WATCHED]
    urns = frozenset(store.urn for store in stores)
    for store in stores:
        metrics = {
            str(alarm.props.get("metricName"))
            for alarm in alarms
            if _is_about(store, _watched_id(alarm, store.type), _sources(alarm) & urns)
        }
        for names in _WATCHED[store.type]:
            if not names & metrics:
                by = _DIMENSIONS[store.type]
                yield store, f"no alarm on its {' or '.join(sorted(names))} by {by}"


def _watched_id(alarm: Resource, store_type: str) -> object:
    dimensions = alarm.props.get("dimensions")
    if not known(dimensions):
        return UNKNOWN
    return dimensions.get(_DIMENSIONS[store_type]) if isinstance(dimensions, Mapping) else None


def _sources(alarm: Resource) -> frozenset[str]:
    return alarm.sources.get("dimensions", frozenset())


def _is_about(store: Resource, watched_id: object, sources: frozenset[str]) -> bool:
    """By what the alarm watches; while that is not known, by the stores that it comes from."""
    own = store.props.get(_IDS[store.type])
    if watched_id is None:
        return False
    if known(watched_id) and isinstance(own, str) and known(own):
        pattern = re.escape(own) + (_MEMBER if store.type == GROUP else "")
        return re.fullmatch(pattern, str(watched_id)) is not None
    return not sources or store.urn in sources


def alarm_acts(resource: Resource) -> Iterator[str]:
    """P15: an alarm that tells nobody is none."""
    actions = resource.props.get("alarmActions")
    if resource.props.get("namespace") == _NAMESPACE and known(actions) and not present(actions):
        yield "alarmActions: got none, need a topic that reaches somebody"


def tagged(resource: Resource) -> Iterator[str]:
    """P17: which stage it is of; what does not say so escapes the rules for production."""
    if not known(resource.props.get("tags")):
        return
    if not any(present(resource.tags.get(name)) for name in STAGE_TAGS):
        yield (
            f"tags: got {', '.join(sorted(resource.tags)) or 'none'}, need the stage in one of "
            f"{', '.join(STAGE_TAGS)}, on the resource or its provider"
        )


def limited(resource: Resource) -> Iterator[str]:
    """P17: a serverless cache grows with what is sent, and its bill with it."""
    yield from filter(None, [unmet(STORAGE_LIMIT, resource.props)])
    requests = planned(resource.props, ("cacheUsageLimits", "ecpuPerSeconds"))
    if known(requests) and not any(present(item.get("maximum")) for item in items(requests)):
        yield "cacheUsageLimits.ecpuPerSeconds: need a maximum: without one its cost has no end"


def secret_key(resource: Resource) -> Iterator[str]:
    """P18: who may read a secret is decided by two policies, not by one."""
    if not present(resource.props.get("kmsKeyId")):
        yield "kmsKeyId: got none, need a key of your own"


def key_rotates(resource: Resource) -> Iterator[str]:
    """P18: keys of a store change every year."""
    yield from filter(None, [unmet(KEY_ROTATION, resource.props)])


def secret_recovers(resource: Resource) -> Iterator[str]:
    """P18 in production: a secret that was deleted by mistake comes back."""
    days = resource.props.get("recoveryWindowInDays")
    if isinstance(days, int) and days < _RECOVERY_DAYS:
        yield f"recoveryWindowInDays: got {days}, need {_RECOVERY_DAYS} or more"


RULES: Final = (
    Rule(
        "P7",
        "aws-volatile-eviction",
        "a full store drops the keys that end first, of those that end at all",
        Level.ADVISORY,
        frozenset({PARAMETERS}),
        eviction,
        source="ElastiCache user guide, parameters",
    ),
    Rule(
        "P7",
        "aws-own-parameter-group",
        "a store has a parameter group of its own",
        Level.ADVISORY,
        frozenset({GROUP}),
        own_parameters,
        source="ElastiCache user guide, parameters",
    ),
    Rule(
        "P7",
        "aws-parameter-family",
        "the family of the parameter group is the engine's",
        Level.ADVISORY,
        frozenset({GROUP, PARAMETERS}),
        stack_check=family_of_version,
        source="ElastiCache user guide, parameters",
    ),
    Rule(
        "P14",
        "aws-logs-apart",
        "slow log and engine log are delivered, each to a log group of its own",
        Level.ADVISORY,
        frozenset({GROUP}),
        logs_apart,
        source="AWS agent toolkit",
    ),
    Rule(
        "P14",
        "aws-log-retention",
        f"logs are kept for {_LOG_DAYS[0]} to {_LOG_DAYS[1]} days",
        Level.ADVISORY,
        frozenset({LOG_GROUP}),
        log_retention,
        source="AWS agent toolkit",
    ),
    Rule(
        "P15",
        "aws-alarms",
        "each store has alarms on memory, evictions, processor and failed logins by CacheClusterId "
        "(serverless: stored bytes, evictions, throttling and failed logins by clusterId)",
        Level.ADVISORY,
        frozenset({GROUP, SERVERLESS, ALARM}),
        stack_check=watched,
        source="AWS agent toolkit, lens SEC7, cdk-monitoring-constructs 750",
    ),
    Rule(
        "P15",
        "aws-alarms-act",
        "an alarm reaches somebody",
        Level.ADVISORY,
        frozenset({ALARM}),
        alarm_acts,
        source="AWS agent toolkit",
    ),
    Rule(
        "P17",
        "aws-tagged",
        f"what holds data or secrets says by a tag which stage it is of ({', '.join(STAGE_TAGS)}); "
        f"production is {' or '.join(PRODUCTION)}",
        Level.MANDATORY,
        frozenset({GROUP, SERVERLESS, KEY, SECRET}),
        tagged,
        source="AWS agent toolkit",
    ),
    Rule(
        "P17",
        "aws-serverless-limits",
        "a serverless cache has a maximum of data and of requests",
        Level.MANDATORY,
        frozenset({SERVERLESS}),
        limited,
        source="AWS agent toolkit",
    ),
    Rule(
        "P18",
        "aws-secret-own-key",
        "secrets are encrypted with a key of your own",
        Level.ADVISORY,
        frozenset({SECRET}),
        secret_key,
    ),
    Rule(
        "P18",
        "aws-key-rotates",
        "keys are rotated",
        Level.ADVISORY,
        frozenset({KEY}),
        key_rotates,
    ),
    Rule(
        "P18",
        "aws-secret-recovers-in-production",
        f"a deleted secret can be restored for {_RECOVERY_DAYS} days or longer",
        Level.ADVISORY,
        frozenset({SECRET}),
        secret_recovers,
        production=True,
    ),
)
