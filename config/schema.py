"""The keys of a stack's settings, once: type, default and meaning.

``Pulumi.yaml`` declares the same keys to the engine (a test holds that the two agree), and
``docs/settings.md`` is printed from here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from config.aws_schema import AWS_SETTINGS
from config.existing_schema import EXISTING_SETTINGS
from config.kubernetes_schema import KUBERNETES_SETTINGS
from config.setting import (
    NAMESPACE,
    Kind,
    Setting,
    Target,
    Value,
    auto_number,
    auto_text,
    flag_setting,
    list_setting,
    number_setting,
    text_setting,
)

__all__ = [
    "BY_NAME",
    "NAMESPACE",
    "SETTINGS",
    "Appendfsync",
    "Engine",
    "EvictionPolicy",
    "Kind",
    "Preset",
    "Setting",
    "Target",
    "Value",
]


class Preset(StrEnum):
    """Stages; each is a set of values that the stack's own settings override."""

    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"


class Engine(StrEnum):
    """Server programs that the kit runs."""

    VALKEY = "valkey"
    REDIS = "redis"


class EvictionPolicy(StrEnum):
    """What a server at maxmemory removes: only keys that have a TTL."""

    VOLATILE_LRU = "volatile-lru"
    VOLATILE_LFU = "volatile-lfu"
    VOLATILE_TTL = "volatile-ttl"
    VOLATILE_RANDOM = "volatile-random"


class Appendfsync(StrEnum):
    """When the append-only file reaches the disk."""

    EVERYSEC = "everysec"
    ALWAYS = "always"


_LOCAL: Final = Target.LOCAL
_K8S: Final = Target.KUBERNETES
_AWS: Final = Target.AWS
_EXISTING: Final = Target.EXISTING
_SERVERS: Final = (_LOCAL, _K8S)
"""Targets whose servers the kit itself starts."""

