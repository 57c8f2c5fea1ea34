"""What a subscriber connection is about, without any input or output.

Pub/Sub delivers at most once. So every break, however short, is told to the reader, who then
looks whether something was missed.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from holdfast.connection import Address, Topology
from holdfast.resp import ErrorReply
from holdfast.retry import Failure, Kind
from holdfast.routes import Routes


class Reconnected:
    """Told once after a connection was lost and every channel subscribed again."""

    def __repr__(self) -> str:
        return "RECONNECTED"


RECONNECTED: Final = Reconnected()

Message = tuple[str, bytes]
"""A channel and what was published on it."""


class Subscriptions:
    """The channels that are wanted, where they are subscribed, and what has arrived.

    In a cluster channels are sharded: each is served where the slot of its name is.
    """

    def __init__(self, topology: Topology) -> None:
        sharded = topology.clustered
        self.subscribe_command = "SSUBSCRIBE" if sharded else "SUBSCRIBE"
        self.unsubscribe_command = "SUNSUBSCRIBE" if sharded else "UNSUBSCRIBE"
        self.arrived: deque[Message | Reconnected] = deque()
        self._at: dict[str, Address | None] = {}
        self._gap = False

    def want(self, channels: tuple[str, ...]) -> list[str]:
        """Add channels; tells which were not there already."""
        added = [channel for channel in dict.fromkeys(channels) if channel not in self._at]
        self._at.update(dict.fromkeys(added))
        return added

    def drop(self, channels: tuple[str, ...]) -> dict[Address, list[str]]:
        """Remove channels; tells on which servers they were subscribed."""
        dropped: dict[Address, list[str]] = {}
        for channel in channels:
            address = self._at.pop(channel, None)
            if address is not None:
                dropped.setdefault(address, []).append(channel)
        return dropped

    @property
    def missing(self) -> list[str]:
        """The channels that are wanted but not subscribed now."""
        return [channel for channel, address in self._at.items() if address is None]

    def used(self, address: Address) -> bool:
        """Whether anything is subscribed on a server."""
        return address in self._at.values()

    def lost(self, address: Address) -> None:
        """The connection to a server is gone."""
        for channel, place in self._at.items():
            if place == address:
                self._at[channel] = None
                self._gap = True

    def settled(self) -> None:
        """Everything that is wanted is subscribed; where it was not always, say so."""
        if self._gap:
            self._gap = False
            self.arrived.append(RECONNECTED)

    def take(self, reply: Any, address: Address, routes: Routes) -> Failure | None:  # noqa: ANN401
        """Work in what a server sent; a Failure where it refused."""
        if isinstance(reply, ErrorReply):
            return routes.judge(reply.text, address)
        kind = reply[0]
        if kind in (b"message", b"smessage"):
            self.arrived.append((reply[1].decode(), reply[2]))
        elif kind in (b"subscribe", b"ssubscribe"):
            if (channel := reply[1].decode()) in self._at:
                self._at[channel] = address
        elif kind in (b"unsubscribe", b"sunsubscribe"):
            # Not asked for where the channel is still wanted: its slot has moved.
            if (channel := (reply[1] or b"").decode()) in self._at:
                self._at[channel] = None
                self._gap = True
        elif kind != b"pong":
            return Failure(Kind.BROKEN, "a reply that is no message", address)
        return None
