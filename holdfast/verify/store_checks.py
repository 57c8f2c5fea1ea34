"""Checks of how the servers are set: TTL on every key, eviction, memory, persistence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from holdfast.connection import Address, Topology
from holdfast.roles import Role
from holdfast.verify.check import Check, Context
from holdfast.verify.nodes import pairs
from holdfast.verify.probe import Refused
from holdfast.verify.result import CheckFailed, Group, NotChecked, count_of, require

# Outbox and due, the keys that have no TTL on purpose, exist only with a cold store.
_ALLOWED_WITHOUT_TTL: Final = 0
_KEYSPACE: Final = re.compile(r"keys=(\d+),expires=(\d+)")
_MIB: Final = 1024 * 1024


def _ttl_on_every_key(context: Context) -> str:
    keys = without = 0
    for server in context.nodes.primaries:
        # The client uses database 0 alone; what lies in others is not ours.
        match = _KEYSPACE.match(context.info(server.address, "keyspace").get("db0", ""))
        if match is not None:
            keys += int(match.group(1))
            without += int(match.group(1)) - int(match.group(2))
    if without == _ALLOWED_WITHOUT_TTL:
        servers = count_of(len(context.nodes.primaries), "server")
        return f"{count_of(keys, 'key')} on {servers}, all with a TTL"
    others = _others_who_write(context)
    if others:
        raise NotChecked(f"not checkable: {without} keys have no TTL, but {others} share the store")
    raise CheckFailed(
        "a TTL on every key (keys less expiring keys = 0, by INFO)",
        f"{without} of {keys} keys without one",
        "find who wrote them (redis-cli --scan as admin, off-peak); Holdfast's own client never "
        "does",
    )


def _others_who_write(context: Context) -> str:
    """Who else may own keys here: told from the logins, as looking at keys would need SCAN."""
    if context.connection.target == "aws":
        # The store's users are the stack's own, and each is held to the application's prefix.
        return ""
    if context.connection.target == "existing":
        return "others may"
    if not context.access.holds(Role.ADMIN):
        return ""
    ours = {user.name for user in context.connection.users.values()} | {*Role, "default"}
    others: set[str] = set()
    for server in context.nodes.primaries:
        try:
            names = context.call(server.address, Role.ADMIN, "ACL", "USERS")
            for name in set(names) - ours:
                user = pairs(context.call(server.address, Role.ADMIN, "ACL", "GETUSER", name))
                if "on" in user["flags"] and user["keys"]:
                    others.add(name)
        except Refused:
            return "others may"
    return ", ".join(sorted(others))


def _eviction(context: Context) -> str:
    if context.connection.topology is Topology.SERVERLESS:
        raise NotChecked("fixed by the service (volatile-lru), which shows none of its servers")
    for address, memory in _each(context, "memory"):
        policy = _told(context, memory, "maxmemory_policy")
        require(
            policy.startswith("volatile-"),
            "an eviction policy of the volatile kind",
            f"{policy} on {address}",
            "set maxmemory-policy to volatile-lru: allkeys-* evicts what must stay, noeviction "
            "refuses every write when memory is full",
        )
        wanted = context.connection.capacity.eviction_policy
        require(
            wanted in (None, policy),
            f"the policy {wanted} that was set at deployment",
            f"{policy} on {address}",
            "deploy again (pulumi up --refresh)",
        )
    return f"{policy} on {count_of(len(context.nodes.servers), 'server')}"


def _maxmemory(context: Context) -> str:
    if context.connection.topology is Topology.SERVERLESS:
        raise NotChecked("set as a maximum of storage in the service, which shows no server's")
    # A service takes its own reserve off what the type of node has.
    managed = context.connection.managed
    wanted = None if managed else context.connection.capacity.maxmemory_bytes
    for address, memory in _each(context, "memory"):
        limit = int(_told(context, memory, "maxmemory"))
        require(
            limit > 0,
            "a memory limit",
            f"maxmemory 0 on {address}",
            "set holdfast:maxmemory and deploy: without it the kernel decides when to stop",
        )
        require(
            wanted in (None, limit),
            f"maxmemory {wanted} as deployed",
            f"{limit} on {address}",
            "deploy again (pulumi up --refresh)",
        )
    return f"{limit / _MIB:.0f} MiB on {count_of(len(context.nodes.servers), 'server')}"


def _append_only_file(context: Context) -> str:
    if context.connection.managed:
        raise NotChecked("the managed service keeps the data in its own way")
    for address, found in _each(context, "persistence"):
        require(
            found.get("aof_enabled") == "1",
            "the append-only file switched on",
            f"aof_enabled:{found.get('aof_enabled')} on {address}",
            "set appendonly yes: after a restart this server would come back empty",
        )
        for state in ("aof_last_write_status", "aof_last_bgrewrite_status"):
            require(
                found.get(state) == "ok",
                f"{state}:ok",
                f"{state}:{found.get(state)} on {address}",
                "see the server's log; often the disk is full",
            )
    return f"on {count_of(len(context.nodes.servers), 'server')}"


def _told(context: Context, memory: Mapping[str, str], name: str) -> str:
    """A figure of INFO. Raises NotChecked where a service leaves it out."""
    value = memory.get(name, "0")
    if value == "0" and context.connection.managed:
        raise NotChecked(f"the service does not tell {name}")
    return value


def _each(context: Context, section: str) -> Iterator[tuple[Address, Mapping[str, str]]]:
    """A section of every server's INFO: a replica of today is the primary of tomorrow."""
    for server in context.nodes.servers:
        yield server.address, context.info(server.address, section)


CHECKS: Final = (
    Check(Group.STORE, "every key has a TTL", _ttl_on_every_key),
    Check(Group.STORE, "eviction takes only keys with a TTL", _eviction),
    Check(Group.STORE, "memory is limited", _maxmemory),
    Check(Group.STORE, "the append-only file is on and written", _append_only_file),
)
