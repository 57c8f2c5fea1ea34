"""The keys of a stack's settings, once: type, default and meaning.

``Pulumi.yaml`` declares the same keys to the engine (a test holds that the two agree), and
``docs/settings.md`` is printed from here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

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


SETTINGS: Final[tuple[Setting, ...]] = (
    text_setting(
        "target",
        "local",
        "Where the store runs: local or kubernetes (aws and existing are not built yet).",
    ),
    text_setting(
        "preset", "dev", "Stage whose values apply where the stack sets none: dev, staging, prod."
    ),
    auto_text("topology", "standalone, sentinel or cluster.", "the preset's"),
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
    ),
    auto_text(
        "engineVersion",
        'Version of the server, quoted: on local its beginning is enough ("9.1"), on kubernetes '
        'the image\'s in full ("9.1.2").',
        "any that is new enough (local), the one in the image's tag (kubernetes)",
    ),
    auto_text(
        "serverPath",
        "Path of the server program (local).",
        "HOLDFAST_SERVER, else valkey-server or redis-server on PATH",
        only=Target.LOCAL,
    ),
    auto_number(
        "replicas",
        "Replicas of each primary (sentinel: 2 to 7, cluster: 1 to 3, standalone: 0).",
        "2 with sentinel, 1 with cluster, 0 with standalone",
    ),
    auto_number("primaries", "Primaries of a cluster (3 to 16).", "3 with cluster, else 1"),
    auto_number("sentinels", "Sentinels, an odd number from 3 to 7.", "3 with sentinel, else 0"),
    auto_number(
        "quorum",
        "Sentinels that must agree that the primary is down (2 to the majority).",
        "the majority of the Sentinels",
    ),
    number_setting(
        "downAfterMs",
        5000,
        "Silence in milliseconds after which a server counts as down (1000 to 60000).",
    ),
    auto_text("maxmemory", "Memory for data of each server, such as 256mb or 2gb.", "the preset's"),
    text_setting(
        "evictionPolicy",
        "volatile-lru",
        "What a full server removes: volatile-lru, -lfu, -ttl or -random.",
    ),
    text_setting(
        "appendfsync", "everysec", "When the append-only file is synced: everysec or always."
    ),
    number_setting(
        "basePort",
        7600,
        "First port of the servers; each next one takes the port after it (local).",
        only=Target.LOCAL,
    ),
    auto_number(
        "sentinelBasePort",
        "First port of the Sentinels (local).",
        "basePort + 100",
        only=Target.LOCAL,
    ),
    auto_text(
        "dataDir",
        "Folder for data, configuration and connection files (local); relative to the project.",
        ".holdfast/<stack>",
        only=Target.LOCAL,
    ),
    flag_setting(
        "keepData",
        "Keep the data folders when the stack is destroyed (local).",
        only=Target.LOCAL,
    ),
    text_setting("cold", "none", "Where consolidated turns go. Only none so far."),
    auto_number(
        "expectedSessions", "Sessions at once that the store is meant for.", "the preset's"
    ),
    auto_number(
        "sessionBytes",
        "Memory of one session, as scripts/size.py says; maxmemory must hold expectedSessions.",
        "that of 50 messages of 500 bytes and 4 tool calls",
    ),
    list_setting(
        "extraDnsNames",
        "Further names in the servers' certificates, beside their own, localhost and 127.0.0.1.",
    ),
    auto_text(
        "passwordRotations",
        "How often each role's password was made anew: svc=2,replica=1. Written by rotate.py.",
        "never",
    ),
    text_setting(
        "passwordStage",
        "single",
        "Stage of the rotation of passwords: single, accept-both or present-new.",
    ),
    number_setting(
        "certificateRotation",
        0,
        "How often the certificates were issued anew; raising it does so.",
    ),
    number_setting(
        "caRotation",
        0,
        "How often the CA was made anew. Raised with caStage single it replaces it at once.",
    ),
    text_setting(
        "caStage", "single", "Stage of the rotation of the CA: single, trust-both or issue-new."
    ),
    *KUBERNETES_SETTINGS,
)

BY_NAME: Final = {setting.name: setting for setting in SETTINGS}
