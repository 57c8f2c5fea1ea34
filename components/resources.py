"""The resources of the kit's own provider, as a program uses them.

Names are snake_case here and camelCase on the wire. Secret inputs are made secret whether the
caller did so or not, and secret outputs are secret in the state. What is not said to replace is
changed in place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pulumi

DirectiveValue = pulumi.Input[str] | pulumi.Input[Sequence[pulumi.Input[str]]]
"""One value, or one for each time that the directive stands in the config file."""
Directives = pulumi.Input[Mapping[str, DirectiveValue]]


class _KitResource(pulumi.CustomResource):
    """Translates names and guards secrets. Outputs are the annotated attributes.

    Options that name properties (``ignore_changes``) take the names on the wire.
    """

    _noun: ClassVar[str]
    _secret_inputs: ClassVar[frozenset[str]] = frozenset()
    _secret_outputs: ClassVar[frozenset[str]] = frozenset()

    def __init__(
        self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None
    ) -> None:
        outputs = [key for key in type(self).__annotations__ if not key.startswith("_")]
        guarded = {
            key: pulumi.Output.secret(value)
            if key in self._secret_inputs and value is not None
            else value
            for key, value in inputs.items()
        }
        # The SDK's own translation would also rename the keys of maps, which are the user's.
        properties = {**dict.fromkeys(outputs), **guarded}
        secret = [_camel(key) for key in sorted(self._secret_outputs)]
        super().__init__(
            f"holdfast:index:{self._noun}",
            name,
            {_camel(key): value for key, value in properties.items()},
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(additional_secret_outputs=secret)
            ),
        )
        for key in outputs:
            setattr(self, key, getattr(self, _camel(key)))


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


class Password(_KitResource):
    """Random letters and digits, with the value before kept valid while it is rotated.

    A rotation takes two runs: change ``rotation`` (servers then accept both values), and once all
    clients have the new one, set ``keep_previous`` to False. Back to True before the next.
    """

    _noun = "Password"
    _secret_outputs = frozenset({"value", "previous"})

    value: pulumi.Output[str]
    """The password. Secret."""
    previous: pulumi.Output[str]
    """The one before, still to be accepted; empty if there is none. Secret."""
    sha256: pulumi.Output[Sequence[str]]
    """SHA-256 in hex of each password to accept, newest first."""

    def __init__(
        self,
        name: str,
        *,
        length: pulumi.Input[int] = 32,
        rotation: pulumi.Input[str] = "",
        keep_previous: pulumi.Input[bool] = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Create a password.

        Args:
            name: name in the program.
            length: characters, 20 to 128. A change mints a new value.
            rotation: any text. A change mints a new value and keeps the old as ``previous``.
            keep_previous: False drops ``previous``, and lets a rotation keep none.
            opts: resource options.
        """
        inputs = {"length": length, "rotation": rotation, "keep_previous": keep_previous}
        super().__init__(name, inputs, opts)


