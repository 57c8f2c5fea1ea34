from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.connection import Address
from holdfast.roles import Role
from holdfast.rotation.logins import MOVE_SECONDS, Login, older, parse_logins, staying

NODE = Address("127.0.0.1", 7600)
NOW = 1_000_000.0
CLIENT_LIST = (
    "id=7 addr=10.0.0.9:41000 laddr=127.0.0.1:7600 fd=9 name=chat age=300 idle=2 flags=N db=0 "
    "user=svc redir=-1 resp=2 lib-name= lib-ver=\n"
    "id=9 addr=127.0.0.1:41001 fd=10 name=sentinel-0f1e2d3c-cmd age=4 idle=0 flags=N "
    "user=sentinel\n"
    "id=10 addr=127.0.0.1:41002 fd=11 name=sentinel-0f1e2d3c-pubsub age=4 idle=0 flags=P "
    "user=sentinel\n"
    "id=12 addr=127.0.0.1:41003 fd=12 name= age=1 idle=1 flags=N user=monitor\n"
)


def login(*, opened_ago: int, used_ago: int) -> Login:
    text = f"id=1 addr=10.0.0.9:41000 age={opened_ago} idle={used_ago} user=svc\n"
    (found,) = parse_logins(text, NODE, NOW, {"svc": Role.SVC})
    return found


def test_connections_of_other_users_are_left_out() -> None:
    users = {"svc": Role.SVC, "sentinel": Role.SENTINEL}
    found = list(parse_logins(CLIENT_LIST, NODE, NOW, users))
    assert [(entry.id, entry.role, entry.peer) for entry in found] == [
        (7, Role.SVC, "10.0.0.9:41000"),
        (9, Role.SENTINEL, "127.0.0.1:41001"),
        (10, Role.SENTINEL, "127.0.0.1:41002"),
    ]


def test_the_connections_of_one_sentinel_belong_together_and_those_of_clients_do_not() -> None:
    users = {"svc": Role.SVC, "sentinel": Role.SENTINEL}
    assert [entry.holder for entry in parse_logins(CLIENT_LIST, NODE, NOW, users)] == [
        "7",
        "sentinel-0f1e2d3c",
        "sentinel-0f1e2d3c",
    ]


def test_only_links_of_servers_have_to_come_back_when_they_are_cut() -> None:
    text = CLIENT_LIST + (
        "id=20 addr=127.0.0.1:41004 name= age=9 idle=0 flags=S user=replica\n"
        # Somebody who tries the password.
        "id=21 addr=127.0.0.1:41005 name= age=0 idle=0 flags=N user=replica\n"
    )
    users = {role.value: role for role in Role}
    found = {entry.id: entry.comes_back for entry in parse_logins(text, NODE, NOW, users)}
    assert found == {
        7: "",
        9: "sentinel-0f1e2d3c-cmd",
        10: "sentinel-0f1e2d3c-pubsub",
        12: "",
        20: "replica",
        21: "",
    }


def test_a_client_is_named_by_address_role_and_age() -> None:
    (first,) = parse_logins(CLIENT_LIST, NODE, NOW, {"svc": Role.SVC})
    assert first.describe(NOW) == (
        "10.0.0.9:41000 (chat) as svc on 127.0.0.1:7600, logged in 299 s ago, last used 2 s ago"
    )


@pytest.mark.parametrize(
    ("opened_ago", "used_ago", "is_older", "stays"),
    [
        (300, 0, True, True),
        # Idle since: it looks at its source before it goes on.
        (300, 100, True, False),
        (300, 60, True, False),
        # Used after the change, but within the time it has to notice.
        (300, 60 - int(MOVE_SECONDS), True, False),
        # Whole seconds cannot tell: cut in case it is older, not blamed in case it is newer.
        (60, 0, True, False),
        (58, 0, False, False),
        (10, 0, False, False),
    ],
)
def test_who_stays_is_older_than_the_change_and_in_use_after_it(
    opened_ago: int, used_ago: int, *, is_older: bool, stays: bool
) -> None:
    entry = login(opened_ago=opened_ago, used_ago=used_ago)
    told = {Role.SVC: NOW - 60}
    assert bool(older([entry], told)) == is_older
    assert bool(staying([entry], told)) == stays


MOMENTS = st.floats(10_000.0, 10_100.0)


@given(opened=MOMENTS, told=MOMENTS, waited=st.floats(0.0, 60.0), lag=st.floats(0.0, 0.1))
def test_a_login_from_after_the_change_is_never_blamed_and_one_from_before_always_cut(
    opened: float, told: float, waited: float, lag: float
) -> None:
    now = max(opened, told) + waited
    # As a server counts: whole seconds of a clock that it looks at ten times a second.
    age = max(int(now - lag) - int(opened), 0)
    text = f"id=1 addr=10.0.0.9:41000 age={age} idle=0 user=svc\n"
    found = list(parse_logins(text, NODE, now, {"svc": Role.SVC}))
    if opened >= told:
        assert staying(found, {Role.SVC: told}) == []
    else:
        assert older(found, {Role.SVC: told}) == found
