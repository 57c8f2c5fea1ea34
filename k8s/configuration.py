"""ConfigMaps, named by their content and immutable, and Secrets.

Another content is another name, which rolls the pods; what a running pod has to take over
(users, certificates, passwords) is in Secrets, whose names stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from holdfast.errors import ConfigError
from holdfast.roles import Place, Role
from k8s.environment import (
    AGENT,
    PRESTOP,
    PROBE,
    SENTINEL_TEMPLATE,
    SERVER_TEMPLATE,
    START_SENTINEL,
    START_SERVER,
)
from k8s.metadata import metadata
from k8s.spec import Object, StoreSpec
from k8s.templates import sentinel_template, server_template

SCRIPTS_FOLDER: Final = Path(__file__).parent / "scripts"
SCRIPTS: Final = (START_SERVER, START_SENTINEL, PRESTOP, PROBE, AGENT)
CONNECTION_KEY: Final = "connection.json"

PRESENTED_ROLES: Final[Mapping[Place, tuple[Role, ...]]] = {
    Place.SERVER: (Role.REPLICA, Role.AGENT, Role.PROBE),
    Place.SENTINEL: (Role.SENTINEL, Role.AGENT, Role.PROBE),
}
"""Whose passwords the pods of a kind hold: to log in at each other, and for their scripts."""


def load_scripts(folder: Path = SCRIPTS_FOLDER) -> dict[str, str]:
    """Every script by file name, shared fragments among them.

    Raises:
        ConfigError: one that a pod runs is missing.
    """
    found = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.sh"))}
    missing = [name for name in SCRIPTS if name not in found]
    if missing:
        raise ConfigError(
            "scripts", ", ".join(missing), f"the files in {folder.name}/", "restore the checkout"
        )
    return found


def scripts_map(spec: StoreSpec, scripts: Mapping[str, str]) -> Object:
    """The ConfigMap with the scripts, for both kinds of pod."""
    return _config_map(metadata(spec, spec.names.scripts(scripts)), scripts)


def conf_map(spec: StoreSpec, place: Place) -> Object:
    """The ConfigMap with the template of one kind of pod."""
    data = conf_data(spec, place)
    return _config_map(metadata(spec, spec.names.conf(place, data), place), data)


def conf_data(spec: StoreSpec, place: Place) -> dict[str, str]:
    """The template by file name. No password is in it."""
    if place is Place.SERVER:
        return {SERVER_TEMPLATE: server_template(spec.config)}
    return {SENTINEL_TEMPLATE: sentinel_template(spec.config, spec.names)}


def secret(
    spec: StoreSpec, name: str, data: Mapping[str, object], place: Place | None = None
) -> Object:
    """A Secret.

    Args:
        spec: the store.
        name: of the object.
        data: text by file name; plain or known later.
        place: the kind of pod that it belongs to.
    """
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(spec, name, place),
        "type": "Opaque",
        "stringData": dict(data),
    }


def _config_map(head: Object, data: Mapping[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": head,
        "immutable": True,
        "data": dict(data),
    }
