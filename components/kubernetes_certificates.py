"""What pods serve and clients trust: of the kit's own CA, or issued by cert-manager."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pulumi
import pulumi_kubernetes as kubernetes
from cryptography import x509

from components.credentials import OwnCertificates
from components.kubernetes_spec import KubernetesSpec
from config.kubernetes_settings import Issuer
from config.pulumi_config import plain_errors
from holdfast.errors import ConfigError
from holdfast.roles import Place
from k8s.certificates import CA, CERTIFICATE, certificate


@dataclass(frozen=True, slots=True)
class Served:
    """The certificates of a store.

    Attributes:
        ca_pem: what clients are to trust.
        serials: serial number in hex by kind of pod.
        secrets: content by file name of the Secret of each kind of pod; empty where somebody
            else writes it.
        before_pods: what has to be there before pods start.
    """

    ca_pem: pulumi.Output[str]
    serials: pulumi.Output[dict[str, str]]
    secrets: Mapping[Place, Mapping[str, pulumi.Output[str]]]
    before_pods: tuple[pulumi.Resource, ...] = ()


def serve_own(name: str, spec: KubernetesSpec, child: pulumi.ResourceOptions) -> Served:
    """A CA of the store's own."""
    own = OwnCertificates(name, spec.credentials, child)
    return Served(
        ca_pem=own.authority.bundle_pem,
        serials=own.serials,
        secrets={
            place: {
                CERTIFICATE: made.certificate_pem,
                "tls.key": made.private_key_pem,
                CA: own.authority.bundle_pem,
            }
            for place, made in own.certificates.items()
        },
    )


def serve_issued(
    name: str, spec: KubernetesSpec, issuer: Issuer, child: pulumi.ResourceOptions
) -> Served:
    """Ask cert-manager, and read what it wrote."""
    made: list[pulumi.Resource] = []
    files: dict[Place, pulumi.Output[dict[str, str]]] = {}
    for place, dns_names in spec.credentials.dns_names.items():
        manifest = certificate(spec.objects, place, dns_names, issuer)
        ordered = kubernetes.apiextensions.CustomResource(
            f"{name}-{place}-certificate",
            api_version=manifest["apiVersion"],
            kind=manifest["kind"],
            metadata=manifest["metadata"],
            spec=manifest["spec"],
            opts=child,
        )
        path = f"{spec.objects.names.namespace}/{spec.objects.names.tls(place)}"
        # Its id is not known before there is a Certificate, so that a first preview reads nothing.
        issued = kubernetes.core.v1.Secret.get(
            f"{name}-{place}-issued",
            id=ordered.id.apply(partial(_known_after, path)),
            opts=child,
        )
        content: pulumi.Output[Mapping[str, str]] = pulumi.Output.secret(issued.data)
        files[place] = content.apply(partial(_read_issued, path))
        made.append(ordered)
    serials: pulumi.Output[dict[str, str]] = pulumi.Output.all(
        **{place.value: found.apply(_serial) for place, found in files.items()}
    )
    ca_pem = files[Place.SERVER].apply(lambda found: issuer.ca_pem or found[CA])
    return Served(
        # Neither is secret: clients and everybody who connects see them.
        ca_pem=pulumi.Output.unsecret(ca_pem),
        serials=pulumi.Output.unsecret(serials),
        secrets={place: {} for place in files},
        before_pods=tuple(made),
    )


def read_issued(path: str, data: Mapping[str, str] | None) -> dict[str, str]:
    """The certificate and its CA out of an issued Secret; never the key.

    Args:
        path: of the Secret, for errors.
        data: its content as the API gives it.

    Raises:
        ConfigError: one of them is not there.
    """
    try:
        found = {
            file: base64.b64decode((data or {}).get(file, ""), validate=True).decode()
            for file in (CERTIFICATE, CA)
        }
        for pem in found.values():
            x509.load_pem_x509_certificates(pem.encode())
    except (binascii.Error, ValueError):
        raise ConfigError(
            "issuer",
            f"the Secret {path}",
            f"certificates in {CERTIFICATE} and {CA}",
            "choose an issuer that gives its CA (CA, SelfSigned, Vault): public ones give none",
        ) from None
    return found


def _read_issued(path: str, data: Mapping[str, str] | None) -> dict[str, str]:
    with plain_errors():
        return read_issued(path, data)


def _known_after(value: str, _other: object) -> str:
    return value


def _serial(files: Mapping[str, str]) -> str:
    first = x509.load_pem_x509_certificates(files[CERTIFICATE].encode())[0]
    return f"{first.serial_number:x}"
