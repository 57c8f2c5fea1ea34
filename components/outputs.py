"""What every target gives back: the same outputs, whoever runs the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import pulumi


class SessionStore(Protocol):
    """The outputs that all targets share.

    ``connection`` and ``connections`` are secret as a whole; the others are for people and hold
    no secret.
    """

    connection: pulumi.Output[str]
    """The operator's Connection with every role, as JSON. Secret."""

    connections: pulumi.Output[Mapping[str, str]]
    """A narrow Connection for each application role, as JSON, by role. Secret."""

    target: pulumi.Output[str]
    """Where the store runs: ``local``, ..."""

    topology: pulumi.Output[str]
    """``standalone``, ``sentinel``, ``cluster``, ..."""

    engine: pulumi.Output[str]
    """The server program and its version, such as ``valkey 9.1.2``."""

    endpoints: pulumi.Output[Sequence[str]]
    """``host:port`` of what clients dial first: Sentinels, cluster seeds, or the primary."""

    app: pulumi.Output[str]
    """Prefix of every key."""

    roles: pulumi.Output[Sequence[str]]
    """Roles that an application can log in as."""

    connection_files: pulumi.Output[Mapping[str, str]]
    """Path of the file (0600) with each role's Connection; empty where the target writes none."""

    ca_file: pulumi.Output[str]
    """Path of the CA's certificates as PEM; empty where the target writes none."""

    certificate_serials: pulumi.Output[Mapping[str, str]]
    """Serial number in hex of the certificate that each kind of process (``server``,
    ``sentinel``) serves; empty where the target issues none."""

    connection_secrets: pulumi.Output[Mapping[str, str]]
    """Where each application role's Connection is kept for it: the name of the Kubernetes Secret
    (in ``connection.json``), the ARN of the Secrets Manager secret (in ``connection``); empty
    where the target makes none."""

    resources: pulumi.Output[Mapping[str, str]]
    """What the target made, by a name for programs, as its API calls it; empty where processes
    and objects are found by the store's name. Without secrets."""


OUTPUT_NAMES = (
    "connection",
    "connections",
    "target",
    "topology",
    "engine",
    "endpoints",
    "app",
    "roles",
    "connection_files",
    "ca_file",
    "certificate_serials",
    "connection_secrets",
    "resources",
)


def export_outputs(store: SessionStore, *, preset: str) -> None:
    """Make a store's outputs the stack's, and say which preset it has.

    Tools that hurt a store on purpose ask for the preset before they do.
    """
    for name in OUTPUT_NAMES:
        pulumi.export(name, getattr(store, name))
    pulumi.export("preset", preset)
