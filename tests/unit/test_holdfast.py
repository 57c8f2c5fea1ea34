"""The public face of the package."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import holdfast
from holdfast.async_cache import AsyncCache
from holdfast.async_events import AsyncSubscription
from holdfast.async_store import AsyncSessionStore
from holdfast.cache import Cache
from holdfast.connection import Address, Cold, Connection, Tls, Topology, User
from holdfast.errors import ConfigError, Unsupported
from holdfast.events import Subscription
from holdfast.keys import RESERVED_TENANT
from holdfast.roles import Role
from holdfast.store import SessionStore


def connection(**changes: object) -> Connection:
    values: dict[str, object] = {
        "target": "local",
        "topology": Topology.STANDALONE,
        "engine": "valkey",
        "engine_version": "9.1.2",
        "app": "agent",
        "tls": Tls(),
        "primary": Address("127.0.0.1", 1),
        "users": {Role.SVC: User("svc", "pw")},
    }
    return Connection(**(values | changes))  # type: ignore[arg-type] # values by name


def test_all_is_sorted_and_names_every_public_import() -> None:
    tree = ast.parse(Path(holdfast.__file__).read_text())
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("holdfast.")
        for alias in node.names
    }
    assert imported == set(holdfast.__all__)
    assert len(holdfast.__all__) == len(set(holdfast.__all__))
    for name in holdfast.__all__:
        assert getattr(holdfast, name) is not None


def test_every_error_is_exported() -> None:
    kinds = {
        name
        for name, value in vars(holdfast.errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert kinds <= set(holdfast.__all__)


def test_importing_the_package_loads_no_client_library_and_no_asyncio() -> None:
    code = (
        "import sys, holdfast; print(sorted({'asyncio', 'redis', 'valkey', 'ssl', 'hiredis'}"
        " & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_a_misspelled_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="SesionStore"):
        _ = holdfast.SesionStore


def public(kind: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(value)
        for name, value in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [(SessionStore, AsyncSessionStore), (Cache, AsyncCache), (Subscription, AsyncSubscription)],
)
def test_the_synchronous_and_the_asynchronous_classes_offer_the_same(
    one: type, other: type
) -> None:
    ours, theirs = public(one), public(other)
    assert ours.keys() == theirs.keys()
    for name, signature in ours.items():
        expected = {p.name: (p.kind, p.default) for p in signature.parameters.values()}
        found = {p.name: (p.kind, p.default) for p in theirs[name].parameters.values()}
        assert found == expected, name


def test_every_public_method_has_a_docstring() -> None:
    for kind in (SessionStore, AsyncSessionStore, Cache, AsyncCache, Subscription):
        for name, value in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_"):
                assert value.__doc__, (kind, name)


@pytest.mark.parametrize("connect", [holdfast.connect, holdfast.connect_async])
def test_a_store_that_wants_postgresql_is_refused(connect: object) -> None:
    assert callable(connect)
    with pytest.raises(Unsupported, match=r"connection\.cold"):
        connect(connection(cold=Cold.POSTGRES), tenant="acme")


@pytest.mark.parametrize("connect", [holdfast.connect, holdfast.connect_async])
def test_the_reserved_tenant_is_refused_for_applications(connect: object) -> None:
    assert callable(connect)
    with pytest.raises(ConfigError, match="reserved"):
        connect(connection(), tenant=RESERVED_TENANT)


def test_the_reserved_tenant_is_open_to_the_tools_that_check_a_store() -> None:
    with holdfast.connect(connection(), tenant=RESERVED_TENANT, _verify=True) as store:
        assert store.tenant == RESERVED_TENANT


@pytest.mark.parametrize("tenant", ["", "A", "a:b", "a{b}"])
def test_a_bad_tenant_is_refused(tenant: str) -> None:
    with pytest.raises(ConfigError, match="tenant"):
        holdfast.connect(connection(), tenant=tenant)


def test_a_connection_with_one_role_needs_no_name_for_it_and_an_unknown_one_is_refused() -> None:
    both = connection(users={Role.SVC: User("svc", "a"), Role.WORKER: User("worker", "b")})
    worker = connection(users={Role.WORKER: User("worker", "b")})
    for source, role in ((both, None), (both, "worker"), (worker, None)):
        holdfast.connect(source, tenant="acme", role=role).close()
    for role in ("nobody", "monitor"):
        with pytest.raises(ConfigError, match="role"):
            holdfast.connect(both, tenant="acme", role=role)
