"""The rules of single settings, as pure functions that return the checked value."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from config.schema import BY_NAME, EvictionPolicy, Preset
from config.shape import Shape
from holdfast.connection import Cold, Topology
from holdfast.errors import ConfigError, Unsupported
from holdfast.keys import validate_app, validate_buckets
from holdfast.units import format_bytes, parse_bytes

_T = TypeVar("_T")
LOOPBACK: Final = "127.0.0.1"
MIN_MAXMEMORY_BYTES: Final = 16 * 1024**2
_MAX_PORT: Final = 65535
_FIRST_UNPRIVILEGED_PORT: Final = 1024
_CLUSTER_BUS_OFFSET: Final = 10_000
_MIN_DOWN_AFTER_MS: Final = 1000
_MAX_DOWN_AFTER_MS: Final = 60_000
_DNS_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z"
)


@dataclass(frozen=True, slots=True)
class Ports:
    """The TCP ports of a store's processes, in the order of the nodes."""

    servers: tuple[int, ...]
    sentinels: tuple[int, ...] = ()


def check_cold(cold: Cold) -> Cold:
    """Consolidation into PostgreSQL comes later. Raises Unsupported."""
    if cold is not Cold.NONE:
        raise Unsupported(
            BY_NAME["cold"].key, cold.value, "none", "consolidation is not built yet; set none"
        )
    return cold


def check_app(app: str) -> str:
    """A key prefix. Raises ConfigError."""
    return _renamed("app", validate_app, app)


def check_buckets(buckets: int) -> int:
    """The number of hash-tag buckets. Raises ConfigError."""
    return _renamed("buckets", validate_buckets, buckets)


def check_eviction_policy(policy: str) -> EvictionPolicy:
    """Only policies that spare keys without a TTL. Raises ConfigError with the reason."""
    if policy.startswith("allkeys-"):
        reason = "it would evict keys without a TTL, which hold what is stored nowhere else"
    elif policy == "noeviction":
        reason = "a full server would refuse every write of every session, the newest first"
    else:
        reason = ""
    try:
        return EvictionPolicy(policy)
    except ValueError:
        allowed = ", ".join(EvictionPolicy)
        fix = f"{reason}; set volatile-lru" if reason else "set volatile-lru"
        raise ConfigError(BY_NAME["evictionPolicy"].key, policy, f"one of {allowed}", fix) from None


def check_down_after_ms(milliseconds: int) -> int:
    """Silence before a server counts as down. Raises ConfigError."""
    if not _MIN_DOWN_AFTER_MS <= milliseconds <= _MAX_DOWN_AFTER_MS:
        raise ConfigError(
            BY_NAME["downAfterMs"].key,
            milliseconds,
            f"{_MIN_DOWN_AFTER_MS} to {_MAX_DOWN_AFTER_MS} milliseconds",
            "servers are asked once a second, and a minute of outage is no failover; set 5000",
        )
    return milliseconds


def check_maxmemory(text: str, *, servers: int, machine_bytes: int | None = None) -> int:
    """Bytes of ``maxmemory``.

    Args:
        text: such as ``256mb``.
        servers: how many servers may each fill up to it on one machine.
        machine_bytes: the machine's memory, None where the servers run elsewhere.

    Raises:
        ConfigError: no amount, too small, or together more than the machine has.
    """
    key = BY_NAME["maxmemory"].key
    amount = parse_bytes(text)
    if amount is None:
        raise ConfigError(
            key, text, "an amount such as 256mb or 2gb", "0 and no limit are not accepted"
        )
    if amount < MIN_MAXMEMORY_BYTES:
        raise ConfigError(
            key, text, f"at least {format_bytes(MIN_MAXMEMORY_BYTES)}", "set for example 256mb"
        )
    if machine_bytes is not None and amount * servers > machine_bytes:
        share = machine_bytes // servers // 1024**2
        raise ConfigError(
            key,
            text,
            f"at most {share}mb: {servers} servers share this machine's "
            f"{machine_bytes // 1024**2}mb",
            "lower it, or start fewer servers",
        )
    return amount


def check_expected_sessions(sessions: int | None) -> int | None:
    """A positive number, or unknown. Raises ConfigError."""
    if sessions is not None and sessions < 1:
        raise ConfigError(
            BY_NAME["expectedSessions"].key, sessions, "1 or more", "remove it if it is not known"
        )
    return sessions


def check_dns_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names for certificates, each once, sorted. Raises ConfigError."""
    for name in names:
        if not _DNS_NAME.match(name):
            raise ConfigError(
                BY_NAME["extraDnsNames"].key, name, "DNS names in lower case", "correct it"
            )
    return tuple(sorted(set(names)))


def check_preset(preset: Preset, shape: Shape) -> None:
    """What a stage demands of the shape. Raises ConfigError."""
    if preset is Preset.PROD and shape.topology is Topology.STANDALONE:
        raise ConfigError(
            BY_NAME["topology"].key,
            shape.topology.value,
            "sentinel or cluster with preset prod",
            "one server cannot fail over; choose another topology or another preset",
        )


def plan_ports(shape: Shape, *, base_port: int, sentinel_base_port: int | None) -> Ports:
    """One port for each process.

    Raises:
        ConfigError: below 1024, beyond 65535 (a cluster's bus needs port + 10000 too), or the
            Sentinels' range meets the servers'.
    """
    reach = _CLUSTER_BUS_OFFSET if shape.topology is Topology.CLUSTER else 0
    servers = _port_range("basePort", base_port, shape.servers, reach)
    if not shape.sentinels:
        return Ports(tuple(servers))
    first = base_port + 100 if sentinel_base_port is None else sentinel_base_port
    sentinels = _port_range("sentinelBasePort", first, shape.sentinels, 0)
    if servers.start < sentinels.stop and sentinels.start < servers.stop:
        raise ConfigError(
            BY_NAME["sentinelBasePort"].key,
            first,
            f"ports beside the servers' ({servers.start} to {servers.stop - 1})",
            f"set {servers.stop} or remove it",
        )
    return Ports(tuple(servers), tuple(sentinels))


def _port_range(name: str, first: int, count: int, reach: int) -> range:
    highest = _MAX_PORT - reach - count + 1
    if not _FIRST_UNPRIVILEGED_PORT <= first <= highest:
        extra = ", and the cluster bus takes each port + 10000" if reach else ""
        raise ConfigError(
            BY_NAME[name].key,
            first,
            f"{_FIRST_UNPRIVILEGED_PORT} to {highest}",
            f"{count} ports follow each other from there{extra}",
        )
    return range(first, first + count)


def _renamed(name: str, rule: Callable[[_T], _T], value: _T) -> _T:
    """Apply a rule of the client and name the setting in its error."""
    try:
        return rule(value)
    except ConfigError as error:
        raise ConfigError(BY_NAME[name].key, error.value, error.rule, error.fix) from None
