"""A store's names in its cluster, read back from its Connection."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.cluster.store import StoreName
from holdfast.connection import Address, Connection
from holdfast.errors import ConfigError
from holdfast.roles import Place, Role
from k8s.names import Names, store_selector
from tests.unit.verify.fakes import connection

NAMES = Names("chat-store", "agents", "example.org")


def deployed(names: Names = NAMES, *, target: str = "kubernetes") -> Connection:
    hosts = [names.fqdn(Place.SENTINEL, number) for number in range(3)]
    return replace(
        connection(), target=target, sentinels=tuple(Address(host, 26379) for host in hosts)
    )


@pytest.mark.parametrize("name", ["store", "chat-store", "a-sentinel-b"])
def test_the_names_are_those_that_the_objects_were_given(name: str) -> None:
    names = Names(name, "agents", "example.org")
    found = StoreName.of(deployed(names))
    assert found == StoreName(name, "agents", "svc.example.org")
    assert found.labels == store_selector(names)
    assert found.workload(sentinel=False) == names.workload(Place.SERVER)
    assert found.workload(sentinel=True) == names.workload(Place.SENTINEL)
    assert found.connection_secret(Role.SVC) == names.connection(Role.SVC)
    assert found.fqdn(names.pod(Place.SERVER, 2)) == names.fqdn(Place.SERVER, 2)


def test_a_store_elsewhere_is_refused_though_its_names_look_alike() -> None:
    with pytest.raises(ConfigError, match="target local, first Sentinel chat-store-sentinel-0"):
        StoreName.of(deployed(target="local"))


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "store-sentinel-0", "store-sentinel-0.agents", "sentinel-0.agents.svc.x"]
)
def test_a_sentinel_that_this_kit_did_not_name_is_refused(host: str) -> None:
    store = replace(deployed(), sentinels=(Address(host, 26379),))
    with pytest.raises(ConfigError, match="a store of the target kubernetes"):
        StoreName.of(store)


def test_a_store_without_sentinels_is_refused() -> None:
    with pytest.raises(ConfigError, match="first Sentinel none"):
        StoreName.of(replace(deployed(), sentinels=()))
