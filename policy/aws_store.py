"""Rules for the store itself: encryption, who is let in, what survives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from holdfast.verify.protections import (
    AT_REST,
    SERVERLESS_USER_GROUP,
    SNAPSHOTS,
    TLS_ON,
    TLS_REQUIRED,
    USER_GROUP,
    present,
    unmet,
)
from policy.aws_types import CLUSTER, GROUP, SERVERLESS, VALKEY
from policy.rule import Level, Resource, Rule, known

_KEY_ARN: Final = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/\S+\Z")
_VERSION: Final = re.compile(r"([0-9]+)(?:\.([0-9]+))?")
_OLDEST: Final = (7, 2)
_FEWEST_NODES: Final = 2


def tls(resource: Resource) -> Iterator[str]:
    """P1: nobody connects in plain text."""
    yield from filter(None, (unmet(kept, resource.props) for kept in (TLS_ON, TLS_REQUIRED)))


def at_rest(resource: Resource) -> Iterator[str]:
    """P2: said, not left to a default that a scanner cannot see."""
    yield from filter(None, [unmet(AT_REST, resource.props)])


def own_key(resource: Resource) -> Iterator[str]:
    """P3: an alias or a bare id is shown as a change for ever."""
    key = resource.props.get("kmsKeyId")
    if not known(key):
        return
    if not present(key):
        yield "kmsKeyId: got none, need the ARN of a key of your own"
    elif not _KEY_ARN.match(str(key)):
        yield f"kmsKeyId: got {key!r}, need the ARN of a key, not an alias or an id"


def authentication(resource: Resource) -> Iterator[str]:
    """P4: one user group and no token beside it, which would log in as everybody."""
    if present(resource.props.get("authToken")):
        yield "authToken: need none with Valkey: users and a user group replace it"
    groups = resource.props.get("userGroupIds")
    if isinstance(groups, list) and len(groups) > 1:
        yield f"userGroupIds: got {len(groups)}, need exactly one: AWS takes no more"


def user_group(resource: Resource) -> Iterator[str]:
    """P4 in production: without a group everybody who reaches the port is let in."""
    kept = SERVERLESS_USER_GROUP if resource.type == SERVERLESS else USER_GROUP
    yield from filter(None, [unmet(kept, resource.props)])


def failover(resource: Resource) -> Iterator[str]:
    """P8: a node, and a zone, may go."""
    for name in ("automaticFailoverEnabled", "multiAzEnabled"):
        if resource.props.get(name) is not True and known(resource.props.get(name)):
            yield f"{name}: need true"
    nodes = nodes_of_shard(resource.props)
    if nodes is not None and nodes < _FEWEST_NODES:
        yield f"{nodes} node a shard: need {_FEWEST_NODES} or more, or nothing can take over"


def nodes_of_shard(props: Mapping[str, Any]) -> int | None:
    """A primary and its replicas; None where that is not known yet."""
    replicas, nodes = props.get("replicasPerNodeGroup"), props.get("numCacheClusters")
    if not known(replicas) or not known(nodes):
        return None
    if isinstance(replicas, int):
        return replicas + 1
    return nodes if isinstance(nodes, int) else 1


def snapshots(resource: Resource) -> Iterator[str]:
    """P9: a day old is better than nothing."""
    yield from filter(None, [unmet(SNAPSHOTS, resource.props)])


def final_snapshot(resource: Resource) -> Iterator[str]:
    """P9 in production: what is deleted by mistake comes back."""
    if not present(resource.props.get("finalSnapshotIdentifier")):
        yield "finalSnapshotIdentifier: got none, need a name that no snapshot has yet"


def no_cluster(resource: Resource) -> Iterator[str]:
    """P10: the provider cannot make one of Valkey, and replaces it on every run."""
    if str(resource.props.get("engine", "")).lower() == VALKEY:
        yield "engine valkey: need a ReplicationGroup, a Cluster cannot run it"


def minor_upgrades(resource: Resource) -> Iterator[str]:
    """P16: unset hides what AWS changed."""
    if resource.props.get("autoMinorVersionUpgrade") is None:
        yield "autoMinorVersionUpgrade: got none, need true or false"


def version(resource: Resource) -> Iterator[str]:
    """P20: without it AWS takes the rules of another engine."""
    props = resource.props
    if present(props.get("globalReplicationGroupId")):
        return  # engine and version are the primary's
    engine = props.get("engine")
    if known(engine) and engine != VALKEY:
        yield f"engine: got {engine!r}, need {VALKEY!r}, in lower case"
    name = "majorEngineVersion" if resource.type == SERVERLESS else "engineVersion"
    value = props.get(name)
    if not known(value):
        return
    match = _VERSION.match(str(value)) if present(value) else None
    if match is None:
        yield f"{name}: got {value!r}, need one, 7.2 or newer"
        return
    minor = int(match.group(2)) if match.group(2) else _OLDEST[1]
    if (int(match.group(1)), minor) < _OLDEST:
        yield f"{name}: got {value!r}, need 7.2 or newer"


_GROUP: Final = frozenset({GROUP})
_STORES: Final = frozenset({GROUP, SERVERLESS})

RULES: Final = (
    Rule(
        "P1",
        "aws-tls-required",
        "clients connect by TLS, and in no other way",
        Level.MANDATORY,
        _GROUP,
        tls,
        source="Security Hub ElastiCache.5, CKV_AWS_30, AWS-0051",
    ),
    Rule(
        "P2",
        "aws-encrypted-at-rest",
        "data and snapshots are encrypted at rest, and the program says so",
        Level.MANDATORY,
        _GROUP,
        at_rest,
        source="Security Hub ElastiCache.4, CKV_AWS_29, AWS-0045",
    ),
    Rule(
        "P3",
        "aws-own-key",
        "the key is the customer's own, named by its ARN",
        Level.ADVISORY,
        _STORES,
        own_key,
        source="CKV_AWS_191",
    ),
    Rule(
        "P4",
        "aws-one-user-group",
        "no token, and at most one user group",
        Level.MANDATORY,
        _GROUP,
        authentication,
        source="CKV_AWS_31, lens SEC2",
    ),
    Rule(
        "P4",
        "aws-user-group-in-production",
        "a user group decides who is let in",
        Level.MANDATORY,
        _STORES,
        user_group,
        production=True,
        source="CKV_AWS_31, lens SEC2",
    ),
    Rule(
        "P8",
        "aws-failover-in-production",
        "automatic failover over several zones, two nodes a shard or more",
        Level.MANDATORY,
        _GROUP,
        failover,
        production=True,
        source="Security Hub ElastiCache.3, CKV2_AWS_50",
    ),
    Rule(
        "P9",
        "aws-snapshots",
        "a snapshot is kept for a day or longer",
        Level.MANDATORY,
        _STORES,
        snapshots,
        source="Security Hub ElastiCache.1",
    ),
    Rule(
        "P9",
        "aws-final-snapshot-in-production",
        "a deletion leaves a snapshot behind",
        Level.MANDATORY,
        _GROUP,
        final_snapshot,
        production=True,
        source="Security Hub ElastiCache.1",
    ),
    Rule(
        "P10",
        "aws-no-single-cluster",
        "Valkey runs in replication groups alone",
        Level.MANDATORY,
        frozenset({CLUSTER}),
        no_cluster,
        source="terraform-provider-aws 41181",
    ),
    Rule(
        "P16",
        "aws-minor-upgrades-said",
        "whether AWS upgrades minor versions is said",
        Level.ADVISORY,
        _GROUP,
        minor_upgrades,
        source="Security Hub ElastiCache.2",
    ),
    Rule(
        "P20",
        "aws-version-said",
        "engine valkey, in a version that is said, 7.2 or newer",
        Level.MANDATORY,
        _STORES,
        version,
        source="terraform-provider-aws 41210",
    ),
)
