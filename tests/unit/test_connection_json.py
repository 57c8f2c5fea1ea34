"""The Connection document: round trip, versions, and input that is wrong in any way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.connection import (
    Address,
    Capability,
    Capacity,
    Cold,
    Connection,
    Tls,
    TlsVersion,
    Topology,
    User,
)
from holdfast.errors import ConfigError, ConnectionFormatError
from holdfast.roles import Role

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1)
hosts = st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True) | st.just("::1")
addresses = st.builds(Address, hosts, st.integers(1, 65535))
users = st.one_of(
    st.builds(User, words, password=words),
    st.builds(User, words, secret_arn=words),
    st.builds(User, words, iam=st.just(True)),
)


@st.composite
def connections(draw: st.DrawFn) -> Connection:
    topology = draw(st.sampled_from(Topology))
    values: dict[str, Any] = {
        "target": draw(words),
        "topology": topology,
        "engine": draw(words),
        "engine_version": draw(words),
        "app": draw(st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)),
        "buckets": draw(st.sampled_from([1, 64, 1024])),
        "tls": Tls(draw(words), draw(st.sampled_from(TlsVersion))),
        "users": draw(st.dictionaries(st.sampled_from(Role), users)),
        "dial": draw(st.dictionaries(words, words)),
        "cold": draw(st.sampled_from(Cold)),
        "capabilities": draw(st.frozensets(st.sampled_from(Capability))),
        "capacity": draw(
            st.builds(
                Capacity,
                st.none() | st.integers(0, 1 << 50),
                st.none() | words,
                st.none() | st.integers(0, 1 << 40),
            )
        ),
        "reader": draw(st.none() | addresses),
    }
    if topology is Topology.SENTINEL:
        values["sentinels"] = tuple(draw(st.lists(addresses, min_size=1, max_size=3)))
        values["sentinel_service"] = draw(words)
    elif topology is Topology.CLUSTER:
        values["seeds"] = tuple(draw(st.lists(addresses, min_size=1, max_size=3)))
    else:
        values["primary"] = draw(addresses)
    return Connection(**values)


@given(connections())
def test_what_is_written_is_what_is_read(connection: Connection) -> None:
    text = connection.to_json()
    assert Connection.from_json(text) == connection
    assert Connection.from_json(text.encode()) == connection
    assert Connection.from_json(text).to_json() == text
    assert json.loads(text)["version"] == 1


def document(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    found: dict[str, Any] = {
        "version": 1,
        "target": "local",
        "topology": "standalone",
        "engine": "valkey",
        "engine_version": "9.1.2",
        "app": "agent",
        "tls": {"ca": "system"},
        "users": {"svc": {"name": "svc", "password": "s3cret-value"}},
        "primary": "127.0.0.1:6379",
    }
    return found | changes


def test_the_smallest_document_has_documented_defaults() -> None:
    connection = Connection.from_json(json.dumps(document()))
    assert connection.buckets == 64
    assert connection.cold is Cold.NONE
    assert connection.tls.minimum_version is TlsVersion.TLS_1_2
    assert connection.capabilities == frozenset()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"version": 2}, "connection.version"),
        ({"version": 0}, "connection.version"),
        ({"version": "1"}, "connection.version"),
        ({"version": True}, "connection.version"),
        ({"surprise": 1}, "connection"),
        ({"tls": {"ca": "system", "verify": False}}, "connection.tls"),
        ({"users": {"svc": {"name": "svc", "password": "p", "x": 1}}}, "connection.users.svc"),
        ({"users": {"root": {"name": "svc", "password": "p"}}}, "connection.users"),
        ({"users": {"svc": {"name": "svc"}}}, "users.svc"),
        ({"users": {"svc": {"name": "s", "password": "p", "iam": True}}}, "users.s"),
        ({"users": []}, "connection.users"),
        ({"users": {"svc": "p"}}, "connection.users.svc"),
        ({"topology": "ring"}, "connection.topology"),
        ({"topology": "sentinel"}, "connection.sentinels"),
        ({"topology": "cluster"}, "connection.seeds"),
        ({"primary": None}, "connection.primary"),
        ({"primary": "127.0.0.1"}, "address"),
        ({"primary": "127.0.0.1:99999"}, "address.port"),
        ({"primary": "a b:1"}, "address.host"),
        ({"app": "Agent"}, "app"),
        ({"buckets": 3}, "buckets"),
        ({"buckets": 64.0}, "connection.buckets"),
        ({"dial": {"a": 1}}, "connection.dial"),
        ({"sentinels": "a:1"}, "connection.sentinels"),
        ({"capabilities": ["fly"]}, "connection.capabilities"),
        ({"tls": None}, "connection.tls"),
        ({"target": ""}, "connection.target"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Connection.from_json(json.dumps(document(**changes)))
    assert caught.value.field == field


def test_a_newer_version_says_to_upgrade_before_it_complains_of_anything_else() -> None:
    text = json.dumps({"version": 2, "anything": "else"})
    with pytest.raises(ConnectionFormatError, match="newer Holdfast"):
        Connection.from_json(text)


@pytest.mark.parametrize("name", [key for key in document() if key != "version"])
def test_every_field_without_a_default_is_required(name: str) -> None:
    values = document()
    del values[name]
    with pytest.raises(ConfigError, match=name):
        Connection.from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", '"x"', "\x00", "[" * 10_000])
def test_text_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ConnectionFormatError):
        Connection.from_json(text)


@given(st.text() | st.binary())
def test_noise_is_refused_as_bad_configuration_and_as_nothing_else(noise: str | bytes) -> None:
    with pytest.raises(ConfigError):
        Connection.from_json(noise)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*document(), "buckets", "cold", "dial"]), json_values))
def test_a_document_with_any_values_is_read_or_refused_as_bad_configuration(
    changes: dict[str, Any],
) -> None:
    try:
        found = Connection.from_json(json.dumps(document(**changes)))
    except ConfigError:
        return
    assert Connection.from_json(found.to_json()) == found


@given(st.data())
def test_no_complaint_ever_shows_a_password(data: st.DataObject) -> None:
    secret = "s3cret-value"
    values = document(users={"svc": {"name": "svc", "password": [secret]}})
    with pytest.raises(ConfigError) as caught:
        Connection.from_json(json.dumps(values))
    assert secret not in str(caught.value)
    text = json.dumps(document())
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(ConfigError) as caught:
        Connection.from_json(text[:cut])
    assert secret not in repr(caught.value)
    assert caught.value.__cause__ is None
