"""The messages between a caller and the far side, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from holdfast.cluster.failures import Failure
from holdfast.cluster.values import WireError, from_wire, to_wire

MAX_LINE_BYTES: Final = 32 * 1024 * 1024


class ProtocolError(ValueError):
    """What arrived is no message."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The far side is there; it says which Holdfast it is."""

    edition: str


@dataclass(frozen=True, slots=True)
class Start:
    """The caller says what to do."""

    task: str
    arguments: Mapping[str, Any]

    def __repr__(self) -> str:
        """Without the arguments, which hold the Connection."""
        return f"Start(task={self.task!r})"


@dataclass(frozen=True, slots=True)
class Call:
    """The far side wants something done where the caller is."""

    number: int
    hand: str
    method: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call gave."""

    number: int
    value: Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call raised an error."""

    number: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class Done:
    """The task ended; what it came to."""

    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The task raised an error."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Stop:
    """The caller wants the task to end in good order."""


@dataclass(frozen=True, slots=True)
class Beat:
    """Somebody is still there."""


Message = Hello | Start | Call | Answer | Refusal | Done | Failed | Stop | Beat

_KINDS: Final[Mapping[str, type[Message]]] = {
    kind.__name__.lower(): kind
    for kind in (Hello, Start, Call, Answer, Refusal, Done, Failed, Stop, Beat)
}


def encode(message: Message) -> bytes:
    """A message as a line. Raises TypeError where a value cannot be sent."""
    body = {"kind": type(message).__name__.lower(), **to_wire(message)}
    return json.dumps(body, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """A line as a message. Raises ProtocolError; what it says holds nothing of the line."""
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        raise ProtocolError("a line that is not JSON") from None
    if not isinstance(body, dict):
        raise ProtocolError("a line that is no object")
    name = body.pop("kind", None)
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ProtocolError("a message of no known kind")
    try:
        message: Message = from_wire(kind, body)
    except WireError as error:
        raise ProtocolError(f"in {name}: {error}") from None
    return message


class Decoder:
    """Makes messages of bytes, however they are cut."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are whole with this. Raises ProtocolError."""
        self._rest += data
        while True:
            line, found, rest = self._rest.partition(b"\n")
            if not found:
                break
            self._rest = rest
            yield decode(bytes(line))
        if len(self._rest) > MAX_LINE_BYTES:
            raise ProtocolError(f"a line of more than {MAX_LINE_BYTES} bytes")
