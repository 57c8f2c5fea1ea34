"""The config file of a server or Sentinel, as a document: seeded once, then patched.

The server rewrites this file (CONFIG REWRITE, each state change of a Sentinel), so the file has
two authors. A patch sets and removes the directives that are managed here and leaves everything
else as it is: comments, what the server wrote, who the primary is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self

from holdfast.connection import Address
from holdfast.errors import ConfigError
from provider.servers.directives import (
    REPLICAOF,
    SENTINEL,
    Identity,
    Words,
    identity,
    lines_of,
    same_lines,
    sentinel_option,
)
from provider.servers.words import join, split

_MONITOR_LENGTH: Final = 6
"""``sentinel monitor <service> <host> <port> <quorum>``."""

_KNOWN_REPLICA: Final = frozenset({"known-replica", "known-slave"})
_EPOCH_LENGTH: Final = 4
_REPLICAOF_LENGTH: Final = 3

Directives = Mapping[str, str | Sequence[str]]
"""Managed directives by name; a list of values makes a line each."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its text, and its words unless it is blank or a comment. It may be a secret."""

    text: str = field(repr=False)
    words: Words = field(default=(), repr=False)

    @classmethod
    def of(cls, words: Words) -> Self:
        """A line that says these words."""
        return cls(join(words), words)


@dataclass(frozen=True, slots=True)
class Monitor:
    """What a Sentinel's file says about its primary.

    Attributes:
        service: the name under which it is monitored.
        address: the current primary.
        quorum: how many Sentinels must agree that it is down.
        config_epoch: grows with each failover; the highest among the Sentinels is the truth.
    """

    service: str
    address: Address
    quorum: int
    config_epoch: int


