"""Round trips and bytes of the two calls of a turn, counted where the client writes its socket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from holdfast import ToolFinish, ToolStart
from holdfast.commands.scope import Scope
from holdfast.commands.turn import append
from holdfast.wire import AsyncLink, Broken, Link
from tests.stores import Lab


@dataclass
class Wire:
    """Each exchange: how many bytes were sent and how many replies came back."""

    exchanges: list[tuple[int, int]] = field(default_factory=list)

    def taken(self) -> list[tuple[int, int]]:
        """What was exchanged since the last call of this."""
        found, self.exchanges = self.exchanges, []
        return found


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    found = Wire()
    plain, asynchronous = Link.exchange, AsyncLink.exchange

    def exchange(self: Link, payload: bytes, count: int) -> list[Any]:
        found.exchanges.append((len(payload), count))
        return plain(self, payload, count)

    def exchange_async(self: AsyncLink, payload: bytes, count: int) -> asyncio.Future[list[Any]]:
        found.exchanges.append((len(payload), count))
        return asynchronous(self, payload, count)

    monkeypatch.setattr(Link, "exchange", exchange)
    monkeypatch.setattr(AsyncLink, "exchange", exchange_async)
    return found


def messages(number: int) -> list[dict[str, str]]:
    """A turn of 2,000 bytes, as an agent with one tool call has it."""
    sizes = {"user": 200, "assistant": 200, "tool": 1000, "answer": 600}
    return [{"role": role, "content": "x" * size} for role, size in sizes.items()]


def test_a_turn_is_one_round_trip_up_and_one_down_at_turn_1_and_at_turn_400(
    lab: Lab, wire: Wire
) -> None:
    session = lab.store.create(user="ann")
    lab.store.load(session.session_id)
    lab.store.append(session.session_id, ["warm"], expected_seq=0)
    head = lab.store.load(session.session_id).head
    uploads: dict[int, int] = {}
    loads: dict[int, int] = {}
    wire.taken()
    for number in range(1, 401):
        head = lab.store.append(head, messages(number)).head
        ((uploads[number], replies),) = wire.taken()
        assert replies == 1
        lab.store.load(session.session_id)
        ((loads[number], replies),) = wire.taken()
        assert replies == 5
    assert uploads[400] <= uploads[1] * 1.1
    assert loads[400] == loads[1]
    assert uploads[400] + loads[400] < 3200
    assert len(lab.store.load(session.session_id).messages) == 50


def test_fields_tools_and_leases_ride_in_the_same_round_trip(lab: Lab, wire: Wire) -> None:
    session = lab.store.create(user="ann")
    lease = lab.store.acquire_lease(session.session_id)
    head = lab.store.append(session, ["warm"], lease=lease).head
    wire.taken()
    lab.store.append(
        head,
        ["a"],
        fields={"a": "1"},
        tools=[ToolStart("c", "find", {}), ToolFinish("c", {})],
        lease=lease,
    )
    assert [replies for _, replies in wire.taken()] == [1]


def test_a_turn_whose_reply_was_lost_is_stored_once(sync_lab: Lab) -> None:
    session = sync_lab.store.create()
    operation = append(Scope(sync_lab.space), session, ["a"])
    executor = sync_lab.store._executor
    first, again = executor.run(operation), executor.run(operation)
    assert (first.seq, first.duplicate) == (1, False)
    assert (again.seq, again.duplicate, again.turn_id) == (1, True, first.turn_id)
    assert sync_lab.store.load(session.session_id).messages == ("a",)


def test_a_reply_lost_on_the_wire_is_a_turn_stored_once(
    sync_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = sync_lab.store.create()
    sync_lab.store.append(session, ["warm"])
    plain = Link.exchange
    lost: list[int] = []

    def lose_the_reply(self: Link, payload: bytes, count: int) -> list[Any]:
        replies = plain(self, payload, count)
        if len(lost) < 2:
            lost.append(count)
            self.close()
            # What the socket raises when the peer is gone.
            raise Broken("connection lost", sent=True)
        return replies

    monkeypatch.setattr(Link, "exchange", lose_the_reply)
    head = sync_lab.store.append(session.session_id, ["b"], expected_seq=1)
    assert len(lost) == 2
    assert (head.seq, head.duplicate) == (2, True)
    assert sync_lab.store.load(session.session_id).messages == ("warm", "b")
