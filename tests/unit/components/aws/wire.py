"""Inputs of a resource as the mock engine got them, for comparison with what is written out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi.output import Unknown

from tests.unit.components.mocks import Deployment, is_secret, unwrap

UNKNOWN: Final = "(known after the deployment)"
"""In place of every value that a preview does not know."""


@dataclass(frozen=True)
class Secret:
    """A value that travelled as a secret."""

    value: Any


def sent(made: Deployment, name: str) -> dict[str, Any]:
    """A resource's inputs, to be compared at any depth.

    Values that are not known and secrets are marked, documents in JSON are read, and an archive is
    the names of its files.
    """
    return {key: _plain(value) for key, value in made.created[name].inputs.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - a wire value is anything
    if is_secret(value):
        return Secret(_plain(unwrap(value)))
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, pulumi.AssetArchive):
        return sorted(value.assets)
    return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
