"""Whether a certificate, its key and its CA belong together, before anything is written."""

from __future__ import annotations

import ipaddress

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from holdfast.errors import ConfigError


def check_material(certificate_pem: str, private_key_pem: str, ca_pem: str, address: str) -> None:
    """Refuse TLS material with which no client could connect.

    Raises:
        ConfigError: not PEM, the key is another one's, no CA of the bundle has signed the
            certificate, or the certificate does not name the address.
    """
    certificate = _certificates("tlsCertificatePem", certificate_pem)[0]
    authorities = _certificates("tlsCaPem", ca_pem)
    try:
        key = serialization.load_pem_private_key(private_key_pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            "tlsPrivateKeyPem", "(not shown)", "a private key in PEM, not encrypted", "pass one"
        ) from error
    if _public_bytes(key.public_key()) != _public_bytes(certificate.public_key()):
        raise ConfigError(
            "tlsPrivateKeyPem",
            "(not shown)",
            f"the key of the certificate {certificate.subject.rfc4514_string()}",
            "pass certificate and key of one Certificate",
        )
    if not any(_signed_by(certificate, authority) for authority in authorities):
        raise ConfigError(
            "tlsCertificatePem",
            certificate.subject.rfc4514_string(),
            "a certificate signed by a CA of tlsCaPem",
            f"it was issued by {certificate.issuer.rfc4514_string()}; pass that CA",
        )
    if ipaddress.ip_address(address) not in _addresses(certificate):
        raise ConfigError(
            "tlsCertificatePem",
            certificate.subject.rfc4514_string(),
            f"a certificate for the address {address}",
            "issue it with that IP address",
        )


def _certificates(name: str, pem: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise ConfigError(name, "(not shown)", "a certificate in PEM", "pass one") from error


def _public_bytes(key: object) -> bytes:
    # Every public key type of the library has this method; they share no base class for it.
    return key.public_bytes(  # type: ignore[attr-defined,no-any-return]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _addresses(
    certificate: x509.Certificate,
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    found = names.get_values_for_type(x509.IPAddress)
    return [a for a in found if isinstance(a, ipaddress.IPv4Address | ipaddress.IPv6Address)]
