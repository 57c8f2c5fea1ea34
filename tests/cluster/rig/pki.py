"""The keys of a cluster: one CA, a certificate for each part, a kubeconfig for each client."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.certificates import builder, private_pem, usage
from tests.cluster.rig.layout import (
    API_PORT,
    API_SERVICE_ADDRESS,
    CONTROL_PLANE_ADDRESS,
    Layout,
    node_address,
    node_index,
)

_NAMES_OF_API: Final = (
    *("kubernetes", "kubernetes.default", "kubernetes.default.svc"),
    *("kubernetes.default.svc.cluster.local", "localhost"),
)
_CLIENTS: Final = {
    "admin": ("system:masters", "admin"),
    "kube-controller-manager": ("", "system:kube-controller-manager"),
    "kube-scheduler": ("", "system:kube-scheduler"),
    "kube-proxy": ("", "system:kube-proxy"),
    "network-policy": ("", "network-policy"),
    "provisioner": ("system:masters", "provisioner"),
}
"""File name -> (group, user)."""


def make_pki(layout: Layout) -> None:
    """Fill ``layout.pki``; the kubeconfigs in it are for use inside the cluster's namespaces."""
    layout.pki.mkdir(mode=0o700)
    authority = _Authority(layout.pki)
    inside = f"https://{CONTROL_PLANE_ADDRESS}:{API_PORT}"
    addresses = (API_SERVICE_ADDRESS, CONTROL_PLANE_ADDRESS, "127.0.0.1")
    authority.issue("kube-apiserver", "", "kube-apiserver", _NAMES_OF_API, addresses)
    authority.issue("kubelet-client", "system:masters", "apiserver-kubelet-client")
    authority.issue("front-proxy", "", "front-proxy")
    for file, (group, user) in _CLIENTS.items():
        authority.issue(file, group, user)
        _write(layout.pki / f"{file}.kubeconfig", kubeconfig(layout.pki, file, inside))
    for name in layout.node_names():
        address = node_address(node_index(name))
        authority.issue(name, "system:nodes", f"system:node:{name}", (name,), (address,))
        _write(layout.pki / f"{name}.kubeconfig", kubeconfig(layout.pki, name, inside))
    # The tokens of service accounts are signed with RSA everywhere.
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    _write(layout.pki / "service-accounts.key", private_pem(key))
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    _write(layout.pki / "service-accounts.pub", public)


def kubeconfig(pki: Path, client: str, server: str) -> bytes:
    """A kubeconfig with everything in it, so that it works wherever it is copied."""

    def encoded(name: str) -> str:
        return base64.b64encode((pki / name).read_bytes()).decode()

    cluster = {"server": server, "certificate-authority-data": encoded("ca.crt")}
    user = {
        "client-certificate-data": encoded(f"{client}.crt"),
        "client-key-data": encoded(f"{client}.key"),
    }
    name = "rig"
    value = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    return json.dumps(value, indent=1).encode()


class _Authority:
    """A CA that signs for servers and clients alike."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "holdfast rig CA")])
        certificate = (
            builder(self._name, self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage(sign_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        _write(folder / "ca.key", private_pem(self._key))
        _write(folder / "ca.crt", certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self,
        file: str,
        group: str,
        user: str,
        names: Sequence[str] = (),
        addresses: Sequence[str] = (),
    ) -> None:
        """Write ``file.crt`` and ``file.key``: the API server reads group and user from them."""
        key = ec.generate_private_key(ec.SECP256R1())
        parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
        parts.append(x509.NameAttribute(NameOID.COMMON_NAME, user))
        unsigned = (
            builder(x509.Name(parts), self._name, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(sign_certificates=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
                ),
                critical=False,
            )
        )
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        alternatives += [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
        if alternatives:
            extension = x509.SubjectAlternativeName(alternatives)
            unsigned = unsigned.add_extension(extension, critical=False)
        certificate = unsigned.sign(self._key, hashes.SHA256())
        _write(self._folder / f"{file}.key", private_pem(key))
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        _write(self._folder / f"{file}.crt", pem)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
