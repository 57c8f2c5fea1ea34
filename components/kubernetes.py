"""The Kubernetes target: servers and Sentinels as two StatefulSets."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as kubernetes

from components.credentials import Credentials, connection_documents
from components.kubernetes_args import SentinelSessionStoreArgs
from components.kubernetes_certificates import serve_issued, serve_own
from components.kubernetes_objects import StoreObjects
from components.kubernetes_spec import KubernetesSpec
from components.outputs import Facts, SessionStore
from holdfast.roles import Place


class SentinelSessionStore(SessionStore):
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
        connection_secrets = objects.add_connections(documents, self.stateful_sets)

        made = pulumi.Output.all(*(each.urn for each in self.stateful_sets.values()))
        config = spec.objects.config
        self._give_back(
            Facts(
                target="kubernetes",
                topology=config.shape.topology,
                engine=f"{config.engine} {config.version}",
                app=spec.app,
            ),
            documents,
            made,
            endpoints=made.apply(lambda _: [str(address) for address in spec.endpoints]),
            certificate_serials=served.serials,
            connection_secrets=connection_secrets,
        )
