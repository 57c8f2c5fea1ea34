"""The settings that only target existing has. Offline: the store is not asked here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from config.ca_file import read_ca
from config.logins import load_logins
from config.place import Place
from config.reader import ConfigReader
from config.schema import BY_NAME, Engine
from config.shape import Shape
from holdfast.connection import SYSTEM_CA, Address, Capability, Topology, User
from holdfast.errors import ConfigError
from holdfast.roles import Role

_VERSION: Final = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}(\.[0-9]{1,4})?\Z")
_ADDRESSES: Final = {
    Topology.STANDALONE: ("endpoint",),
    Topology.REPLICATION_GROUP: ("endpoint", "readerEndpoint"),
    Topology.SERVERLESS: ("endpoint", "readerEndpoint"),
    Topology.SENTINEL: ("sentinelAddresses", "sentinelService"),
    Topology.CLUSTER: ("seeds",),
}
_OPTIONAL: Final = ("readerEndpoint",)


@dataclass(frozen=True, slots=True)
class ExistingSettings:
    """What is told of a store that runs already; config/existing_schema.py says what each means.

    Attributes:
        ca: certificates as PEM, or ``system``.
        users: by role, with their passwords; not in ``repr``.
        maxmemory_bytes: of each server; None: not told. Likewise ``eviction_policy``.
    """

    primary: Address | None
    reader: Address | None
    seeds: tuple[Address, ...]
    sentinels: tuple[Address, ...]
    sentinel_service: str | None
    engine: Engine
    engine_version: str
    ca: str = field(repr=False)
    users: Mapping[Role, User] = field(repr=False)
    capabilities: frozenset[Capability]
    maxmemory_bytes: int | None
    eviction_policy: str | None


def load_existing_settings(
    reader: ConfigReader, shape: Shape, place: Place, maxmemory_bytes: int
) -> ExistingSettings:
    """Read what only target existing has.

    Args:
        reader: settings over the preset.
        shape: of the store.
        place: where relative paths begin.
        maxmemory_bytes: of each server; 0: not told.

    Raises:
        ConfigError: an address is missing or not of the topology, or a value breaks a rule.
    """
    _check_addresses(reader, shape.topology)
    ca_file = reader.optional_text("caFile")
    return ExistingSettings(
        primary=_one(reader, "endpoint"),
        reader=_one(reader, "readerEndpoint"),
        seeds=_several(reader, "seeds"),
        sentinels=_several(reader, "sentinelAddresses"),
        sentinel_service=reader.optional_text("sentinelService"),
        engine=reader.optional_choice(Engine, "engine") or Engine.VALKEY,
        engine_version=_version(reader.optional_text("engineVersion")),
        ca=SYSTEM_CA if ca_file is None else read_ca("caFile", ca_file, place),
        users=load_logins(reader, place),
        capabilities=reader.choices(Capability, "capabilities"),
        maxmemory_bytes=maxmemory_bytes or None,
        eviction_policy=reader.text("evictionPolicy")
        if reader.is_given("evictionPolicy")
        else None,
    )


def _check_addresses(reader: ConfigReader, topology: Topology) -> None:
    wanted = _ADDRESSES[topology]
    for name in {name for names in _ADDRESSES.values() for name in names}:
        given = reader.is_given(name)
        if given and name not in wanted:
            others = [kind for kind, names in _ADDRESSES.items() if name in names]
            raise ConfigError(
                BY_NAME[name].key,
                reader.shown(name),
                f"{BY_NAME['topology'].key} {' or '.join(others)}, and it is {topology}",
                "remove it, or set the topology",
            )
        if not given and name in wanted and name not in _OPTIONAL:
            raise ConfigError(
                BY_NAME[name].key,
                "nothing",
                f"a value with target existing and topology {topology}",
                "set it",
            )


def _one(reader: ConfigReader, name: str) -> Address | None:
    text = reader.optional_text(name)
    return None if text is None else _address(name, text)


def _several(reader: ConfigReader, name: str) -> tuple[Address, ...]:
    return tuple(dict.fromkeys(_address(name, text) for text in reader.texts(name)))


def _address(name: str, text: str) -> Address:
    try:
        return Address.parse(text)
    except ConfigError:
        hint = "leave out the scheme and the login" if "//" in text or "@" in text else ""
        # A URL may hold a password.
        shown = "(a URL)" if hint else text
        raise ConfigError(
            BY_NAME[name].key,
            shown,
            "host:port",
            hint or "write for example cache.example.com:6379",
        ) from None


def _version(text: str | None) -> str:
    if text is None or not _VERSION.match(text):
        raise ConfigError(
            BY_NAME["engineVersion"].key,
            text or "nothing",
            "the version that the store says (INFO server), with target existing",
            'set for example "8.0", quoted',
        )
    return text
