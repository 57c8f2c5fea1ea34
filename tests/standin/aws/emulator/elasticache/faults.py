"""Errors with the codes of the service's own model."""

from __future__ import annotations

from functools import cache
from typing import Final

import botocore.session
from moto.core.exceptions import ServiceException

INVALID_VALUE: Final = "InvalidParameterValueException"
INVALID_COMBINATION: Final = "InvalidParameterCombinationException"


class Fault(ServiceException):
    """A class of our own: moto takes a service's name out of the module of one of its own."""


@cache
def _codes() -> dict[str, str]:
    model = botocore.session.get_session().get_service_model("elasticache")
    return {
        str(shape.name): str(shape.metadata.get("error", {}).get("code", shape.name))
        for shape in model.error_shapes
    }


def fault(shape: str, message: str) -> Fault:
    """An error of the model, such as ``UserNotFoundFault``: its code goes on the wire."""
    return Fault(_codes()[shape], message)


def invalid(message: str) -> Fault:
    """A value that breaks a rule."""
    return fault(INVALID_VALUE, message)


def conflicting(message: str) -> Fault:
    """Values that do not go together."""
    return fault(INVALID_COMBINATION, message)
