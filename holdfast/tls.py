"""One TLS context for all connections of a client.

Building a context is the dear part of a connection (loading the system's certificates alone takes
tens of milliseconds), and a pool must not pay it for each.
"""

from __future__ import annotations

import ssl
from typing import Final

from holdfast.connection import SYSTEM_CA, Tls, TlsVersion
from holdfast.errors import ConnectionFormatError

_VERSIONS: Final = {
    TlsVersion.TLS_1_2: ssl.TLSVersion.TLSv1_2,
    TlsVersion.TLS_1_3: ssl.TLSVersion.TLSv1_3,
}

# OpenSSL's words for a peer that will never be acceptable, however often one tries. Other TLS
# errors (an end of the stream, a reset) are those of a server that is just going down.
_REFUSALS: Final = (
    "CERTIFICATE_VERIFY_FAILED",
    "WRONG_VERSION_NUMBER",
    "UNSUPPORTED_PROTOCOL",
    "NO_PROTOCOLS_AVAILABLE",
    "NO_CIPHERS_AVAILABLE",
    "ALERT_PROTOCOL_VERSION",
    "ALERT_HANDSHAKE_FAILURE",
    "ALERT_UNKNOWN_CA",
    "ALERT_BAD_CERTIFICATE",
    "ALERT_CERTIFICATE_REQUIRED",
    "ALERT_INSUFFICIENT_SECURITY",
)


def build_context(tls: Tls) -> ssl.SSLContext:
    """A client context that verifies the chain and the server's name.

    With a PEM, only that is trusted and the system's bundle is not read.

    Raises:
        ConnectionFormatError: the PEM holds no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = _VERSIONS[tls.minimum_version]
    if tls.ca == SYSTEM_CA:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return context
    try:
        context.load_verify_locations(cadata=tls.ca)
    except (ssl.SSLError, ValueError, TypeError):
        raise ConnectionFormatError(
            "connection.tls.ca", "text that is no certificate", "PEM or 'system'", "export it again"
        ) from None
    return context


def refusal(error: BaseException | None) -> ssl.SSLError | None:
    """The TLS error behind ``error`` that no retry can mend, if there is one.

    The client libraries wrap what the socket raised, so the causes are searched too.
    """
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        if isinstance(error, ssl.SSLError) and any(
            word in (getattr(error, "reason", None) or str(error)).upper().replace(" ", "_")
            for word in _REFUSALS
        ):
            return error
        error = error.__cause__ or error.__context__
    return None
