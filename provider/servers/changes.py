"""Which change a running server takes in place, and which needs a restart.

The plan is made from the inputs alone. Where the server then refuses a directive as immutable
(what is mutable differs from version to version), the caller falls back to a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from provider.servers.conffile import grouped
from provider.servers.directives import (
    SENTINEL,
    Identity,
    Words,
    canonical_name,
    same_lines,
    sentinel_option,
)
from provider.servers.spec import Kind, ServerSpec

_IMMUTABLE: Final = frozenset(
    {
        "aclfile",
        "always-show-logo",
        "aof-rewrite-cpulist",
        "appenddirname",
        "appendfilename",
        "bgsave-cpulist",
        "bio-cpulist",
        "cluster-config-file",
        "cluster-databases",
        "cluster-enabled",
        "cluster-port",
        "databases",
        "dbfilename",
        "dir",
        "disable-thp",
        "enable-debug-command",
        "enable-module-command",
        "enable-protected-configs",
        "io-threads",
        "io-threads-do-reads",
        "loadmodule",
        "port",
        "rename-command",
        "server-cpulist",
        "set-proc-title",
        "socket-mark-id",
        "syslog-enabled",
        "syslog-facility",
        "syslog-ident",
        "tcp-backlog",
        "tls-port",
        "unixsocket",
        "unixsocketperm",
    }
)
_SENTINEL_SET: Final = frozenset(
    {
        "auth-pass",
        "auth-user",
        "down-after-milliseconds",
        "failover-timeout",
        "parallel-syncs",
        "primary-reboot-down-after-period",
    }
)
_SENTINEL_CONFIG_SET: Final = frozenset(
    {
        "announce-hostnames",
        "announce-ip",
        "announce-port",
        "resolve-hostnames",
        "sentinel-pass",
        "sentinel-user",
    }
)
_SET_LENGTH: Final = 4
_CONFIG_SET_LENGTH: Final = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """How to bring a running process from old inputs to new ones.

    Attributes:
        restart: why it must restart; empty: it keeps running.
        settings: directives for one CONFIG SET (all or none), name and value in turns; secrets
            included.
        sentinel_commands: commands for a Sentinel, secrets included.
        acl: users.acl changes.
        tls: certificate, key or CA change.
    """

    restart: tuple[str, ...] = ()
    settings: tuple[str, ...] = field(default=(), repr=False)
    sentinel_commands: tuple[Words, ...] = field(default=(), repr=False)
    acl: bool = False
    tls: bool = False

    @property
    def live(self) -> bool:
        """Whether there is anything to tell the running process."""
        return bool(self.settings or self.sentinel_commands or self.acl or self.tls)


def plan(old: ServerSpec, new: ServerSpec, drifted: Sequence[str] = ()) -> Plan:
    """Compare two states of one node.

    Args:
        old: inputs as last applied.
        new: inputs to reach.
        drifted: what the files say otherwise, as ``Node.drift`` names it.
    """
    restart: list[str] = []
    if old.executable != new.executable:
        restart.append("executable")
    tls = _tls(old) != _tls(new) or any(name.startswith("tls") for name in drifted)
    if tls and new.kind is Kind.SENTINEL:
        # A Sentinel reads its certificate once: it has no CONFIG SET.
        restart.append("tls")
    settings: list[str] = []
    commands: list[Words] = []
    before, after = grouped(old.managed), grouped(new.managed)
    restart += sorted(" ".join(name) for name in before.keys() - after.keys())
    for name, lines in after.items():
        if same_lines(lines, before.get(name, [])) and " ".join(name) not in drifted:
            continue
        command = _sentinel_command(name, lines) if new.kind is Kind.SENTINEL else None
        if command:
            commands.append(command)
        elif new.kind is Kind.SENTINEL or canonical_name(name[0]) in _IMMUTABLE:
            restart.append(" ".join(name))
        elif (pair := _setting(lines)) and pair not in _pairs(settings):
            settings += pair
    monitor = new.new_conf().monitor
    if new.quorum and monitor and (old.quorum != new.quorum or "sentinel monitor" in drifted):
        commands.append(("SENTINEL", "SET", monitor.service, "quorum", str(new.quorum)))
    return Plan(
        restart=tuple(dict.fromkeys(restart)),
        settings=tuple(settings),
        sentinel_commands=tuple(commands),
        acl=old.acl != new.acl or "acl" in drifted,
        tls=tls,
    )


def _tls(spec: ServerSpec) -> tuple[str, str, str]:
    return spec.tls_certificate_pem, spec.tls_private_key_pem, spec.tls_ca_pem


def _pairs(settings: Sequence[str]) -> list[list[str]]:
    return [list(settings[at : at + 2]) for at in range(0, len(settings), 2)]


def _setting(lines: Sequence[Words]) -> list[str]:
    """Name and value as CONFIG SET takes them: all arguments in one, several lines joined."""
    return [lines[0][0], " ".join(word for line in lines for word in line[1:])]


def _sentinel_command(name: Identity, lines: Sequence[Words]) -> Words | None:
    line = lines[-1]
    if name[0] != SENTINEL or len(line) < _CONFIG_SET_LENGTH:
        return None
    option = sentinel_option(line)
    # The option goes out as it is written in the file: older versions know only the older name.
    if option in _SENTINEL_SET and len(line) == _SET_LENGTH:
        return ("SENTINEL", "SET", line[2], line[1], line[3])
    if option in _SENTINEL_CONFIG_SET and len(line) == _CONFIG_SET_LENGTH:
        return ("SENTINEL", "CONFIG", "SET", line[1], line[2])
    return None
