"""A TLS handshake in memory: whether a client that trusts a bundle accepts a certificate."""

from __future__ import annotations

import ssl
from pathlib import Path


def accepts(folder: Path, bundle_pem: str, certificate_pem: str, key_pem: str, name: str) -> bool:
    """Whether a client that trusts ``bundle_pem`` accepts the server as ``name``.

    Args:
        folder: the server's files are written there.
        bundle_pem: what the client trusts.
        certificate_pem: the server's certificate.
        key_pem: its key.
        name: what the client verifies: a host name or an IP address.
    """
    certificate, key = folder / "server.crt", folder / "server.key"
    certificate.write_text(certificate_pem)
    key.write_text(key_pem)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cadata=bundle_pem)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server, server_hostname=name)
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError:
            return False
    return True
