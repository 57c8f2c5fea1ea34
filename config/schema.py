"""The keys of a stack's settings, once: type, default and meaning.

``Pulumi.yaml`` declares the same keys to the engine (a test holds that the two agree), and
``docs/settings.md`` is printed from here.

The engine hands declared defaults to the program as if a person had set them. A key whose value
follows from other keys or from the preset therefore has the default :data:`AUTO_TEXT` or
:data:`AUTO_NUMBER`, which says: not set.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

AUTO_TEXT: Final = ""
AUTO_NUMBER: Final = -1
NAMESPACE: Final = "holdfast"

Value = str | int | bool | tuple[str, ...]


class Kind(StrEnum):
    """Types of a key, in the words of Pulumi's configuration schema."""

    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    ARRAY = "array"


class Target(StrEnum):
    """Where the store runs."""

    LOCAL = "local"
    KUBERNETES = "kubernetes"
    AWS = "aws"
    EXISTING = "existing"


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


@dataclass(frozen=True, slots=True)
class Setting:
    """One key.

    Attributes:
        name: without the namespace.
        kind: its type.
        default: what the engine passes when nothing is set.
        description: for people, one or two sentences.
        automatic: how the value comes about while it is not set; empty where the default is
            an ordinary value.
    """

    name: str
    kind: Kind
    default: Value
    description: str
    automatic: str = ""

    @property
    def key(self) -> str:
        """The full key, as ``pulumi config set`` takes it."""
        return f"{NAMESPACE}:{self.name}"

    def is_unset(self, value: Value) -> bool:
        """Whether ``value`` is the mark for: not set."""
        return bool(self.automatic) and value == self.default


def _text(name: str, default: str, description: str, automatic: str = "") -> Setting:
    return Setting(name, Kind.STRING, default, description, automatic)


def _auto_text(name: str, description: str, automatic: str) -> Setting:
    return Setting(name, Kind.STRING, AUTO_TEXT, description, automatic)


def _auto_number(name: str, description: str, automatic: str) -> Setting:
    return Setting(name, Kind.INTEGER, AUTO_NUMBER, description, automatic)


SETTINGS: Final[tuple[Setting, ...]] = (
    _text("target", "local", "Where the store runs: local, kubernetes, aws or existing."),
    _text(
        "preset", "dev", "Stage whose values apply where the stack sets none: dev, staging, prod."
    ),
    _auto_text("topology", "standalone, sentinel or cluster.", "the preset's"),
    _text(
        "app",
        "agent",
        "Prefix of every key; an ACL keeps other prefixes out. Fixed for a store's life.",
    ),
    Setting(
        "buckets",
        Kind.INTEGER,
        64,
        "Hash-tag buckets, a power of two up to 1024. Fixed for a store's life.",
    ),
    _auto_text("engine", "The server program that is expected: valkey or redis.", "what is found"),
    _auto_text(
        "engineVersion",
        'Version that the server must have, or its beginning, quoted: "9.1".',
        "any that is new enough",
    ),
    _auto_text(
        "serverPath",
        "Path of the server program.",
        "HOLDFAST_SERVER, else valkey-server or redis-server on PATH",
    ),
    _auto_number(
        "replicas",
        "Replicas of each primary (sentinel: 2 to 7, cluster: 1 to 3, standalone: 0).",
        "2 with sentinel, 1 with cluster, 0 with standalone",
    ),
    _auto_number("primaries", "Primaries of a cluster (3 to 16).", "3 with cluster, else 1"),
    _auto_number("sentinels", "Sentinels, an odd number from 3 to 7.", "3 with sentinel, else 0"),
    _auto_number(
        "quorum",
        "Sentinels that must agree that the primary is down (2 to the majority).",
        "the majority of the Sentinels",
    ),
    Setting(
        "downAfterMs",
        Kind.INTEGER,
        5000,
        "Silence in milliseconds after which a server counts as down (1000 to 60000).",
    ),
    _auto_text(
        "maxmemory", "Memory for data of each server, such as 256mb or 2gb.", "the preset's"
    ),
    _text(
        "evictionPolicy",
        "volatile-lru",
        "What a full server removes: volatile-lru, -lfu, -ttl or -random.",
    ),
    _text("appendfsync", "everysec", "When the append-only file is synced: everysec or always."),
    Setting(
        "basePort",
        Kind.INTEGER,
        7600,
        "First port of the servers; each next one takes the port after it (local).",
    ),
    _auto_number("sentinelBasePort", "First port of the Sentinels (local).", "basePort + 100"),
    _auto_text(
        "dataDir",
        "Folder for data, configuration and connection files (local); relative to the project.",
        ".holdfast/<stack>",
    ),
    Setting("keepData", Kind.BOOLEAN, False, "Keep the data folders when the stack is destroyed."),
    _text("cold", "none", "Where consolidated turns go. Only none so far."),
    _auto_number(
        "expectedSessions", "Sessions at once that the store is meant for.", "the preset's"
    ),
    _auto_number(
        "sessionBytes",
        "Memory of one session, as scripts/size.py says; maxmemory must hold expectedSessions.",
        "that of 50 messages of 500 bytes and 4 tool calls",
    ),
    Setting(
        "extraDnsNames",
        Kind.ARRAY,
        (),
        "Further names in the servers' certificates, beside localhost and 127.0.0.1.",
    ),
    _auto_text(
        "passwordRotations",
        "How often each role's password was made anew: svc=2,replica=1. Written by rotate.py.",
        "never",
    ),
    _text(
        "passwordStage",
        "single",
        "Stage of the rotation of passwords: single, accept-both or present-new.",
    ),
    Setting(
        "certificateRotation",
        Kind.INTEGER,
        0,
        "How often the certificates were issued anew; raising it does so.",
    ),
    Setting(
        "caRotation",
        Kind.INTEGER,
        0,
        "How often the CA was made anew. Raised with caStage single it replaces it at once.",
    ),
    _text("caStage", "single", "Stage of the rotation of the CA: single, trust-both or issue-new."),
)

BY_NAME: Final = {setting.name: setting for setting in SETTINGS}
