"""Certificates as PEM text: a CA of our own and what it issues. ECDSA P-256 throughout."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from holdfast.errors import ConfigError

BACKDATED: Final = timedelta(minutes=5)
"""A certificate is valid from a little earlier, for machines whose clocks are behind."""


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate_pem: str
    private_key_pem: str = field(repr=False)
    serial: str
    issued_at: datetime
    expires_at: datetime


def mint_authority(common_name: str, validity_days: int, now: datetime) -> Issued:
    """A self-signed CA that issues end certificates only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(common_name)
    start = now.replace(microsecond=0)
    builder = (
        _builder(name, name, key, start, start + timedelta(days=validity_days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return _issued(builder.sign(key, hashes.SHA256()), key, start)


def issue(
    ca_certificate_pem: str,
    ca_private_key_pem: str,
    *,
    common_name: str,
    dns_names: Sequence[str],
    ip_addresses: Sequence[str],
    validity_days: int,
    now: datetime,
) -> Issued:
    """A certificate for both ends of a connection, never valid for longer than its CA.

    Raises:
        ConfigError: the CA's key is not of its certificate, or the CA is not valid now.
    """
    authority, authority_key = _load_authority(ca_certificate_pem, ca_private_key_pem, now)
    key = ec.generate_private_key(ec.SECP256R1())
    start = now.replace(microsecond=0)
    end = min(start + timedelta(days=validity_days), authority.not_valid_after_utc)
    names: list[x509.GeneralName] = [x509.DNSName(item) for item in dns_names]
    names += [x509.IPAddress(ipaddress.ip_address(item)) for item in ip_addresses]
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    builder = (
        _builder(_name(common_name), authority.subject, key, start, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(issuer_key, critical=False)
    )
    return _issued(builder.sign(authority_key, hashes.SHA256()), key, start)


def _load_authority(
    certificate_pem: str, private_key_pem: str, now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    except ValueError as error:
        raise ConfigError(
            "caCertificatePem", "other text", "one PEM certificate", "pass the CA's output"
        ) from error
    try:
        key = serialization.load_pem_private_key(private_key_pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            "caPrivateKeyPem", "[secret]", "a PEM private key", "pass the CA's output"
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != (
        certificate.public_key()
    ):
        raise ConfigError(
            "caPrivateKeyPem",
            "[secret]",
            "the ECDSA key of caCertificatePem",
            "pass both outputs of the same CertificateAuthority",
        )
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise ConfigError(
            "caCertificatePem",
            f"valid until {certificate.not_valid_after_utc:%Y-%m-%d}",
            "a CA that is valid now",
            "rotate the CertificateAuthority",
        )
    return certificate, key


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - BACKDATED)
        .not_valid_after(end)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _issued(
    certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, issued_at: datetime
) -> Issued:
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Issued(
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        private_key_pem=private.decode(),
        serial=f"{certificate.serial_number:x}",
        issued_at=issued_at.astimezone(UTC),
        expires_at=certificate.not_valid_after_utc,
    )
