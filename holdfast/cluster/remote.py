"""An object of the other side, as a Protocol describes it.

The table of methods is read from the Protocol's own annotations: a method that is added to it
works over a channel without a line here.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.cluster.framing import ProtocolError
from holdfast.cluster.values import WireError, from_wire, to_wire

Send = Callable[[str, dict[str, Any]], Any]
"""Sends a method's name and arguments; returns what came back, or raises."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method's arguments by name, and its result, as type hints."""

    signature: inspect.Signature
    arguments: Mapping[str, Any]
    result: Any


@functools.cache
def methods(protocol: type) -> Mapping[str, Method]:
    """Every public method of a Protocol and of those that it extends.

    Raises:
        TypeError: it has something else than methods with full annotations.
    """
    found: dict[str, Method] = {}
    for base in reversed(protocol.__mro__):
        if base.__module__ in ("builtins", "typing"):
            continue
        for name, member in vars(base).items():
            if not name.startswith("_"):
                found[name] = _method(base, name, member)
    return found


def _method(base: type, name: str, member: object) -> Method:
    if not inspect.isfunction(member):
        raise TypeError(f"{base.__name__}.{name} is no method")
    hints = typing.get_type_hints(member)
    signature = inspect.signature(member)
    arguments = {}
    for parameter in list(signature.parameters.values())[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"{base.__name__}.{name} takes any number of arguments")
        arguments[parameter.name] = hints[parameter.name]
    return Method(signature, arguments, hints["return"])


def remote(protocol: type, send: Send) -> Any:  # noqa: ANN401 - of the protocol
    """A stand-in for the other side's object: each method sends, and waits for the answer."""
    return _Remote(methods(protocol), send)


class _Remote:
    def __init__(self, table: Mapping[str, Method], send: Send) -> None:
        for name, method in table.items():
            setattr(self, name, functools.partial(_send, name, method, send, self))


def _send(
    name: str,
    method: Method,
    send: Send,
    /,
    *arguments: object,
    **named: object,
) -> Any:  # noqa: ANN401 - of the method
    bound = method.signature.bind(*arguments, **named)
    given = {key: to_wire(bound.arguments[key]) for key in bound.arguments if key != "self"}
    return from_wire(method.result, send(name, given))


def answer(protocol: type, instance: object, name: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Call a method by its name, with arguments as they arrived; the result ready to be sent.

    Raises:
        ProtocolError: no such method, or arguments of other types.
        Exception: whatever the method raises.
    """
    method = methods(protocol).get(name)
    if method is None or not set(arguments) <= set(method.arguments):
        raise ProtocolError(f"{protocol.__name__} has no method {name!r} with these arguments")
    try:
        read = {key: from_wire(method.arguments[key], arguments[key]) for key in arguments}
    except WireError as error:
        raise ProtocolError(f"{protocol.__name__}.{name}: {error}") from None
    return to_wire(getattr(instance, name)(**read))
