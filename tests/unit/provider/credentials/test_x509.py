from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509 as parsed
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from holdfast.errors import ConfigError
from provider.credentials.x509 import Issued, issue, mint_authority
from tests.unit.provider.credentials.handshake import accepts

_NOW = datetime.now(UTC).replace(microsecond=0)


def _issue(ca: Issued, *, days: int = 90, now: datetime = _NOW) -> Issued:
    return issue(
        ca.certificate_pem,
        ca.private_key_pem,
        common_name="valkey-0",
        dns_names=["valkey-0.test", "*.pool.test"],
        ip_addresses=["127.0.0.1", "::1"],
        validity_days=days,
        now=now,
    )


def _parsed(issued: Issued) -> parsed.Certificate:
    return parsed.load_pem_x509_certificate(issued.certificate_pem.encode())


@pytest.fixture(scope="module")
def ca() -> Issued:
    return mint_authority("test CA", 3650, _NOW)


def test_the_ca_may_sign_end_certificates_and_nothing_else(ca: Issued) -> None:
    extensions = _parsed(ca).extensions
    constraints = extensions.get_extension_for_class(parsed.BasicConstraints)
    usage = extensions.get_extension_for_class(parsed.KeyUsage)
    assert constraints.critical
    assert constraints.value.ca
    assert constraints.value.path_length == 0
    assert usage.value.key_cert_sign
    assert not usage.value.digital_signature


def test_keys_are_ecdsa_p256(ca: Issued) -> None:
    for issued in (ca, _issue(ca)):
        key = _parsed(issued).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name == "secp256r1"


def test_a_certificate_is_signed_by_its_ca_and_names_both_ends(ca: Issued) -> None:
    leaf = _parsed(_issue(ca))
    leaf.verify_directly_issued_by(_parsed(ca))
    usages = leaf.extensions.get_extension_for_class(parsed.ExtendedKeyUsage).value
    assert set(usages) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert not leaf.extensions.get_extension_for_class(parsed.BasicConstraints).value.ca


def test_a_certificate_is_valid_for_the_days_asked_for(ca: Issued) -> None:
    issued = _issue(ca, days=90)
    assert issued.issued_at == _NOW
    assert issued.expires_at == _NOW + timedelta(days=90)
    assert _parsed(issued).not_valid_before_utc < _NOW


def test_a_certificate_never_outlives_its_ca() -> None:
    short = mint_authority("short CA", 10, _NOW)
    assert _issue(short, days=90).expires_at == short.expires_at


@pytest.mark.parametrize("name", ["valkey-0.test", "a.pool.test", "127.0.0.1", "::1"])
def test_a_client_accepts_each_name_and_address(ca: Issued, tmp_path: Path, name: str) -> None:
    leaf = _issue(ca)
    assert accepts(tmp_path, ca.certificate_pem, leaf.certificate_pem, leaf.private_key_pem, name)


@pytest.mark.parametrize("name", ["valkey-0", "valkey-1.test", "127.0.0.2"])
def test_a_client_refuses_every_other_name(ca: Issued, tmp_path: Path, name: str) -> None:
    leaf = _issue(ca)
    assert not accepts(
        tmp_path, ca.certificate_pem, leaf.certificate_pem, leaf.private_key_pem, name
    )


def test_a_client_of_another_ca_of_the_same_name_refuses(ca: Issued, tmp_path: Path) -> None:
    other, leaf = mint_authority("test CA", 3650, _NOW), _issue(ca)
    assert not accepts(
        tmp_path, other.certificate_pem, leaf.certificate_pem, leaf.private_key_pem, "127.0.0.1"
    )


def test_the_key_of_another_ca_is_refused_without_showing_it(ca: Issued) -> None:
    other = mint_authority("other CA", 3650, _NOW)
    mixed = Issued(
        ca.certificate_pem, other.private_key_pem, ca.serial, ca.issued_at, ca.expires_at
    )
    with pytest.raises(ConfigError, match="the ECDSA key of caCertificatePem") as refused:
        _issue(mixed)
    assert other.private_key_pem.splitlines()[1] not in str(refused.value)


@pytest.mark.parametrize(
    ("field", "certificate", "key"),
    [("caCertificatePem", "nonsense", None), ("caPrivateKeyPem", None, "nonsense")],
)
def test_text_that_is_no_pem_is_refused_by_name(
    ca: Issued, field: str, certificate: str | None, key: str | None
) -> None:
    mixed = Issued(
        certificate or ca.certificate_pem,
        key or ca.private_key_pem,
        ca.serial,
        ca.issued_at,
        ca.expires_at,
    )
    with pytest.raises(ConfigError) as refused:
        _issue(mixed)
    assert refused.value.field == field


def test_an_expired_ca_issues_nothing(ca: Issued) -> None:
    with pytest.raises(ConfigError, match="rotate the CertificateAuthority"):
        _issue(ca, now=ca.expires_at)


def test_the_key_is_not_in_the_repr(ca: Issued) -> None:
    assert "PRIVATE KEY" not in repr(ca)
