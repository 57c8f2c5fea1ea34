"""ACL files as text."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.acl import (
    parse_version,
    password_hash,
    role_rule,
    sentinel_acl_file,
    server_acl_file,
    with_revision,
)
from holdfast.connection import Topology
from holdfast.errors import ConfigError
from holdfast.roles import SENTINEL_RULES, Role

_HASHES = {role: [password_hash(f"password of {role}")] for role in Role}

_apps = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True)
_kinds = st.sampled_from(
    [("valkey", "9.1.2"), ("valkey", "8.0.1"), ("redis", "7.0.15"), ("redis", "8.0.2")]
)


def _users(text: str) -> dict[str, str]:
    lines = text.splitlines()
    assert all(line.startswith("user ") for line in lines)
    return {line.split()[1]: line for line in lines}


@given(app=_apps, kind=_kinds, topology=st.sampled_from(Topology))
def test_default_is_off_and_every_pattern_is_the_applications(
    app: str, kind: tuple[str, str], topology: Topology
) -> None:
    users = _users(
        server_acl_file(app, _HASHES, engine=kind[0], version=kind[1], topology=topology)
    )
    assert set(users) == {"default", *Role}
    assert users["default"].startswith("user default off ")
    for role in Role:
        line = users[role]
        if role is Role.ADMIN:
            continue
        assert f"user {role} on #" in line
        assert " resetkeys resetchannels -@all " in line
        assert "+@" not in line
        assert "{app}" not in line
        for pattern in re.findall(r"~(\S+)", line):
            assert pattern.startswith(f"{app}:")
        for channel in re.findall(r"&(\S+)", line):
            assert channel.startswith((f"{app}:", "__sentinel__:hello"))


@given(password=st.text(min_size=1))
def test_a_file_holds_digests_and_never_a_password(password: str) -> None:
    assert password_hash(password) == hashlib.sha256(password.encode()).hexdigest()
    hashes = {Role.SVC: [password_hash(password)]}
    text = server_acl_file(
        "agent", hashes, engine="valkey", version="9.1.2", topology=Topology.STANDALONE
    )
    assert ">" not in text
    assert "nopass" not in text
    assert f"#{password_hash(password)} " in text


def test_a_role_without_digest_is_no_user() -> None:
    text = server_acl_file(
        "agent",
        {Role.SVC: _HASHES[Role.SVC]},
        engine="valkey",
        version="9.1.2",
        topology="standalone",
    )
    assert set(_users(text)) == {"default", "svc"}


def test_two_digests_stand_side_by_side_while_a_password_is_rotated() -> None:
    new, old = password_hash("new"), password_hash("old")
    text = server_acl_file(
        "agent", {Role.SVC: [new, old, new]}, engine="valkey", version="9.1.2", topology="cluster"
    )
    assert f"user svc on #{new} #{old} resetkeys" in text


def test_the_sentinel_file_has_the_roles_that_sentinels_know() -> None:
    users = _users(sentinel_acl_file(_HASHES, engine="valkey", version="9.1.2"))
    assert set(users) == {"default", *SENTINEL_RULES}
    assert "sentinel|get-master-addr-by-name" in users["svc"]
    assert "~" not in users["svc"]
    assert "failover" not in users["svc"]


@pytest.mark.parametrize(
    "hashes",
    [["secret"], [], "0" * 64, ["0" * 63], ["A" * 64], [password_hash("x") + " +@all"]],
)
def test_what_is_no_digest_is_refused_and_not_shown(hashes: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        server_acl_file(
            "agent", {Role.SVC: hashes}, engine="valkey", version="9.1.2", topology="standalone"
        )
    assert "secret" not in str(caught.value)
    assert "acl.svc" in str(caught.value)


@pytest.mark.parametrize(
    ("app", "engine", "version"),
    [
        ("agent:* ~*", "valkey", "9.1.2"),
        ("agent", "keydb", "6.3"),
        ("agent", "valkey", "latest"),
    ],
)
def test_bad_input_is_refused(app: str, engine: str, version: str) -> None:
    with pytest.raises(ConfigError):
        server_acl_file(app, _HASHES, engine=engine, version=version, topology="standalone")


def test_a_rule_without_password_is_what_managed_services_take() -> None:
    rule = role_rule(
        Role.MONITOR, "agent", engine="valkey", version="8.0", topology="replication-group"
    )
    assert rule.startswith("resetkeys resetchannels -@all +ping ")
    assert "#" not in rule


@pytest.mark.parametrize(
    ("text", "numbers"), [("9.1.2", (9, 1, 2)), ("8.0", (8, 0)), ("9.1.0-rc1", (9, 1, 0))]
)
def test_versions_are_read_as_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert parse_version(text) == numbers


def test_the_revision_is_the_digest_of_every_line_before_it_and_can_do_nothing() -> None:
    text = server_acl_file(
        "agent", _HASHES, engine="valkey", version="9.1.2", topology=Topology.SENTINEL
    )
    revised = with_revision(text)
    assert revised.startswith(text)
    last = revised.removeprefix(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert last == f"user _rev off #{digest} resetkeys resetchannels -@all\n"
