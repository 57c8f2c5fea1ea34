"""The TLS context and what of its errors is final."""

from __future__ import annotations

import ssl

import pytest

from holdfast.connection import Tls, TlsVersion
from holdfast.errors import ConnectionFormatError
from holdfast.tls import build_context, refusal
from tests.certificates import Authority


def test_a_context_with_a_pem_trusts_that_alone_and_checks_names() -> None:
    context = build_context(Tls(ca=Authority("only me").pem))
    assert [ca["subject"] for ca in context.get_ca_certs()] == [((("commonName", "only me"),),)]
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_a_bundle_of_two_authorities_is_trusted_whole() -> None:
    bundle = Authority("new").pem + Authority("old").pem
    assert len(build_context(Tls(ca=bundle)).get_ca_certs()) == 2


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (TlsVersion.TLS_1_2, ssl.TLSVersion.TLSv1_2),
        (TlsVersion.TLS_1_3, ssl.TLSVersion.TLSv1_3),
    ],
)
def test_the_minimum_version_is_taken_over(version: TlsVersion, expected: ssl.TLSVersion) -> None:
    tls = Tls(ca=Authority().pem, minimum_version=version)
    assert build_context(tls).minimum_version is expected


def test_the_system_store_is_used_only_when_asked_for() -> None:
    context = build_context(Tls(ca="system"))
    assert context.check_hostname
    assert context.cert_store_stats() != {"x509": 1, "crl": 0, "x509_ca": 1}


@pytest.mark.parametrize("ca", ["nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n", "\x00ü"])
def test_text_that_is_no_certificate_is_refused_without_being_shown(ca: str) -> None:
    with pytest.raises(ConnectionFormatError) as caught:
        build_context(Tls(ca=ca))
    assert ca not in str(caught.value)


def _wrapped(cause: BaseException) -> Exception:
    """An error of a library, raised while it handled ``cause``."""
    error = ConnectionError("Error 1 connecting")
    error.__context__ = cause
    return error


def test_a_verification_error_is_found_behind_what_the_library_raises() -> None:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    assert refusal(cause) is cause
    assert refusal(_wrapped(_wrapped(cause))) is cause


@pytest.mark.parametrize(
    "text", ["[SSL: WRONG_VERSION_NUMBER] wrong version number", "tlsv1 alert protocol version"]
)
def test_a_peer_of_another_protocol_is_final(text: str) -> None:
    assert refusal(_wrapped(ssl.SSLError(1, text))) is not None


@pytest.mark.parametrize(
    "error",
    [
        ssl.SSLEOFError(8, "EOF occurred in violation of protocol"),
        ssl.SSLZeroReturnError(6, "TLS/SSL connection has been closed"),
        ConnectionResetError(104, "reset"),
        TimeoutError("the handshake operation timed out"),
    ],
)
def test_a_server_that_goes_down_in_the_handshake_is_an_outage(error: OSError) -> None:
    assert refusal(_wrapped(error)) is None
    assert refusal(None) is None
