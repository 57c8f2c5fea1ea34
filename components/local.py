"""The local target: real server processes on loopback, TLS and ACL only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pulumi

from components.credentials import (
    Credentials,
    OwnCertificates,
    connection_documents,
)
from components.local_config import fill_secret_directives
from components.local_spec import LocalSessionStoreArgs, LocalSpec
from components.outputs import Facts, SessionStore
from components.resources import ClusterFormation, SecretFile, ServerProcess
from holdfast.connection import Topology
from holdfast.roles import APPLICATION_ROLES, Role


class LocalSessionStore(SessionStore):
    """A session store of real server processes on this machine.

    Creates a password for each role, a certificate authority, one certificate for the servers
    and one for the Sentinels, a process for each node (and the slots of a cluster), a file
    (0600) with each application role's Connection, and the CA's file.

    Nothing listens beyond loopback or in plain text, ``default`` is off everywhere, and ACL files
    hold digests only. It does not survive the loss of the machine: that is what the other
    targets are for.
    """

    def __init__(
        self,
        name: str,
        args: LocalSessionStoreArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        spec = LocalSpec.from_args(args)
        super().__init__("holdfast:index:LocalSessionStore", name, spec.fixed_inputs, opts)
        child = pulumi.ResourceOptions(parent=self)
        secrets = Credentials(name, spec.credentials, child)
        own = OwnCertificates(name, spec.credentials, child)
        processes = _processes(name, spec, secrets, own, child)
        running: list[pulumi.Resource] = [*processes.values()]
        if spec.topology is Topology.CLUSTER:
            running.append(_form_cluster(name, spec, secrets, own, processes, child))
        # A file says how to reach a store that runs; none is written into a folder that the
        # processes were refused.
        after_start = pulumi.ResourceOptions.merge(
            child, pulumi.ResourceOptions(depends_on=running)
        )

        documents: pulumi.Output[dict[str, str]] = pulumi.Output.secret(
            pulumi.Output.all(secrets.values, own.authority.bundle_pem).apply(
                lambda known: connection_documents(spec.connection(known[0], known[1]))
            )
        )
        files = {
            role.value: SecretFile(
                f"{name}-connection-{role}",
                path=str(spec.connection_file(role)),
                content=documents[role.value],
                opts=after_start,
            ).path
            for role in APPLICATION_ROLES
        }
        ca_file = SecretFile(
            f"{name}-ca-file",
            path=str(spec.ca_file),
            content=own.authority.bundle_pem,
            opts=after_start,
        )

        made = pulumi.Output.all(*(resource.urn for resource in running))
        self._give_back(
            Facts(
                target="local",
                topology=spec.topology,
                engine=f"{spec.config.engine} {spec.config.version}",
                app=spec.app,
            ),
            documents,
            made,
            endpoints=made.apply(lambda _: [str(address) for address in spec.endpoints]),
            connection_files=pulumi.Output.all(**files),
            ca_file=ca_file.path,
            certificate_serials=own.serials,
        )


def _processes(
    name: str,
    spec: LocalSpec,
    secrets: Credentials,
    own: OwnCertificates,
    child: pulumi.ResourceOptions,
) -> dict[str, ServerProcess]:
    """A process for each node, by the node's name; a node waits for those it follows."""
    processes: dict[str, ServerProcess] = {}
    for node in spec.nodes:
        certificate = own.certificates[node.kind]
        processes[node.name] = ServerProcess(
            f"{name}-{node.name}",
            node=node.name,
            kind=node.kind.value,
            group_dir=str(spec.data_dir),
            owner=spec.owner,
            executable=spec.server_path,
            address=node.address.host,
            port=node.port,
            directives=node.directives,
            seed=node.seed,
            secret_directives=secrets.presented.apply(partial(fill_secret_directives, node)),
            acl=secrets.acls[node.kind],
            tls_certificate_pem=certificate.certificate_pem,
            tls_private_key_pem=certificate.private_key_pem,
            tls_ca_pem=own.authority.bundle_pem,
            admin_username=Role.ADMIN.value,
            admin_password=secrets.admin_password,
            keep_data=spec.keep_data,
            opts=pulumi.ResourceOptions.merge(
                child,
                pulumi.ResourceOptions(depends_on=[processes[other] for other in node.follows]),
            ),
        )
    return processes


def _form_cluster(
    name: str,
    spec: LocalSpec,
    secrets: Credentials,
    own: OwnCertificates,
    servers: Mapping[str, ServerProcess],
    child: pulumi.ResourceOptions,
) -> ClusterFormation:
    return ClusterFormation(
        f"{name}-cluster",
        nodes=[
            {"node": node.name, "address": node.address.host, "port": node.port}
            for node in spec.nodes
        ],
        replicas_per_primary=spec.config.shape.replicas,
        admin_username=Role.ADMIN.value,
        admin_password=secrets.admin_password,
        tls_ca_pem=own.authority.bundle_pem,
        opts=pulumi.ResourceOptions.merge(
            child, pulumi.ResourceOptions(depends_on=[*servers.values()])
        ),
    )
