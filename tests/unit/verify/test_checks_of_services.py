"""Checks against a store that somebody else runs, which tells and keeps apart less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from holdfast.connection import Address, Capability, Connection, User
from holdfast.roles import Role
from holdfast.verify.catalogue import CHECKS
from holdfast.verify.check import Context
from holdfast.verify.result import CheckFailed, NotChecked
from tests.unit.verify.fakes import SECRET, connection, context

BY_NAME = {check.name: check for check in CHECKS}
MEMORY = {"maxmemory": "1000", "maxmemory_policy": "volatile-lru"}


def service(**users: str) -> Connection:
    """A store behind the target existing, its roles logging in as told."""
    return replace(
        connection(),
        target="existing",
        capabilities=frozenset(),
        users={Role(role): User(name, SECRET) for role, name in users.items()},
    )


def telling(
    store: Connection, figures: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> Context:
    """A context whose servers answer INFO with these figures."""

    def info(_self: Context, _address: Address, _section: str) -> Mapping[str, str]:
        return figures

    monkeypatch.setattr(Context, "info", info)
    return context(store)


@pytest.mark.parametrize(
    ("check", "missing"),
    [
        ("eviction takes only keys with a TTL", "maxmemory_policy"),
        ("memory is limited", "maxmemory"),
    ],
)
def test_a_figure_that_a_service_leaves_out_is_not_checked_and_any_other_server_fails(
    check: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = {name: value for name, value in MEMORY.items() if name != missing}
    with pytest.raises(NotChecked, match=f"does not tell {missing}"):
        BY_NAME[check].run(telling(service(svc="svc"), figures, monkeypatch))
    with pytest.raises(CheckFailed):
        BY_NAME[check].run(telling(connection(), figures, monkeypatch))
    own = replace(service(svc="svc"), capabilities=frozenset(Capability))
    with pytest.raises(CheckFailed):
        BY_NAME[check].run(telling(own, figures, monkeypatch))


def test_figures_that_a_service_tells_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    check = BY_NAME["eviction takes only keys with a TTL"]
    assert "volatile-lru" in check.run(telling(service(svc="svc"), MEMORY, monkeypatch))
    wrong = {**MEMORY, "maxmemory_policy": "allkeys-lru"}
    with pytest.raises(CheckFailed, match="allkeys-lru"):
        check.run(telling(service(svc="svc"), wrong, monkeypatch))


def test_default_is_not_held_to_be_off_where_roles_log_in_as_it() -> None:
    check = BY_NAME["the user 'default' cannot log in"]
    with pytest.raises(NotChecked, match="svc log in as 'default'"):
        check.run(context(service(svc="default", monitor="watch")))
