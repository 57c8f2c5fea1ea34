"""What is sent and how its replies are read, without any input or output.

An :class:`Operation` is one round trip: commands, the key that routes them, and a pure function
from raw replies to a value. The synchronous and the asynchronous store run the same operations,
so every command of Holdfast stands once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

Arg = bytes | str | int | float
"""What a command is made of; encoded as UTF-8 text on the wire."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Script:
    """A Lua script, called by its digest and loaded when the server does not know it."""

    name: str
    body: str

    @cached_property
    def sha(self) -> str:
        """Digest that EVALSHA takes (the protocol asks for SHA-1)."""
        return hashlib.sha1(self.body.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Operation(Generic[T_co]):
    """One round trip.

    Attributes:
        commands: sent together, in order. All their keys share one slot.
        key: any key of that slot; it picks the node in a cluster.
        parse: raw replies (RESP2: bytes, int, list, None), one a command, to the value. It may
            raise a SessionError. An error reply never reaches it.
        script: the script that the commands call with EVALSHA, if any.
        writes: true where the outcome is unknown after a lost reply. Every operation can be sent
            again without harm: ids, tokens and absolute values see to that.
    """

    commands: tuple[tuple[Arg, ...], ...]
    key: str
    parse: Callable[[Sequence[Any]], T_co]
    script: Script | None = None
    writes: bool = False


class Executor(Protocol):
    """Runs operations: connection, retries with a deadline, error translation. Thread-safe."""

    def run(self, operation: Operation[T]) -> T:
        """Send and parse. Raises the errors of ``holdfast.errors``."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class AsyncExecutor(Protocol):
    """The same for asyncio."""

    async def run(self, operation: Operation[T]) -> T:
        """Send and parse. Raises the errors of ``holdfast.errors``."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
