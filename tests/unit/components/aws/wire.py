"""Inputs of a resource as the mock engine got them, for comparison with what is written out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pulumi.output import Unknown

from tests.unit.components.mocks import Deployment, is_secret, unwrap

UNKNOWN: Final = "(known after the deployment)"
"""In place of every value that a preview does not know."""


@dataclass(frozen=True)
class Secret:
    """A value that travelled as a secret."""

    value: Any


def sent(made: Deployment, name: str) -> dict[str, Any]:
    """A resource's inputs; values that are not known and secrets are marked, at any depth."""
    return {key: _plain(value) for key, value in made.created[name].inputs.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - a wire value is anything
    if is_secret(value):
        return Secret(_plain(unwrap(value)))
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
