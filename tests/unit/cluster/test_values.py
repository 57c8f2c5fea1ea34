from __future__ import annotations

import json
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.cluster import tasks
from holdfast.cluster.remote import methods
from holdfast.cluster.values import WireError, from_wire, to_wire
from holdfast.connection import Address, Connection, Tls, Topology, User
from holdfast.roles import Place, Role
from holdfast.rotation.settings import CaStage, PasswordStage, RotationSettings

_Anything: TypeAlias = Any
_SENTINELS = (Address("store-sentinel-0.here.svc.cluster.local", 26379),)


class _Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class _Pair:
    left: int
    right: _Colour | None = None


def _through(hint: _Anything, value: object) -> _Anything:
    return from_wire(hint, json.loads(json.dumps(to_wire(value))))


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (None, None),
        (int, 3),
        (float, 2.5),
        (str | None, None),
        (str | None, "x"),
        (_Colour, _Colour.RED),
        (frozenset[_Colour], frozenset({_Colour.RED})),
        (tuple[int, str], (1, "a")),
        (tuple[_Pair, ...], (_Pair(1), _Pair(2, _Colour.RED))),
        (Sequence[str], ("a", "b")),
        (list[int], [1, 2]),
        (dict[str, int], {"a": 1}),
        (Mapping[Place, int], {Place.SERVER: 5}),
        (Mapping[int, str], {1: "a"}),
        (tuple[tuple[float, str], ...], ((0.5, "x"),)),
        (Any, {"free": [1, None]}),
    ],
)
def test_a_value_comes_back_as_it_was(hint: _Anything, value: object) -> None:
    assert _through(hint, value) == value
    assert type(_through(hint, value)) is type(value)


def test_a_connection_comes_back_with_its_passwords() -> None:
    connection = Connection(
        target="kubernetes",
        topology=Topology.SENTINEL,
        engine="valkey",
        engine_version="9.1.2",
        app="app",
        users={Role.SVC: User("svc", password="kept")},
        tls=Tls(),
        sentinels=_SENTINELS,
        sentinel_service="here-store",
        dial={_SENTINELS[0].host: "10.96.0.1"},
    )
    assert _through(Connection, connection) == connection


@given(
    st.builds(
        RotationSettings,
        st.dictionaries(st.sampled_from(list(Role)), st.integers(1, 99)),
        st.sampled_from(PasswordStage),
        st.integers(0, 99),
        st.integers(0, 99),
        st.sampled_from(CaStage),
    )
)
def test_rotation_settings_come_back_as_they_were(settings: RotationSettings) -> None:
    assert _through(RotationSettings, settings) == settings


@pytest.mark.parametrize(
    ("hint", "data"),
    [
        (int, "3"),
        (int, True),
        (bool, 1),
        (str, None),
        (_Colour, "blue"),
        (_Pair, {"left": 1}),
        (_Pair, {"left": 1, "right": None, "more": 2}),
        (_Pair, [1, None]),
        (tuple[int, str], [1]),
        (tuple[int, ...], {"a": 1}),
        (dict[str, int], [1]),
        (Mapping[int, str], {"x": "a"}),
        (int | None, "x"),
        (Address, {"host": "a b", "port": 1}),
    ],
)
def test_data_of_another_type_is_refused_without_being_quoted(
    hint: _Anything, data: _Anything
) -> None:
    with pytest.raises(WireError) as caught:
        from_wire(hint, data)
    assert "blue" not in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_arrives_is_read_or_refused(data: _Anything) -> None:
    for hint in (Connection, tuple[_Pair, ...], Mapping[Role, int], RotationSettings | None):
        try:
            from_wire(hint, data)
        except WireError:
            continue


def test_an_object_that_is_no_plain_value_is_not_sent() -> None:
    with pytest.raises(TypeError, match="object is not sent"):
        to_wire({"a": object()})


def _leaves(hint: _Anything) -> list[Any]:
    arguments = [part for part in typing.get_args(hint) if part is not Ellipsis]
    return [leaf for part in arguments for leaf in _leaves(part)] if arguments else [hint]


def test_every_type_that_a_task_or_its_hands_use_can_be_sent() -> None:
    """A method added to a Protocol must not fail only when it is called in a cluster."""
    hints = []
    for kind in tasks.KINDS.values():
        hints += [kind.task, kind.result]
        for protocol in kind.hands.values():
            for method in methods(protocol).values():
                hints += [*method.arguments.values(), method.result]
    assert hints
    for leaf in (leaf for hint in hints for leaf in _leaves(hint)):
        try:
            from_wire(leaf, object())
        except WireError:
            continue