class CertificateAuthority(_KitResource):
    """A CA of the stack's own (ECDSA P-256).

    A rotation takes three runs, each of which must reach all servers and clients before the next:
    change ``rotation`` and set ``stage`` to ``trust-both``; set ``issue-new``; set ``single``. A
    change of ``rotation`` under ``single`` replaces the CA at once (for one that has leaked).
    """

    _noun = "CertificateAuthority"
    _secret_outputs = frozenset({"private_key_pem", "newest", "previous"})

    certificate_pem: pulumi.Output[str]
    """The CA that issues at this stage."""
    bundle_pem: pulumi.Output[str]
    """What to trust: the newest CA, then, during a rotation, the one before."""
    private_key_pem: pulumi.Output[str]
    """The key of ``certificate_pem``. Secret."""
    expires_at: pulumi.Output[str]
    """UTC, as in ``2036-11-23T10:00:00Z``."""

    def __init__(
        self,
        name: str,
        *,
        common_name: pulumi.Input[str],
        validity_days: pulumi.Input[int] = 3650,
        rotation: pulumi.Input[str] = "",
        stage: pulumi.Input[str] = "single",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Create a CA.

        Args:
            name: name in the program.
            common_name: at most 64 characters. A change mints a new CA, as a rotation does.
            validity_days: 1 to 36500. A change mints a new CA, as a rotation does.
            rotation: any text. A change mints a new CA; refused while a rotation is under way.
            stage: ``single``, ``trust-both`` or ``issue-new``.
            opts: resource options.
        """
        inputs = {
            "common_name": common_name,
            "validity_days": validity_days,
            "rotation": rotation,
            "stage": stage,
        }
        super().__init__(name, inputs, opts)


class Certificate(_KitResource):
    """A certificate for servers and clients (ECDSA P-256), renewed in place.

    Any change issues a new pair, and so does any run when less than a third of the validity is
    left. It never outlives its CA.
    """

    _noun = "Certificate"
    _secret_inputs = frozenset({"ca_private_key_pem"})
    _secret_outputs = frozenset({"private_key_pem"})

    certificate_pem: pulumi.Output[str]
    """The certificate."""
    private_key_pem: pulumi.Output[str]
    """Its key. Secret."""
    expires_at: pulumi.Output[str]
    """UTC, as in ``2036-11-23T10:00:00Z``."""
    serial: pulumi.Output[str]
    """Serial number in hex."""

    def __init__(
        self,
        name: str,
        *,
        ca_certificate_pem: pulumi.Input[str],
        ca_private_key_pem: pulumi.Input[str],
        common_name: pulumi.Input[str],
        dns_names: pulumi.Input[Sequence[pulumi.Input[str]]] = (),
        ip_addresses: pulumi.Input[Sequence[pulumi.Input[str]]] = (),
        validity_days: pulumi.Input[int] = 365,
        rotation: pulumi.Input[str] = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Issue a certificate.

        Args:
            name: name in the program.
            ca_certificate_pem: of the CertificateAuthority.
            ca_private_key_pem: of the CertificateAuthority.
            common_name: at most 64 characters.
            dns_names: host names to verify; ``*.`` may stand in front. A name or address is needed.
            ip_addresses: IPv4 or IPv6 addresses to verify.
            validity_days: 1 to 3650.
            rotation: any text. A change issues a new pair, and does nothing else.
            opts: resource options.
        """
        inputs = {
            "ca_certificate_pem": ca_certificate_pem,
            "ca_private_key_pem": ca_private_key_pem,
            "common_name": common_name,
            "dns_names": dns_names,
            "ip_addresses": ip_addresses,
            "validity_days": validity_days,
            "rotation": rotation,
        }
        super().__init__(name, inputs, opts)


class SecretFile(_KitResource):
    """A file on this machine, mode 0600, deleted with the resource.

    Other content, another mode and a missing file are drift; every run looks, and mends it.
    """

    _noun = "SecretFile"
    _secret_inputs = frozenset({"content"})
    _secret_outputs = frozenset({"content"})

    path: pulumi.Output[str]
    """Where the file is."""
    intact: pulumi.Output[bool]
    """Whether it holds what it should."""
    mode: pulumi.Output[str]
    """Its mode in octal, ``0600``."""

    def __init__(
        self,
        name: str,
        *,
        path: pulumi.Input[str],
        content: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Write a file.

        Args:
            name: name in the program.
            path: absolute. Folders are made (0700). A change replaces the file; a file that is
                there already and holds anything else is refused.
            content: text. Secret.
            opts: resource options.
        """
        super().__init__(name, {"path": path, "content": content}, opts)


class ServerProcess(_KitResource):
    """A server or Sentinel process on this machine, with its folder, config and log.

    A process that is dead and files that somebody changed are drift. What the server can take
    while it runs is changed while it runs; the rest restarts it.
    """

    _noun = "ServerProcess"
    _secret_inputs = frozenset(
        {"secret_directives", "acl", "tls_private_key_pem", "admin_password"}
    )
    _secret_outputs = frozenset(
        {"secret_directives", "acl", "tls_private_key_pem", "admin_password"}
    )

    pid: pulumi.Output[int]
    """Process id."""
    running: pulumi.Output[bool]
    """Whether its process lives."""
    server_version: pulumi.Output[str]
    """Version of the server, as it says itself."""
    data_dir: pulumi.Output[str]
    """Where its data is."""
    conf_path: pulumi.Output[str]
    """Its config file."""
    drift: pulumi.Output[Sequence[str]]
    """What its files say otherwise than the inputs, names only; empty after each update."""

    def __init__(
        self,
        name: str,
        *,
        node: pulumi.Input[str],
        kind: pulumi.Input[str],
        group_dir: pulumi.Input[str],
        owner: pulumi.Input[str],
        executable: pulumi.Input[str],
        port: pulumi.Input[int],
        tls_certificate_pem: pulumi.Input[str],
        tls_private_key_pem: pulumi.Input[str],
        tls_ca_pem: pulumi.Input[str],
        acl: pulumi.Input[str],
        admin_username: pulumi.Input[str],
        admin_password: pulumi.Input[str],
        address: pulumi.Input[str] = "127.0.0.1",
        directives: Directives | None = None,
        seed: Directives | None = None,
        secret_directives: Directives | None = None,
        keep_data: pulumi.Input[bool] = False,
        start_timeout_seconds: pulumi.Input[float] = 30,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Start a process.

        Args:
            name: name in the program.
            node: name of its folder in ``group_dir``, as in ``valkey-0``. A change replaces it.
            kind: ``server`` or ``sentinel``. A change replaces it.
            group_dir: absolute folder of all nodes of a store. A change replaces it.
            owner: ``<project>/<stack>``; a folder of another owner is refused.
            executable: the server's program. A change restarts it.
            port: TLS port. Kept for life, the other nodes know it by it: a change is refused.
            tls_certificate_pem: its certificate.
            tls_private_key_pem: the certificate's key. Secret.
            tls_ca_pem: what it trusts.
            acl: the users' rules, as in an ACL file. Secret.
            admin_username: the user that the provider logs in as.
            admin_password: that user's password. Secret.
            address: IP address to listen on. Kept for life like the port.
            directives: config to hold it to.
            seed: config for its first start only; it rewrites these itself later.
            secret_directives: config to hold it to. Secret.
            keep_data: leave the data where it is when the resource is deleted.
            start_timeout_seconds: how long it may take until it answers.
            opts: resource options.
        """
        inputs = {
            "node": node,
            "kind": kind,
            "group_dir": group_dir,
            "owner": owner,
            "executable": executable,
            "port": port,
            "tls_certificate_pem": tls_certificate_pem,
            "tls_private_key_pem": tls_private_key_pem,
            "tls_ca_pem": tls_ca_pem,
            "acl": acl,
            "admin_username": admin_username,
            "admin_password": admin_password,
            "address": address,
            "directives": directives,
            "seed": seed,
            "secret_directives": secret_directives,
            "keep_data": keep_data,
            "start_timeout_seconds": start_timeout_seconds,
        }
        super().__init__(name, inputs, opts)


class ClusterFormation(_KitResource):
    """Makes a cluster of running ServerProcesses: they meet, share the slots, get replicas.

    A slot that nobody serves and nodes that do not agree are drift. Deleting it changes nothing:
    the processes go, and the cluster with them.
    """

    _noun = "ClusterFormation"
    _secret_inputs = frozenset({"admin_password"})
    _secret_outputs = frozenset({"admin_password"})

    state: pulumi.Output[str]
    """``ok`` when every slot is served and all nodes agree."""
    slots_covered: pulumi.Output[int]
    """Slots that are served, of 16384."""

    def __init__(
        self,
        name: str,
        *,
        nodes: pulumi.Input[Sequence[pulumi.Input[Mapping[str, Any]]]],
        admin_username: pulumi.Input[str],
        admin_password: pulumi.Input[str],
        tls_ca_pem: pulumi.Input[str],
        replicas_per_primary: pulumi.Input[int] = 1,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Form a cluster.

        Args:
            name: name in the program.
            nodes: ``{"node", "address", "port"}`` of each server process.
            admin_username: the user that the provider logs in as.
            admin_password: that user's password. Secret.
            tls_ca_pem: what the nodes' certificates are verified with.
            replicas_per_primary: how many of the nodes follow each primary.
            opts: resource options.
        """
        inputs = {
            "nodes": nodes,
            "admin_username": admin_username,
            "admin_password": admin_password,
            "tls_ca_pem": tls_ca_pem,
            "replicas_per_primary": replicas_per_primary,
        }
        super().__init__(name, inputs, opts)
