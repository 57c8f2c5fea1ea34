"""What Check refuses in the inputs of a ServerProcess, and which inputs mean the same."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from holdfast.errors import ConfigError
from provider.servers.conffile import grouped, seeded
from provider.servers.directives import SENTINEL, Identity, same_lines
from provider.servers.spec import Kind
from provider.servers.tlspair import check_material
from provider.servers.versions import installed_version
from provider.values import Properties, is_known

_NODE: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_MAX_PORT: Final = 65535

RESERVED: Final = frozenset(
    {
        "aclfile",
        "bind",
        "daemonize",
        "dir",
        "include",
        "logfile",
        "pidfile",
        "port",
        "requirepass",
        "supervised",
        "tls-ca-cert-dir",
        "tls-ca-cert-file",
        "tls-cert-file",
        "tls-key-file",
        "tls-port",
        "user",
    }
)
"""Directives that follow from other inputs, or would open a way around TLS and ACL."""

SEED_ONLY: Final = frozenset({"replicaof"})
"""Directives that servers change themselves: they may be seeded, not managed."""


def bad_values(inputs: Mapping[str, object]) -> list[ConfigError]:
    """What is wrong with known inputs, each by itself; unknown ones are left out by the caller."""
    rules = {
        "node": _check_node,
        "kind": _check_kind,
        "groupDir": _check_group_dir,
        "owner": _check_text,
        "port": _check_port,
        "address": _check_address,
        "acl": _check_text,
        "directives": _check_directives,
        "secretDirectives": _check_directives,
        "seed": _check_seed,
        "startTimeoutSeconds": _check_timeout,
    }
    found = []
    for name, rule in rules.items():
        if name in inputs:
            try:
                rule(name, inputs[name])
            except ConfigError as error:
                found.append(error)
    return found


def _check_node(name: str, value: object) -> None:
    if not isinstance(value, str) or not _NODE.fullmatch(value):
        raise ConfigError(name, value, "1 to 63 of a-z, 0-9 and -", "name it for example valkey-0")


def _check_kind(name: str, value: object) -> None:
    if value not in set(Kind):
        raise ConfigError(name, value, "server or sentinel", "choose one of them")


def _check_group_dir(name: str, value: object) -> None:
    if not isinstance(value, str) or not Path(value).is_absolute():
        raise ConfigError(name, value, "an absolute path", "resolve it against the project")


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(name, "(empty)", "a text that is not empty", "set it")


def _check_port(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MAX_PORT:
        raise ConfigError(name, value, "a port from 1 to 65535", "choose a free one")


def _check_address(name: str, value: object) -> None:
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        raise ConfigError(name, value, "an IP address", "for example 127.0.0.1") from None


def _check_timeout(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ConfigError(name, value, "seconds, more than 0", "for example 30")


def _check_directives(name: str, value: object) -> None:
    for field_name, identity in _directives(name, value):
        _refuse_reserved(field_name, identity)
        if identity[0] in SEED_ONLY or identity[:2] == (SENTINEL, "monitor"):
            raise ConfigError(
                field_name, "a value", "who is primary to be seeded only", "move it to seed"
            )


def _check_seed(name: str, value: object) -> None:
    for field_name, identity in _directives(name, value):
        _refuse_reserved(field_name, identity)


def _directives(name: str, value: object) -> Iterator[tuple[str, Identity]]:
    if not isinstance(value, Mapping):
        raise ConfigError(name, type(value).__name__, "a map of directives", "fix it")
    for directive, setting in value.items():
        field_name = f"{name}.{directive}"
        values = setting if isinstance(setting, list) else [setting]
        if not all(isinstance(item, str) for item in values) or not values:
            raise ConfigError(field_name, "(not shown)", "a text or a list of texts", "fix it")
        if any(char in f"{directive}{''.join(values)}" for char in "\r\n\0"):
            raise ConfigError(field_name, "(not shown)", "one line", "remove the line break")
        try:
            identities = list(grouped({directive: setting}))
        except ValueError as error:
            raise ConfigError(field_name, "(not shown)", str(error), "fix it") from None
        yield field_name, identities[0]


def _refuse_reserved(field_name: str, identity: Identity) -> None:
    if identity[0] in RESERVED:
        raise ConfigError(
            field_name, "a value", "no directive that follows from other inputs", "remove it"
        )


def refused_together(old: Properties, new: Properties) -> list[ConfigError]:
    """What is wrong with inputs taken together; unknown and bad ones are left out.

    Args:
        old: inputs as last applied, empty for a new node.
        new: known inputs that are sound by themselves.
    """
    rules = (
        _check_endpoint_kept,
        _check_mode_kept,
        _check_executable,
        _check_tls,
        _check_once,
        _check_monitor,
    )
    found = []
    for rule in rules:
        try:
            rule(old, new)
        except ConfigError as error:
            found.append(error)
    return found


def _is_same_server(old: Properties, new: Properties) -> bool:
    return all(old.get(name) == new.get(name) for name in ("node", "groupDir", "kind"))


def _check_mode_kept(old: Properties, new: Properties) -> None:
    if not _is_same_server(old, new) or "directives" not in new:
        return
    before, after = (_mode(inputs.get("directives", {})) for inputs in (old, new))
    # A server on its own has the newest data, so it may become the first primary of a group. One
    # of a group may be behind, and a cluster's data does not fit anything else.
    if before != after and (before, after) != (_Mode.SINGLE, _Mode.GROUP):
        raise ConfigError(
            "directives",
            after.value,
            f"{before.value}, as {new['node']} has been",
            "keep the topology, or destroy the stack first",
        )


class _Mode(StrEnum):
    SINGLE = "a server on its own"
    GROUP = "a server with replicas"
    CLUSTER = "a node of a cluster"


def _mode(directives: Mapping[str, str | Sequence[str]]) -> _Mode:
    lines = grouped(directives)
    if [words[1].lower() for words in lines.get(("cluster-enabled",), [])] == ["yes"]:
        return _Mode.CLUSTER
    return _Mode.GROUP if ("primaryuser",) in lines else _Mode.SINGLE


def _check_endpoint_kept(old: Properties, new: Properties) -> None:
    if not _is_same_server(old, new):
        return
    for name in ("port", "address"):
        if name in old and name in new and old[name] != new[name]:
            raise ConfigError(
                name,
                new[name],
                f"{old[name]}, by which the other nodes know {new['node']}",
                "keep it, or destroy the stack first",
            )


def _check_executable(old: Properties, new: Properties) -> None:  # noqa: ARG001
    if "executable" in new:
        installed_version(Path(new["executable"]))


def _check_tls(old: Properties, new: Properties) -> None:  # noqa: ARG001
    names = ("tlsCertificatePem", "tlsPrivateKeyPem", "tlsCaPem", "address")
    if all(name in new for name in names):
        check_material(*(new[name] for name in names))


def _check_once(old: Properties, new: Properties) -> None:  # noqa: ARG001
    both = grouped(new.get("directives", {})).keys() & grouped(new.get("secretDirectives", {}))
    if both:
        name = " ".join(min(both))
        raise ConfigError(
            f"secretDirectives.{name}",
            "(not shown)",
            "each directive once",
            "remove one of the two",
        )


def _check_monitor(old: Properties, new: Properties) -> None:  # noqa: ARG001
    if new.get("kind") != Kind.SENTINEL or "seed" not in new:
        return
    if seeded(new["seed"], {}).monitor is None:
        raise ConfigError(
            "seed",
            ", ".join(new["seed"]) or "nothing",
            "what the Sentinel watches",
            "set 'sentinel monitor' to '<service> <host> <port> <quorum>'",
        )


def with_kept_meanings(old: Properties, new: Properties) -> Properties:
    """New inputs, where what means the same as before is said in the old words.

    A config file is seeded once: of the seed only the quorum can change afterwards.
    """
    kept = dict(new)
    for section in ("directives", "secretDirectives"):
        before, after = old.get(section), new.get(section)
        if isinstance(before, dict) and isinstance(after, dict):
            kept[section] = {
                name: before[name] if _same(name, before.get(name), value) else value
                for name, value in after.items()
            }
    if is_known(old.get("seed", {})) and is_known(new.get("seed", {})):
        monitors = [seeded(inputs.get("seed", {}), {}).monitor for inputs in (old, new)]
        if [m and m.quorum for m in monitors[:1]] == [m and m.quorum for m in monitors[1:]]:
            kept["seed"] = old.get("seed", {})
    return kept


def _same(name: str, before: object, after: object) -> bool:
    if before is None or not is_known(before) or not is_known(after):
        return False
    old = grouped({name: before})  # type: ignore[dict-item]  # checked when it was applied
    new = grouped({name: after})  # type: ignore[dict-item]  # checked before
    return old.keys() == new.keys() and all(same_lines(old[key], new[key]) for key in new)
