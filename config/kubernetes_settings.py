"""The settings that only target kubernetes has. Offline: no cluster is asked here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from config.ca_file import read_ca
from config.foreign_certificates import refuse_certificate_rotation
from config.place import Place
from config.reader import ConfigReader
from config.schema import BY_NAME, Engine
from config.shape import Shape
from holdfast.connection import Topology
from holdfast.errors import ConfigError
from holdfast.rotation.settings import RotationSettings

DEFAULT_VERSION: Final = "9.1.2"
"""The oldest that the handover without loss was tried on."""
DEFAULT_IMAGE: Final = f"valkey/valkey:{DEFAULT_VERSION}"

_TAG_VERSION: Final = re.compile(r":(?P<version>[0-9]+\.[0-9]+\.[0-9]+)(-[\w.-]+)?(@sha256:|\Z)")
_VERSION: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\Z")
_ISSUER: Final = re.compile(
    r"(?P<kind>Issuer|ClusterIssuer)/(?P<name>[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)\Z"
)
_MAX_PORT: Final = 65535


class Certificates(StrEnum):
    """Who issues the certificates of servers and Sentinels."""

    KIT = "kit"
    CERT_MANAGER = "cert-manager"


@dataclass(frozen=True, slots=True)
class Issuer:
    """A cert-manager issuer.

    Attributes:
        kind: Issuer, of the store's namespace, or ClusterIssuer.
        name: of it.
        ca_pem: what clients are to trust; None for ``ca.crt`` of the issued Secret.
    """

    kind: str
    name: str
    ca_pem: str | None = None


@dataclass(frozen=True, slots=True)
class KubernetesSettings:
    """What a store in a cluster needs; config/kubernetes_schema.py says what each means."""

    namespace: str
    create_namespace: bool
    store: str
    kubeconfig: Path | None
    context: str | None
    engine: Engine
    engine_version: str
    image: str
    image_pull_secrets: tuple[str, ...]
    storage_class: str | None
    storage: str | None
    memory_limit: str | None
    server_cpu: str
    cold_start_grace_seconds: int
    share_nodes: bool
    client_namespaces: tuple[str, ...]
    cluster_domain: str
    dns_namespace: str
    dns_ports: tuple[int, ...]
    issuer: Issuer | None
    """None: the kit's own CA."""


def load_kubernetes_settings(
    reader: ConfigReader, shape: Shape, rotation: RotationSettings, place: Place
) -> KubernetesSettings:
    """Read what only target kubernetes has. Raises ConfigError."""
    if shape.topology is not Topology.SENTINEL:
        raise ConfigError(
            BY_NAME["topology"].key,
            shape.topology.value,
            "sentinel with target kubernetes",
            "remove it, or choose another target",
        )
    image = reader.optional_text("image") or DEFAULT_IMAGE
    kubeconfig = reader.optional_text("kubeconfig")
    return KubernetesSettings(
        namespace=_namespace(reader.optional_text("namespace")),
        create_namespace=reader.flag("createNamespace"),
        store=reader.text("storeName"),
        kubeconfig=None if kubeconfig is None else place.path("kubeconfig", kubeconfig),
        context=reader.optional_text("context"),
        engine=reader.optional_choice(Engine, "engine") or Engine.VALKEY,
        engine_version=_version(reader.optional_text("engineVersion"), image),
        image=image,
        image_pull_secrets=reader.texts("imagePullSecrets"),
        storage_class=reader.optional_text("storageClass"),
        storage=reader.optional_text("storage"),
        memory_limit=reader.optional_text("memoryLimit"),
        server_cpu=reader.text("serverCpu"),
        cold_start_grace_seconds=reader.number("coldStartGraceSeconds"),
        share_nodes=reader.flag("shareNodes"),
        client_namespaces=reader.texts("clientNamespaces"),
        cluster_domain=reader.text("clusterDomain"),
        dns_namespace=reader.text("dnsNamespace"),
        dns_ports=_ports(reader.text("dnsPorts")),
        issuer=_issuer(reader, rotation, place),
    )


def _namespace(setting: str | None) -> str:
    if setting is None:
        raise ConfigError(
            BY_NAME["namespace"].key,
            "nothing",
            "a namespace with target kubernetes",
            f"set one, and {BY_NAME['createNamespace'].key} true if it is not there yet",
        )
    return setting


def _version(setting: str | None, image: str) -> str:
    """What scripts and rules go by; the pods refuse to start if the image has another one."""
    key = BY_NAME["engineVersion"].key
    if setting is not None:
        if not _VERSION.match(setting):
            raise ConfigError(
                key,
                setting,
                "a version in full with target kubernetes",
                f'set for example "{DEFAULT_VERSION}"',
            )
        return setting
    match = _TAG_VERSION.search(image)
    if match is None and not set(image.rpartition("/")[2]) & {":", "@"}:
        raise ConfigError(
            BY_NAME["image"].key,
            image,
            "an image with a tag or a digest",
            f"set for example {DEFAULT_IMAGE}",
        )
    if match is None:
        raise ConfigError(
            key,
            "nothing",
            f"the version of the server in {image}, whose tag does not tell it",
            f'set for example "{DEFAULT_VERSION}"',
        )
    return match["version"]


def _ports(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    ports = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) <= 5]  # noqa: PLR2004 - the longest port number
    if len(ports) != len(parts) or not all(1 <= port <= _MAX_PORT for port in ports):
        raise ConfigError(
            BY_NAME["dnsPorts"].key, text, f"ports from 1 to {_MAX_PORT}", "set for example 53,5353"
        )
    return tuple(dict.fromkeys(ports))


def _issuer(reader: ConfigReader, rotation: RotationSettings, place: Place) -> Issuer | None:
    issuer, ca_file = (
        reader.optional_text(name) for name in ("certificateIssuer", "certificateCaFile")
    )
    if reader.choice(Certificates, "certificates") is Certificates.KIT:
        for name, given in (("certificateIssuer", issuer), ("certificateCaFile", ca_file)):
            if given is not None:
                raise ConfigError(
                    BY_NAME[name].key,
                    given,
                    f"{BY_NAME['certificates'].key} cert-manager beside it",
                    "set that too, or remove this",
                )
        return None
    match = _ISSUER.match(issuer or "")
    if match is None:
        raise ConfigError(
            BY_NAME["certificateIssuer"].key,
            issuer or "nothing",
            "Issuer/<name> or ClusterIssuer/<name> with certificates cert-manager",
            "set the one that is to sign",
        )
    refuse_certificate_rotation(rotation, where="certificates cert-manager", issuer="cert-manager")
    ca_pem = None if ca_file is None else read_ca("certificateCaFile", ca_file, place)
    return Issuer(match["kind"], match["name"], ca_pem)
