"""Where an operation goes: a fixed server, the primary that Sentinels name, or the owner of a slot.

Nothing here touches the network. :meth:`Routes.locate` is a generator that yields the questions to
ask and is sent the answers, so that the synchronous and the asynchronous client share it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from holdfast.connection import Address, Connection, Topology
from holdfast.keys import crc16
from holdfast.retry import Failure, Kind, failure_of_reply

SLOTS: Final = 16384
_CONFIRMED_FOR_SECONDS: Final = 1.0
_MOST_TELLING: Final = (Kind.LOGIN, Kind.FORBIDDEN, Kind.UNTRUSTED)


class Ask(NamedTuple):
    """One question to one server or Sentinel; the answer is its reply or a Failure."""

    address: Address
    command: tuple[str, ...]
    sentinel: bool


Location = Generator[Ask, Any, Failure | None]
"""Ends with None once the way is known, else with why it is not."""


class Routes:
    """A store whose address never changes, and the base of the others.

    Attributes:
        follows_name: the address is a name that leads to another server after a failover. Every
            new connection looks it up anew; the open ones stay with the server they were made to.
        version: grows with every finished :meth:`locate`.
        problem: how the last one ended. Callers who waited while another asked take this over:
            if a thousand tasks asked a hung Sentinel one after another, none would get through.
        primary: the server, where there is one for all keys and it is known.
    """

    def __init__(self, address: Address | None, *, follows_name: bool = False) -> None:
        self.follows_name = follows_name
        self.version = 0
        self.problem: Failure | None = None
        self.primary = address

    def where(self, key: str) -> Address | None:  # noqa: ARG002 - the cluster needs it
        """The server for a key, or None before the first :meth:`locate`."""
        return self.primary

    def confirmed(self, now: float) -> bool:  # noqa: ARG002 - Sentinels need it
        """Whether a connection may be opened without asking again where to."""
        return True

    def locate(self, now: float) -> Location:  # noqa: ARG002 - Sentinels need it
        """Ask where operations go."""
        yield from ()
        return self._end(None)

    def _end(self, problem: Failure | None) -> Failure | None:
        self.problem = problem
        self.version += 1
        return problem

    def judge(self, text: str, address: Address) -> Failure:
        """Classify an error reply and learn from it."""
        failure = failure_of_reply(text, address)
        if failure.kind is Kind.ELSEWHERE:
            self._reject(address)
        elif failure.kind is Kind.MOVED:
            self._follow(failure)
        return failure

    def _reject(self, address: Address) -> None:
        """Learn that a server says it is not the primary."""

    def _follow(self, failure: Failure) -> None:
        """Learn that a slot has moved."""


class SentinelRoutes(Routes):
    """The primary that the Sentinels name. The one that answered last is asked first."""

    def __init__(self, sentinels: Sequence[Address], service: str) -> None:
        super().__init__(None)
        self._sentinels = list(sentinels)
        self._command = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)
        self._service = service
        self._located_at = float("-inf")
        self._rejected: Address | None = None

    def confirmed(self, now: float) -> bool:
        """True for a second after an answer: a pool that fills up asks once, a late one again."""
        return now - self._located_at < _CONFIRMED_FOR_SECONDS

    def _reject(self, address: Address) -> None:
        """The next answer that still names this server is doubted while there is another."""
        self._rejected = address
        self._located_at = float("-inf")

    def locate(self, now: float) -> Location:
        """Ask the Sentinels one after another until one names the primary."""
        failures: list[Failure] = []
        doubted: tuple[Address, Address] | None = None
        for sentinel in list(self._sentinels):
            answer = yield Ask(sentinel, self._command, sentinel=True)
            if isinstance(answer, Failure):
                failures.append(answer)
            elif answer is None:
                text = f"this Sentinel does not know the service {self._service!r}"
                failures.append(Failure(Kind.ELSEWHERE, text, sentinel))
            else:
                primary = Address(answer[0].decode(), int(answer[1]))
                if primary != self._rejected:
                    return self._settle(sentinel, primary, now)
                doubted = doubted or (sentinel, primary)
        if doubted is not None:
            return self._settle(*doubted, now)
        return self._end(worst(failures))

    def _settle(self, sentinel: Address, primary: Address, now: float) -> Failure | None:
        self._sentinels.remove(sentinel)
        self._sentinels.insert(0, sentinel)
        self.primary = primary
        self._rejected = None
        self._located_at = now
        return self._end(None)


class ClusterRoutes(Routes):
    """The slot map, learnt from any node."""

    def __init__(self, seeds: Sequence[Address]) -> None:
        super().__init__(None)
        self._seeds = tuple(seeds)
        self._starts: list[int] = []
        self._ranges: list[tuple[int, Address]] = []
        self._moved: dict[int, Address] = {}
        self._answered: Address | None = None

    def where(self, key: str) -> Address | None:
        """The primary of the key's slot; None where the map does not cover it."""
        slot = slot_of(key)
        if self._moved and slot in self._moved:
            return self._moved[slot]
        index = bisect_right(self._starts, slot) - 1
        if index < 0:
            return None
        end, address = self._ranges[index]
        return address if slot <= end else None

    def _follow(self, failure: Failure) -> None:
        """Follow a slot at once; the whole map is asked for when a node fails."""
        word = failure.text.split(" ")
        if failure.target is not None:
            self._moved[int(word[1])] = failure.target

    def locate(self, now: float) -> Location:  # noqa: ARG002 - as the base has it
        """Ask the nodes one after another until one gives the map; who answered last first."""
        failures: list[Failure] = []
        nodes = [address for _, address in self._ranges]
        if self._answered is not None:
            nodes.insert(0, self._answered)
        for node in dict.fromkeys((*nodes, *self._seeds)):
            answer = yield Ask(node, ("CLUSTER", "SLOTS"), sentinel=False)
            if isinstance(answer, Failure):
                failures.append(answer)
            elif not answer:
                failures.append(Failure(Kind.ELSEWHERE, "serves no slots yet", node))
            else:
                self._learn(answer, node)
                self._answered = node
                return self._end(None)
        return self._end(worst(failures))

    def _learn(self, answer: Sequence[Any], node: Address) -> None:
        ranges = sorted(
            (start, end, Address((primary[0] or b"").decode() or node.host, primary[1]))
            for start, end, primary, *_ in answer
        )
        self._starts = [start for start, _, _ in ranges]
        self._ranges = [(end, address) for _, end, address in ranges]
        self._moved = {}


