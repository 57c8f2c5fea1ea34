"""Checks of what happens before a login: TLS and nothing else, from the right server."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Final

from holdfast.connection import Address, Tls
from holdfast.errors import StoreUnavailable, TlsFailed
from holdfast.tls import build_context
from holdfast.verify.check import Check, Context
from holdfast.verify.probe import (
    ALERT_PROTOCOL_VERSION,
    PlainAnswer,
    offer_tls_1_1,
    speak_plain,
)
from holdfast.verify.result import CheckFailed, Group, NotChecked, count_of, require

WRONG_NAME: Final = "wrong-name.holdfast.invalid"
OTHER_CA: Final = """\
-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUK+9njpw1m0GNBuIVvEjwkiiBSTswCgYIKoZIzj0EAwIw
IjEgMB4GA1UEAwwXQSBDQSB0aGF0IHNpZ25zIG5vdGhpbmcwIBcNMjYxMTIzMTAy
NjQ4WhgPMjEyNjEwMzAxMDI2NDhaMCIxIDAeBgNVBAMMF0EgQ0EgdGhhdCBzaWdu
cyBub3RoaW5nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEdgfgB69AU7tRrtJ5
93c5bZbXdo3daMw/2pJtF0yRQ+2f/kri33v0usS9IJvE1qVzdBQ+MQbnDEN0iGS1
z1MjM6NTMFEwHQYDVR0OBBYEFJK3VY69G8eQkvcQU8JDV1Jl1ynxMB8GA1UdIwQY
MBaAFJK3VY69G8eQkvcQU8JDV1Jl1ynxMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZI
zj0EAwIDRwAwRAIgI/jdzp+d150k4dg1gsZkjdp70xL9BwyaceAoxYlDPLUCIBF+
jHjrjYFtjsWWvCNZeGJJKHFAtZINCkD1ChhwKiTo
-----END CERTIFICATE-----
"""
"""A certificate authority whose key was thrown away: it has signed nothing."""


def _plain_text(context: Context) -> str:
    for address in context.nodes.everything:
        answer, said = speak_plain(
            address, context.connection.dial, timeout_seconds=context.access.timeout_seconds
        )
        require(
            answer is not PlainAnswer.SPOKE,
            "a port that speaks TLS only",
            f"{address} answered in plain text: {said[:40].decode(errors='backslashreplace')}",
            "set 'port 0' and 'tls-port' on that server",
        )
    return _on_all(context)


def _wrong_ca(context: Context) -> str:
    _each_refused(
        context,
        lambda: build_context(Tls(OTHER_CA, context.connection.tls.minimum_version)),
        None,
        "a handshake that fails when the client trusts another CA",
    )
    return _on_all(context)


def _wrong_name(context: Context) -> str:
    _each_refused(
        context,
        lambda: build_context(context.connection.tls),
        WRONG_NAME,
        "a handshake that fails when the certificate is for another name",
    )
    return _on_all(context)


def _each_refused(
    context: Context,
    tls: Callable[[], ssl.SSLContext],
    server_name: str | None,
    expected: str,
) -> None:
    ours = tls()
    for address in context.nodes.everything:
        try:
            link = context.access.open(address, context=ours, server_name=server_name)
        except TlsFailed:
            continue
        link.close()
        raise CheckFailed(
            expected,
            f"a connection to {address}",
            "do not use this client: it would talk to an impostor",
        )


def _old_tls(context: Context) -> str:
    others: list[str] = []
    for address in context.nodes.everything:
        alert = _alert_of(context, address)
        if alert != ALERT_PROTOCOL_VERSION:
            others.append(f"{address} sent alert {alert}")
    if others:
        raise NotChecked(f"refused, but not for the version: {', '.join(others)}")
    return f"{_on_all(context)}, by the server's alert 'protocol version'"


def _alert_of(context: Context, address: Address) -> int:
    try:
        answer = offer_tls_1_1(
            address, context.connection.dial, timeout_seconds=context.access.timeout_seconds
        )
    except StoreUnavailable as error:
        raise NotChecked(f"no alert came, so who refused is not known: {error}") from None
    if answer.alert is None:
        raise CheckFailed(
            "TLS 1.1 refused by the server",
            f"{address} accepted version {answer.version:#06x}",
            'set tls-protocols to "TLSv1.2 TLSv1.3" on that server',
        )
    return answer.alert


def _on_all(context: Context) -> str:
    text = f"on {count_of(len(context.nodes.servers), 'server')}"
    sentinels = len(context.nodes.sentinels)
    return f"{text} and {count_of(sentinels, 'Sentinel')}" if sentinels else text


CHECKS: Final = (
    Check(Group.SECURITY, "plain text is refused", _plain_text),
    Check(Group.SECURITY, "a client that trusts another CA gets no connection", _wrong_ca),
    Check(Group.SECURITY, "a certificate for another name is refused", _wrong_name),
    Check(Group.SECURITY, "TLS 1.1 is refused by the server itself", _old_tls),
)
