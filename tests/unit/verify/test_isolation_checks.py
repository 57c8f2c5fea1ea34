from __future__ import annotations

import socket

import pytest

from holdfast.connection import Address
from holdfast.roles import Role
from holdfast.verify.isolation_checks import _address, _is_loopback, listening
from holdfast.verify.login_checks import CHECKS as LOGIN_CHECKS
from holdfast.verify.result import NotChecked
from holdfast.verify.topology_checks import CHECKS as TOPOLOGY_CHECKS
from tests.unit.verify.fakes import connection, context


@pytest.mark.skipif(socket.htons(1) == 1, reason="the samples are of a little-endian machine")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0100007F:1DB0", Address("127.0.0.1", 7600)),
        ("00000000:1DB1", Address("0.0.0.0", 7601)),  # noqa: S104 - what a test expects to see
        ("00000000000000000000000001000000:0001", Address("::1", 1)),
    ],
)
def test_addresses_of_the_kernels_table_are_read(text: str, wanted: Address) -> None:
    assert _address(text) == wanted


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - what a test expects to be refused
        ("::", False),
        ("10.0.0.1", False),
        ("store.example", False),
    ],
)
def test_loopback_is_told_from_the_rest(host: str, wanted: bool) -> None:
    assert _is_loopback(host) is wanted


def test_a_listening_socket_is_found_and_a_closed_one_is_not() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        own = Address("127.0.0.1", server.getsockname()[1])
        assert own in [address for address, _ in listening()]
    assert own not in [address for address, _ in listening()]


def test_what_a_topology_does_not_have_is_not_checked() -> None:
    standalone = context()
    reasons = []
    for check in TOPOLOGY_CHECKS:
        if "primary without" not in check.name:
            with pytest.raises(NotChecked) as caught:
                check.run(standalone)
            reasons.append(str(caught.value))
    assert reasons == [
        "a standalone store has no replicas",
        "a standalone store has no Sentinels",
        "a standalone store has no Sentinels",
        "a standalone store has no slots",
    ]


def test_a_wrong_password_cannot_be_tried_without_a_login_that_exists() -> None:
    nobody = context(connection(()))
    check = next(c for c in LOGIN_CHECKS if "wrong password" in c.name)
    with pytest.raises(NotChecked, match="the connection holds no svc role"):
        check.run(nobody)


def test_only_the_machine_of_a_local_store_shows_what_it_binds() -> None:
    from dataclasses import replace

    from holdfast.verify.isolation_checks import CHECKS

    remote = context(replace(connection((Role.ADMIN,)), target="kubernetes"))
    check = next(c for c in CHECKS if "listen" in c.name)
    with pytest.raises(NotChecked, match="on its own machine only"):
        check.run(remote)
