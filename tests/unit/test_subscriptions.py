"""What a subscriber connection is about, without a network."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.connection import Address, Topology
from holdfast.resp import ErrorReply
from holdfast.retry import Kind
from holdfast.routes import Routes
from holdfast.subscriptions import RECONNECTED, Subscriptions

HERE, THERE = Address("127.0.0.1", 7600), Address("127.0.0.1", 7601)
ROUTES = Routes(HERE)


def _confirm(subscriptions: Subscriptions, channel: str, address: Address = HERE) -> None:
    reply: Any = [b"subscribe", channel.encode(), 1]
    assert subscriptions.take(reply, address, ROUTES) is None


def test_channels_are_missing_until_the_server_confirms_them() -> None:
    subscriptions = Subscriptions(Topology.SENTINEL)
    subscriptions.want(("a", "b"))
    assert subscriptions.missing == ["a", "b"]
    _confirm(subscriptions, "a")
    assert subscriptions.missing == ["b"]
    _confirm(subscriptions, "b")
    subscriptions.settled()
    assert not subscriptions.arrived


def test_messages_are_kept_in_order() -> None:
    subscriptions = Subscriptions(Topology.STANDALONE)
    for kind, text in ((b"message", b"1"), (b"smessage", b"2")):
        subscriptions.take([kind, b"a", text], HERE, ROUTES)
    subscriptions.take([b"pong", b""], HERE, ROUTES)
    assert list(subscriptions.arrived) == [("a", b"1"), ("a", b"2")]


def test_a_break_is_told_once_everything_is_subscribed_again() -> None:
    subscriptions = Subscriptions(Topology.STANDALONE)
    subscriptions.want(("a",))
    _confirm(subscriptions, "a")
    subscriptions.settled()
    subscriptions.lost(HERE)
    assert subscriptions.missing == ["a"]
    _confirm(subscriptions, "a")
    subscriptions.settled()
    subscriptions.settled()
    assert list(subscriptions.arrived) == [RECONNECTED]


def test_a_lost_shard_breaks_only_its_channels() -> None:
    subscriptions = Subscriptions(Topology.CLUSTER)
    assert subscriptions.subscribe_command == "SSUBSCRIBE"
    subscriptions.want(("a", "b"))
    _confirm(subscriptions, "a", HERE)
    _confirm(subscriptions, "b", THERE)
    subscriptions.lost(THERE)
    assert subscriptions.missing == ["b"]


def test_a_channel_whose_slot_moves_is_subscribed_again() -> None:
    subscriptions = Subscriptions(Topology.CLUSTER)
    subscriptions.want(("a",))
    _confirm(subscriptions, "a")
    subscriptions.take([b"sunsubscribe", b"a", 0], HERE, ROUTES)
    assert subscriptions.missing == ["a"]
    _confirm(subscriptions, "a", THERE)
    subscriptions.settled()
    assert list(subscriptions.arrived) == [RECONNECTED]


def test_a_dropped_channel_is_not_missed() -> None:
    subscriptions = Subscriptions(Topology.STANDALONE)
    subscriptions.want(("a", "b"))
    _confirm(subscriptions, "a")
    assert subscriptions.drop(("a", "b", "c")) == {HERE: ["a"]}
    subscriptions.take([b"unsubscribe", b"a", 0], HERE, ROUTES)
    subscriptions.lost(HERE)
    subscriptions.settled()
    assert not subscriptions.missing
    assert not subscriptions.arrived


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (ErrorReply("NOPERM no channel"), Kind.FORBIDDEN),
        (ErrorReply("MOVED 1 127.0.0.1:7601"), Kind.MOVED),
        ([b"surprise"], Kind.BROKEN),
    ],
)
def test_a_refusal_is_a_failure(reply: object, kind: Kind) -> None:
    failure = Subscriptions(Topology.CLUSTER).take(reply, HERE, ROUTES)
    assert failure is not None
    assert failure.kind is kind
