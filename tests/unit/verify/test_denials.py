from __future__ import annotations

from collections import Counter

import pytest

from holdfast.connection import Address
from holdfast.verify.denials import (
    EMPTY,
    Denial,
    Denials,
    compare,
    read_log,
    refused_command,
    refused_login,
)

NODE = Address("127.0.0.1", 7001)
KEYS = Denial("svc", "command", "keys")
LOGIN = refused_login("svc")


def entry(
    denial: Denial, *, count: int = 1, number: int | None = 1, port: int = 5000
) -> list[object]:
    flat: list[object] = [
        *("count", count, "reason", denial.reason, "context", "toplevel"),
        *("object", denial.object, "username", denial.user, "age-seconds", "0.1"),
        *("client-info", f"id=2 addr=[::1]:{port} laddr=[::1]:7001 fd=8 name= age=0"),
    ]
    return flat if number is None else [*flat, "entry-id", number]


def test_entries_are_told_apart_by_their_number() -> None:
    log = read_log([entry(KEYS, number=2, count=3), entry(KEYS, number=1)])
    assert {n: (logged.count, logged.port) for n, logged in log.entries.items()} == {
        2: (3, 5000),
        1: (1, 5000),
    }


def test_without_numbers_equal_entries_are_summed() -> None:
    log = read_log([entry(KEYS, number=None, count=3), entry(KEYS, number=None)])
    assert log.entries[KEYS].count == 4


def test_a_full_log_without_numbers_cannot_be_compared() -> None:
    full = read_log([entry(KEYS, number=None)] * 128)
    assert not full.comparable
    assert read_log([entry(KEYS, number=None)] * 127).comparable
    assert read_log([entry(KEYS, number=n) for n in range(128)]).comparable


def test_a_log_that_gained_what_was_provoked_agrees() -> None:
    before = read_log([entry(KEYS, count=2)])
    after = read_log([entry(LOGIN, number=2), entry(KEYS, count=5)])
    difference = compare(before, after, Counter({KEYS: 3, LOGIN: 1}), frozenset({5000}))
    assert difference == type(difference)((), (), ())


def test_an_old_entry_that_the_log_dropped_changes_nothing() -> None:
    before = read_log([entry(LOGIN, number=1, count=9)])
    after = read_log([entry(KEYS, number=2)])
    difference = compare(before, after, Counter({KEYS: 1}), frozenset({5000}))
    assert difference == type(difference)((), (), ())


def test_a_denial_that_was_not_logged_is_missing() -> None:
    difference = compare(EMPTY, EMPTY, Counter({KEYS: 1}), frozenset())
    assert difference.missing == (KEYS,)


def test_a_denial_of_ours_that_was_not_provoked_is_unexpected() -> None:
    difference = compare(EMPTY, read_log([entry(KEYS)]), Counter(), frozenset({5000}))
    assert (difference.unexpected, difference.others) == ((KEYS,), ())


def test_a_run_at_the_same_time_that_provokes_the_same_does_not_disturb() -> None:
    difference = compare(
        EMPTY, read_log([entry(KEYS, count=2)]), Counter({KEYS: 1}), frozenset({5000})
    )
    assert (difference.missing, difference.unexpected, difference.others) == ((), (), (KEYS,))


def test_a_denial_of_another_client_is_not_ours() -> None:
    difference = compare(EMPTY, read_log([entry(KEYS, port=1)]), Counter(), frozenset({5000}))
    assert (difference.unexpected, difference.others) == ((), (KEYS,))


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        ("NOPERM User svc has no permissions to run the 'acl|list' command", "acl|list"),
        ("NOPERM this user has no permissions to run the 'acl|list' command", "acl|list"),
    ],
)
def test_a_refused_command_is_known_from_the_reply(reply: str, wanted: str) -> None:
    assert refused_command("svc", reply, ("ACL", "LIST")) == Denial("svc", "command", wanted)


@pytest.mark.parametrize(
    "reply",
    [
        "NOPERM No permissions to access a key",
        "NOPERM this user has no permissions to access one of the keys used as arguments",
    ],
)
def test_a_refused_key_is_known_from_the_command(reply: str) -> None:
    command = ("SET", "other:sess:{b00}:x", "v")
    assert refused_command("svc", reply, command) == Denial("svc", "key", "other:sess:{b00}:x")


def test_what_is_provoked_is_counted_by_node() -> None:
    denials = Denials({})
    denials.expect(NODE, KEYS)
    denials.expect(NODE, KEYS)
    assert denials.expected(NODE) == Counter({KEYS: 2})
    assert denials.expected(Address("127.0.0.1", 7002)) == Counter()
