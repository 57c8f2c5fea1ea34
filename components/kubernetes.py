"""The Kubernetes target: servers and Sentinels as two StatefulSets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from components.credentials import FULL, Credentials, connection_documents, narrow_documents
from components.kubernetes_args import SentinelSessionStoreArgs
from components.kubernetes_certificates import serve_issued, serve_own
from components.kubernetes_objects import StoreObjects
from components.kubernetes_spec import KubernetesSpec
from components.outputs import OUTPUT_NAMES
from holdfast.roles import APPLICATION_ROLES, Place


class SentinelSessionStore(pulumi.ComponentResource):
    """A session store in a cluster: a primary, its replicas and the Sentinels.

    Creates the credentials of the local target; two StatefulSets, each with a governing Service, a
    Service for each pod, a PodDisruptionBudget and a NetworkPolicy; their Secrets and immutable
    ConfigMaps; and a Secret with each application role's Connection.

    Announced names and the Services' addresses are in every pod's /etc/hosts and in the
    Connection: neither servers nor clients ask the DNS on the way through a failover. It does not
    create storage classes, nodes or a network plugin, and it makes no Service with several servers
    behind it: clients ask the Sentinels.

    Needs Kubernetes 1.28 or newer.
    """

    connection: pulumi.Output[str]
    """The operator's Connection with every role, as JSON. Secret."""

    connections: pulumi.Output[Mapping[str, str]]
    """A narrow Connection for each application role, as JSON, by role. Secret."""

    target: pulumi.Output[str]
    """``kubernetes``."""

    topology: pulumi.Output[str]
    """``sentinel``."""

    engine: pulumi.Output[str]
    """The server program and its version, such as ``valkey 9.1.2``."""

    endpoints: pulumi.Output[Sequence[str]]
    """``host:port`` of the Sentinels, names that the cluster's DNS answers."""

    app: pulumi.Output[str]
    """Prefix of every key."""

    roles: pulumi.Output[Sequence[str]]
    """Roles that an application can log in as."""

    connection_files: pulumi.Output[Mapping[str, str]]
    """Empty: applications mount the Secrets in :attr:`connection_secrets`."""

    ca_file: pulumi.Output[str]
    """Empty: the CA is in the Connection."""

    certificate_serials: pulumi.Output[Mapping[str, str]]
    """Serial number in hex of the certificate of ``server`` and ``sentinel`` processes."""

    connection_secrets: pulumi.Output[Mapping[str, str]]
    """Name of the Secret with each application role's Connection, in ``connection.json``."""

    resources: pulumi.Output[Mapping[str, str]]
    """Empty: everything is found by the store's name."""

    stateful_sets: Mapping[Place, kubernetes.apps.v1.StatefulSet]
    """The servers and the Sentinels, for what this component has no argument for."""

    def __init__(
        self,
        name: str,
        args: SentinelSessionStoreArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        spec = KubernetesSpec.from_args(name, args)
        super().__init__("holdfast:index:SentinelSessionStore", name, spec.fixed_inputs, opts)
        child = pulumi.ResourceOptions(parent=self)
        credentials = Credentials(name, spec.credentials, child)
        objects = StoreObjects(name, spec, child)
        cluster_ips = objects.add_services()
        objects.add_rules()
        objects.check_image()
        objects.add_configuration()
        served = (
            serve_own(name, spec, child)
            if spec.issuer is None
            else serve_issued(name, spec, spec.issuer, objects.in_namespace)
        )
        objects.add_secrets(credentials, served)
        objects.grow_claims()
        self.stateful_sets = objects.add_stateful_sets(cluster_ips, credentials, served)

        documents: pulumi.Output[dict[str, str]] = pulumi.Output.secret(
            pulumi.Output.all(
                # Not the new ones before every node accepts them: Secrets reach pods late.
                credentials.presented,
                served.ca_pem,
                pulumi.Output.all(*cluster_ips),
            ).apply(lambda known: connection_documents(spec.connection(*known)))
        )
        self.connection_secrets = objects.add_connections(documents, self.stateful_sets)

        self.connection = documents[FULL]
        self.connections = documents.apply(narrow_documents)
        # As on the other targets: a refused change leaves no outputs that say it was made.
        started = pulumi.Output.all(*(made.urn for made in self.stateful_sets.values()))
        config = spec.objects.config
        self.target = started.apply(lambda _: "kubernetes")
        self.topology = started.apply(lambda _: config.shape.topology.value)
        self.engine = started.apply(lambda _: f"{config.engine} {config.version}")
        self.endpoints = started.apply(lambda _: [str(address) for address in spec.endpoints])
        self.app = started.apply(lambda _: spec.app)
        self.roles = started.apply(lambda _: [role.value for role in APPLICATION_ROLES])
        self.connection_files = started.apply(lambda _: {})
        self.ca_file = started.apply(lambda _: "")
        self.certificate_serials = served.serials
        self.resources = started.apply(lambda _: {})
        self.register_outputs({output: getattr(self, output) for output in OUTPUT_NAMES})