@dataclass(frozen=True, slots=True)
class ConfFile:
    """A config file's lines. Changes return a new document."""

    lines: tuple[Line, ...] = ()

    @classmethod
    def parse(cls, data: bytes, *, source: str = "config file") -> Self:
        """Read a file's bytes.

        Raises:
            ConfigError: a line cannot be split into words. The line is not shown: it may hold a
                password.
        """
        lines = []
        for number, raw in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
            text = raw.strip(" \t\r")
            try:
                words = () if text.startswith("#") else tuple(split(text))
            except ValueError as error:
                raise ConfigError(
                    f"{source}, line {number}",
                    "(not shown)",
                    "words the server can read",
                    str(error),
                ) from None
            lines.append(Line(text, words))
        while lines and not lines[-1].text:
            lines.pop()
        return cls(tuple(lines))

    def render(self) -> bytes:
        """The file's bytes."""
        text = "".join(f"{line.text}\n" for line in self.lines)
        return text.encode("utf-8", "surrogateescape")

    def find(self, name: Identity) -> list[Words]:
        """The lines that set this, in order."""
        return [line.words for line in self.lines if line.words and identity(line.words) == name]

    def patch(self, managed: Directives, *, previous: Directives | None = None) -> ConfFile:
        """Set the managed directives and drop those no longer managed.

        What already means the same is left in the server's own words.

        Args:
            managed: what the file must say.
            previous: what was managed before; what is missing in ``managed`` is dropped.
        """
        document = self
        wanted = grouped(managed)
        for name in grouped(previous or {}).keys() - wanted.keys():
            document = document._put(name, ())
        for name, lines in wanted.items():
            if not same_lines(lines, document.find(name)):
                document = document._put(name, lines)
        return document

    def differences(self, managed: Directives) -> tuple[str, ...]:
        """Names of the managed directives that the file does not say, sorted."""
        wanted = grouped(managed)
        return tuple(
            sorted(
                " ".join(name)
                for name, lines in wanted.items()
                if not same_lines(lines, self.find(name))
            )
        )

    def _put(self, name: Identity, lines: Sequence[Words]) -> ConfFile:
        """Replace the lines of one identity, in the place of the first, else at the end."""
        kept: list[Line] = []
        new = [Line.of(words) for words in lines]
        for line in self.lines:
            if not line.words or identity(line.words) != name:
                kept.append(line)
            else:
                kept.extend(new)
                new = []
        return replace(self, lines=(*kept, *new))

    @property
    def replicaof(self) -> Address | None:
        """Whose replica this server boots as; None: a primary."""
        found = self.find((REPLICAOF,))
        if not found or len(found[-1]) < _REPLICAOF_LENGTH or found[-1][1:] == ("no", "one"):
            return None
        return Address(found[-1][1], int(found[-1][2]))

    def with_replicaof(self, primary: Address | None) -> ConfFile:
        """Let the server boot as a replica of this primary, or as a primary (None)."""
        if self.replicaof == primary:
            return self
        lines = [(REPLICAOF, primary.host, str(primary.port))] if primary else []
        return self._put((REPLICAOF,), lines)

    @property
    def monitor(self) -> Monitor | None:
        """What this Sentinel watches, None where it has no (whole) ``sentinel monitor`` line."""
        for line in self.lines:
            words = line.words
            if words[:1] != (SENTINEL,) or len(words) != _MONITOR_LENGTH:
                continue
            if sentinel_option(words) == "monitor" and words[4].isdigit() and words[5].isdigit():
                epochs = self.find((SENTINEL, "config-epoch", words[2]))
                epoch = epochs[-1][3] if epochs and len(epochs[-1]) == _EPOCH_LENGTH else "0"
                address = Address(words[3], int(words[4]))
                return Monitor(
                    words[2], address, int(words[5]), int(epoch) if epoch.isdigit() else 0
                )
        return None

    def with_monitor(self, monitor: Monitor) -> ConfFile:
        """Let a stopped Sentinel watch this primary, in this epoch."""
        service, address = monitor.service, monitor.address
        epoch = str(monitor.config_epoch)
        line = (SENTINEL, "monitor", service, address.host, str(address.port), str(monitor.quorum))
        document = self._put((SENTINEL, "monitor", service), [line])
        previous = self.monitor
        if previous is not None and previous.address != address:
            document = document._without_itself_as_replica(service, address, previous.address)
        if monitor.config_epoch:
            for words in (
                (SENTINEL, "config-epoch", service, epoch),
                (SENTINEL, "current-epoch", epoch),
            ):
                document = document._put(identity(words), [words])
        return document

    def _without_itself_as_replica(
        self, service: str, primary: Address, former: Address
    ) -> ConfFile:
        """Let the former primary stand where the new one stood among the replicas.

        A Sentinel that reads a primary as its own replica tells it to follow itself, and the
        store has no primary until the next failover.
        """

        def swapped(line: Line) -> Line:
            words = line.words
            known = words[:1] == (SENTINEL,) and sentinel_option(words) in _KNOWN_REPLICA
            if known and words[2:] == (service, primary.host, str(primary.port)):
                return Line.of((*words[:3], former.host, str(former.port)))
            return line

        return replace(self, lines=tuple(map(swapped, self.lines)))


def grouped(managed: Directives) -> dict[Identity, list[Words]]:
    """The lines of managed directives by what they set."""
    groups: dict[Identity, list[Words]] = {}
    for name, value in managed.items():
        for words in lines_of(name, value):
            groups.setdefault(identity(words), []).append(words)
    return groups


def seeded(seed: Directives, managed: Directives) -> ConfFile:
    """A new file: the managed directives, then what only a new file gets.

    Sentinels read in order: ``sentinel monitor`` must stand before the lines about its service.
    """
    first: list[Line] = []
    rest: list[Line] = []
    wanted = grouped({**seed, **managed})
    for name, lines in wanted.items():
        monitors = name[:2] == (SENTINEL, "monitor")
        (first if monitors else rest).extend(Line.of(words) for words in lines)
    return ConfFile((*first, *rest))
