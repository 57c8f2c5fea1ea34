"""Subscribers on real servers: messages arrive, and a break is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.client import RECONNECTED, ClientOptions, Library, Reconnected
from holdfast.connection import Topology
from holdfast.errors import AccessDenied
from holdfast.roles import Role
from holdfast.source import FileSource
from tests.clients import Client, Listener, command
from tests.servers import Servers, wait_until

_CHANNELS = tuple(f"agent:evt:{{b{bucket:02d}}}" for bucket in (1, 2, 3, 4))


@pytest.fixture(params=["sync", "async"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["standalone_server", "sentinel_servers", "cluster_servers"])
def servers(request: pytest.FixtureRequest) -> Servers:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Servers)
    return found


@pytest.fixture
def client(servers: Servers, api: str, library: str) -> Iterator[Client]:
    options = ClientOptions(library=Library(library))
    with Client(api, servers.connection, options=options) as client:
        yield client


@pytest.fixture
def listener(client: Client) -> Iterator[Listener]:
    listener = client.subscriber()
    yield listener
    listener.close()


def _publish(client: Client, servers: Servers, channel: str, text: str) -> int:
    verb = "SPUBLISH" if servers.topology is Topology.CLUSTER else "PUBLISH"
    return int(client.run(command(verb, channel, text, key=channel)))


def _end_listeners(servers: Servers) -> None:
    for node in servers.servers:
        servers.call(node.name, "CLIENT", "KILL", "TYPE", "PUBSUB")


def test_messages_of_all_channels_arrive(
    client: Client, listener: Listener, servers: Servers
) -> None:
    listener.subscribe(*_CHANNELS)
    sent = {(channel, str(n)) for n, channel in enumerate(_CHANNELS)}
    for channel, text in sent:
        assert _publish(client, servers, channel, text) == 1
    received = set()
    for _ in sent:
        message = listener.next(5)
        assert isinstance(message, tuple)
        received.add((message[0], message[1].decode()))
    assert received == sent
    assert listener.next(0.05) is None


def test_messages_of_a_channel_arrive_in_order_even_without_waiting(
    client: Client, listener: Listener, servers: Servers
) -> None:
    listener.subscribe(_CHANNELS[0])
    for number in range(30):
        _publish(client, servers, _CHANNELS[0], str(number))
    received: list[bytes] = []

    def take() -> bool:
        message = listener.next(0)
        if isinstance(message, tuple):
            received.append(message[1])
        return len(received) == 30

    wait_until("thirty messages", take, seconds=5)
    assert received == [str(number).encode() for number in range(30)]


def test_an_unsubscribed_channel_is_silent(
    client: Client, listener: Listener, servers: Servers
) -> None:
    listener.subscribe(*_CHANNELS)
    listener.unsubscribe(_CHANNELS[0])
    wait_until(
        "the server to know", lambda: _publish(client, servers, _CHANNELS[0], "no") == 0, seconds=5
    )
    _publish(client, servers, _CHANNELS[1], "yes")
    received = []
    while (message := listener.next(0.2)) is not None:
        received.append(message)
    assert (_CHANNELS[1], b"yes") in received


def test_a_lost_connection_is_told_once_and_messages_go_on(
    client: Client, listener: Listener, servers: Servers
) -> None:
    listener.subscribe(_CHANNELS[0])
    _end_listeners(servers)
    assert listener.next(5) is RECONNECTED
    _publish(client, servers, _CHANNELS[0], "again")
    assert listener.next(5) == (_CHANNELS[0], b"again")
    assert listener.next(0.05) is None


def test_a_channel_can_be_added_later(client: Client, listener: Listener, servers: Servers) -> None:
    listener.subscribe(_CHANNELS[0])
    listener.subscribe(_CHANNELS[1], _CHANNELS[0])
    assert _publish(client, servers, _CHANNELS[0], "0") == 1
    assert _publish(client, servers, _CHANNELS[1], "1") == 1


def test_another_applications_channel_is_denied_and_spoils_nothing(
    client: Client, listener: Listener, servers: Servers
) -> None:
    listener.subscribe(_CHANNELS[0])
    with pytest.raises(AccessDenied):
        listener.subscribe("other:evt:{b01}")
    _publish(client, servers, _CHANNELS[0], "still")
    assert listener.next(5) == (_CHANNELS[0], b"still")


def test_a_role_that_may_not_listen_is_denied(servers: Servers, api: str, library: str) -> None:
    options = ClientOptions(library=Library(library))
    with Client(api, servers.connection, role=Role.MONITOR, options=options) as client:
        listener = client.subscriber()
        with pytest.raises(AccessDenied):
            listener.subscribe(_CHANNELS[0])
        listener.close()


def test_a_silent_connection_is_asked_for_a_sign_of_life(
    servers: Servers, api: str, library: str
) -> None:
    options = ClientOptions(
        library=Library(library), health_check_seconds=0.1, socket_timeout_seconds=0.5
    )
    with Client(api, servers.connection, options=options) as client:
        listener = client.subscriber()
        listener.subscribe(_CHANNELS[0])
        # Answered: the connection stays. A stall can delay the answer; none at all ends each try.
        tries = [_heard(listener)]
        while tries[-1] is not None:
            assert tries[-1] is RECONNECTED
            assert len(tries) < 3
            tries.append(_heard(listener))
        _publish(client, servers, _CHANNELS[0], "still here")
        assert listener.next(5) == (_CHANNELS[0], b"still here")
        listener.close()


def _heard(listener: Listener) -> tuple[str, bytes] | Reconnected | None:
    """What comes in 1.6 s, in short reads: a synchronous one looks at its health after each."""
    for _ in range(8):
        message = listener.next(0.2)
        if message is not None:
            return message
    return None


def test_a_listener_that_sends_nothing_logs_in_anew_when_its_connection_changes(
    servers: Servers, api: str, library: str, tmp_path: Path
) -> None:
    file = tmp_path / "connection.json"
    file.write_text(servers.connection.to_json())
    options = ClientOptions(library=Library(library))
    with Client(
        api, FileSource(file, look_every_seconds=0.0), role=Role.SVC, options=options
    ) as client:
        listener = client.subscriber()
        listener.subscribe(_CHANNELS[0])
        assert listener.next(0.05) is None
        file.write_text(replace(servers.connection, target="changed").to_json())
        assert listener.next(5) is RECONNECTED
        _publish(client, servers, _CHANNELS[0], "again")
        assert listener.next(5) == (_CHANNELS[0], b"again")
        assert listener.next(0.05) is None
        listener.close()
