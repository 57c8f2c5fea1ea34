"""What every target gives back: the same outputs, whoever runs the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from inspect import get_annotations
from typing import Any, Final

import pulumi

from components.credentials import FULL, narrow_documents
from holdfast.connection import Topology
from holdfast.roles import APPLICATION_ROLES, Role


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a store before it is made; see the outputs of these names."""

    target: str
    topology: Topology
    engine: str
    app: str
    roles: Collection[Role] = APPLICATION_ROLES


class SessionStore(pulumi.ComponentResource):
    """A session store: what the component of every target is, whatever it creates.

    Each attribute named here is an output. ``connection`` and ``connections`` are secret as a
    whole; the others are for people and programs and hold no secret.
    """

    connection: pulumi.Output[str]
    """The operator's Connection with every role, as JSON. Secret."""

    connections: pulumi.Output[Mapping[str, str]]
    """A narrow Connection for each application role, as JSON, by role. Secret."""

    target: pulumi.Output[str]
    """Where the store runs: ``local``, ``kubernetes``, ``aws``, ``existing``."""

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

    resources: pulumi.Output[Mapping[str, str | Mapping[str, str]]]
    """What the target made, by a name for programs, as its API calls it, what there is one of a
    role by role; empty where processes and objects are found by the store's name. Without
    secrets."""

    def _give_back(
        self,
        facts: Facts,
        documents: pulumi.Output[dict[str, str]],
        made: pulumi.Output[Any],
        *,
        endpoints: pulumi.Output[list[str]],
        connection_files: pulumi.Output[Mapping[str, str]] | None = None,
        ca_file: pulumi.Output[str] | None = None,
        certificate_serials: pulumi.Output[Mapping[str, str]] | None = None,
        connection_secrets: pulumi.Output[Mapping[str, str]] | None = None,
        resources: pulumi.Output[Mapping[str, str | Mapping[str, str]]] | None = None,
    ) -> None:
        """Fill the outputs and register them: the last call of a component.

        ``documents`` are Connections as JSON by role, the operator's under FULL, secret. ``made``
        comes when the store is there: of URNs, since they are known in a preview and fail with
        their resource; a refused change must not leave outputs behind that say it was made. The
        others are the outputs of these names, empty where they are not given.
        """
        nothing: pulumi.Output[Mapping[str, str]] = made.apply(lambda _: {})
        self.connection = documents[FULL]
        self.connections = documents.apply(narrow_documents)
        self.target = made.apply(lambda _: facts.target)
        self.topology = made.apply(lambda _: facts.topology.value)
        self.engine = made.apply(lambda _: facts.engine)
        self.endpoints = endpoints
        self.app = made.apply(lambda _: facts.app)
        self.roles = made.apply(lambda _: [role.value for role in facts.roles])
        self.connection_files = nothing if connection_files is None else connection_files
        self.ca_file = made.apply(lambda _: "") if ca_file is None else ca_file
        self.certificate_serials = nothing if certificate_serials is None else certificate_serials
        self.connection_secrets = nothing if connection_secrets is None else connection_secrets
        self.resources = nothing if resources is None else resources
        self.register_outputs({name: getattr(self, name) for name in OUTPUT_NAMES})


OUTPUT_NAMES: Final = tuple(get_annotations(SessionStore))


def export_outputs(store: SessionStore, *, preset: str) -> None:
    """Make a store's outputs the stack's, and say which preset it has.

    Tools that hurt a store on purpose ask for the preset before they do.
    """
    for name in OUTPUT_NAMES:
        pulumi.export(name, getattr(store, name))
    pulumi.export("preset", preset)