SETTINGS: Final[tuple[Setting, ...]] = (
    text_setting(
        "target",
        "local",
        "Where the store runs: local, kubernetes, aws, or existing for one that runs already.",
    ),
    text_setting(
        "preset", "dev", "Stage whose values apply where the stack sets none: dev, staging, prod."
    ),
    auto_text(
        "topology",
        "standalone, sentinel or cluster (local), sentinel (kubernetes), replication-group, "
        "cluster or serverless (aws); any of them (existing).",
        "the preset's; standalone with target existing",
    ),
    text_setting(
        "app",
        "agent",
        "Prefix of every key; an ACL keeps other prefixes out. Fixed for a store's life.",
    ),
    number_setting(
        "buckets",
        64,
        "Hash-tag buckets, a power of two up to 1024. Fixed for a store's life.",
    ),
    auto_text(
        "engine",
        "The server program that is expected: valkey or redis.",
        "what is found (local), else valkey",
        only=(_LOCAL, _K8S, _EXISTING),
    ),
    auto_text(
        "engineVersion",
        'Version of the server, quoted: on local its beginning is enough ("9.1"), on kubernetes '
        'the image\'s in full ("9.1.2"), on aws "7.2", "8.0", "8.1", "8.2", "9.0" or "9.1", of '
        "which a serverless store has the major alone.",
        "any that is new enough (local), the one in the image's tag (kubernetes); required with "
        "the targets aws and existing",
    ),
    auto_text(
        "serverPath",
        "Path of the server program (local).",
        "HOLDFAST_SERVER, else valkey-server or redis-server on PATH",
        only=(_LOCAL,),
    ),
    auto_number(
        "replicas",
        "Replicas of each primary (sentinel: 2 to 7, cluster: 1 to 3, standalone: 0; aws: 0 to 5, "
        "0 with preset dev alone).",
        "2 with sentinel, 1 with cluster, 0 with standalone; on aws 0, 1 and 2 with the presets "
        "dev, staging and prod",
        only=(_LOCAL, _K8S, _AWS),
    ),
    auto_number(
        "primaries",
        "Primaries of a cluster (3 to 16; existing and aws, where they are shards: 1 to 90).",
        "3 with cluster, else 1; on aws as few as a copy within a minute allows",
        only=(_LOCAL, _K8S, _AWS, _EXISTING),
    ),
    auto_number(
        "sentinels",
        "Sentinels, an odd number from 3 to 7.",
        "3 with sentinel, else 0",
        only=_SERVERS,
    ),
    auto_number(
        "quorum",
        "Sentinels that must agree that the primary is down (2 to the majority).",
        "the majority of the Sentinels",
        only=_SERVERS,
    ),
    number_setting(
        "downAfterMs",
        5000,
        "Silence in milliseconds after which a server counts as down (1000 to 60000).",
        only=_SERVERS,
    ),
    auto_text(
        "maxmemory",
        "Memory for data of each server, such as 256mb or 2gb; on aws the node type's.",
        "the preset's; not known with target existing",
        only=(_LOCAL, _K8S, _EXISTING),
    ),
    text_setting(
        "evictionPolicy",
        "volatile-lru",
        "What a full server removes: volatile-lru, -lfu, -ttl or -random.",
    ),
    text_setting(
        "appendfsync",
        "everysec",
        "When the append-only file is synced: everysec or always.",
        only=_SERVERS,
    ),
    number_setting(
        "basePort",
        7600,
        "First port of the servers; each next one takes the port after it (local).",
        only=(_LOCAL,),
    ),
    auto_number(
        "sentinelBasePort",
        "First port of the Sentinels (local).",
        "basePort + 100",
        only=(_LOCAL,),
    ),
    auto_text(
        "dataDir",
        "Folder for data, configuration and connection files (local); relative to the project.",
        ".holdfast/<stack>",
        only=(_LOCAL,),
    ),
    flag_setting(
        "keepData",
        "Keep the data folders when the stack is destroyed (local).",
        only=(_LOCAL,),
    ),
    text_setting("cold", "none", "Where consolidated turns go. Only none so far."),
    auto_number(
        "expectedSessions", "Sessions at once that the store is meant for.", "the preset's"
    ),
    auto_number(
        "sessionBytes",
        "Memory of one session, as scripts/size.py says; the store must hold expectedSessions.",
        "that of 50 messages of 500 bytes and 4 tool calls",
    ),
    list_setting(
        "extraDnsNames",
        "Further names in the servers' certificates, beside their own, localhost and 127.0.0.1.",
        only=_SERVERS,
    ),
    auto_text(
        "passwordRotations",
        "How often each role's password was made anew: svc=2,replica=1. Written by rotate.py.",
        "never",
        only=(_LOCAL, _K8S, _AWS),
    ),
    text_setting(
        "passwordStage",
        "single",
        "Stage of the rotation of passwords: single, accept-both or present-new.",
        only=(_LOCAL, _K8S, _AWS),
    ),
    number_setting(
        "certificateRotation",
        0,
        "How often the certificates were issued anew; raising it does so.",
        only=_SERVERS,
    ),
    number_setting(
        "caRotation",
        0,
        "How often the CA was made anew. Raised with caStage single it replaces it at once.",
        only=_SERVERS,
    ),
    text_setting(
        "caStage",
        "single",
        "Stage of the rotation of the CA: single, trust-both or issue-new.",
        only=_SERVERS,
    ),
    text_setting(
        "storeName",
        "store",
        "Begins the name of every object, unique in the namespace (kubernetes); with the stack's "
        "name after it names the store, unique in the account (aws). A change leaves the sessions "
        "behind.",
        only=(_K8S, _AWS),
    ),
    *KUBERNETES_SETTINGS,
    *AWS_SETTINGS,
    *EXISTING_SETTINGS,
)

BY_NAME: Final = {setting.name: setting for setting in SETTINGS}