def worst(failures: Sequence[Failure]) -> Failure:
    """The failure that tells most: a refusal before an outage."""
    for failure in failures:
        if failure.kind in _MOST_TELLING:
            return failure
    text = "; ".join(map(str, failures)) or "nobody to ask"
    return Failure(Kind.BROKEN, text)


@lru_cache(maxsize=4096)
def _slot_of_tag(tag: str) -> int:
    return crc16(tag.encode()) % SLOTS


def slot_of(key: str) -> int:
    """The cluster slot of a key or channel: of its hash tag where it has one."""
    start = key.find("{")
    if start >= 0:
        end = key.find("}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return _slot_of_tag(key)


def routes_for(connection: Connection) -> Routes:
    """The routes of a store's topology."""
    match connection.topology:
        case Topology.SENTINEL:
            return SentinelRoutes(connection.sentinels, connection.sentinel_service or "")
        case Topology.CLUSTER:
            return ClusterRoutes(connection.seeds)
        case Topology.SERVERLESS if connection.primary is not None:
            # A cluster behind one name: it serves the slot map, and may move slots between ports.
            return ClusterRoutes((connection.primary,))
        case Topology.REPLICATION_GROUP:
            return Routes(connection.primary, follows_name=True)
        case _:
            return Routes(connection.primary)
