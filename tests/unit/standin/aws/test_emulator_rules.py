"""Rules of the emulated ElastiCache that need no service: access strings, passwords, windows."""

from __future__ import annotations

import hashlib

import pytest

from holdfast.aws.access import access_string
from holdfast.roles import APPLICATION_ROLES, Role
from tests.standin.aws.emulator.elasticache.faults import Fault
from tests.standin.aws.emulator.elasticache.grammar import check_access_string, check_passwords
from tests.standin.aws.emulator.elasticache.parameter_table import parameters
from tests.standin.aws.emulator.elasticache.printed import printed_access_string
from tests.standin.aws.emulator.elasticache.windows import (
    check_apart,
    check_maintenance,
    check_snapshot,
)


@pytest.mark.parametrize(
    "text",
    [
        "on ~sess:* resetchannels -@all +@read +@write -@dangerous",
        "off -@all",
        "on allkeys allchannels allcommands",
        "on %R~a:* %W~b:* %RW~c:* &news:* +get -client|kill +client|list",
        "on ~a:* +get (~b:* %R~c:* +set -@all)",
        "on db=0,1 ~* +@all",
    ],
)
def test_an_access_string_of_the_grammar_is_taken(text: str) -> None:
    assert check_access_string(f"  {text} ") == text


@pytest.mark.parametrize(
    "text",
    [
        " ",
        "on >password",
        "on #e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "on nopass ~* +@all",
        "on resetpass",
        "reset on",
        "on ~* +config",
        "on ~* +config|get",
        "on ~* -debug",
        "on ~* +acl|setuser",
        "on ~* +cluster|failover",
        "on ~* +@everything",
        "on ~* +get|",
        "on ~* (+get",
        "on ~* (on +get)",
        "on ~ +get",
        "on %X~a +get",
        "on & +get",
        "on keys:* +get",
    ],
)
def test_an_access_string_against_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(Fault):
        check_access_string(text)


@pytest.mark.parametrize("rule", [">verysecret", "<verysecret", "#verysecret"])
def test_a_refusal_does_not_repeat_a_password(rule: str) -> None:
    with pytest.raises(Fault) as caught:
        check_access_string(f"on {rule}")
    assert "verysecret" not in str(caught.value)


@pytest.mark.parametrize("role", APPLICATION_ROLES)
@pytest.mark.parametrize(("cluster", "serverless"), [(False, False), (True, False), (True, True)])
def test_the_access_strings_of_the_kit_are_taken(
    role: Role, cluster: bool, serverless: bool
) -> None:
    text = access_string(role, "agent", version="9.1", cluster=cluster, serverless=serverless)
    assert check_access_string(text) == text
    # Another text would show as drift after every refresh.
    assert printed_access_string(text) == text


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        # The service's own examples, and one from a live store (go-to-k/cdk-real-drift 488).
        ("off +get ~keys*", "off ~keys* -@all +get"),
        ("on ~app:* +@read", "on ~app:* -@all +@read"),
        ("on ~* +@all", "on ~* +@all"),
        ("~a:*", "off ~a:* -@all"),
        (
            "on resetkeys resetchannels -@all +get ~a:* &b:*",
            "on ~a:* resetchannels &b:* -@all +get",
        ),
        ("on allkeys allchannels allcommands", "on ~* &* +@all"),
        ("on &a &b", "on resetchannels &a &b -@all"),
        ("on %RW~a %R~b %W~b %R~c", "on ~a ~b %R~c -@all"),
        ("on +GET -get +client|list -client", "on -@all -get -client"),
        ("on +client -client|kill +client|list", "on -@all +client -client|kill +client|list"),
        ("on +@write +@all -@dangerous +info", "on +@all -@dangerous +info"),
        ("on sanitize-payload alldbs +get", "on -@all +get"),
        ("on db=0,1 +get ~a", "on ~a db=0,1 -@all +get"),
        (
            "on +get (+set ~b:* -@write resetchannels) ~a:*",
            "on ~a:* -@all +get (~b:* resetchannels -@all +set -@write)",
        ),
        ("on (~a +get) clearselectors (~b +get)", "on -@all (~b -@all +get)"),
    ],
)
def test_an_access_string_is_handed_back_as_a_server_prints_it(given: str, printed: str) -> None:
    assert check_access_string(given) == given
    assert printed_access_string(given) == printed
    assert printed_access_string(printed) == printed


@pytest.mark.parametrize("password", ["p" * 15, "p" * 129, *("p" * 16 + c for c in ',"/@ é\n')])
def test_a_password_against_the_rules_is_refused_and_not_shown(password: str) -> None:
    with pytest.raises(Fault) as caught:
        check_passwords([password])
    assert password not in str(caught.value)


def test_two_passwords_at_most_become_hashes() -> None:
    first, second, third = "a" * 16, "b" * 128, "c" * 20
    expected = tuple(hashlib.sha256(it.encode()).hexdigest() for it in (first, second))
    assert check_passwords([first, second]) == expected
    for refused in ([first, second, third], [first, first]):
        with pytest.raises(Fault):
            check_passwords(refused)


@pytest.mark.parametrize("window", ["sun:05:00-sun:06:00", "sat:23:30-sun:00:30"])
def test_a_weekly_window_is_lower_case(window: str) -> None:
    assert check_maintenance(window.upper()) == window


@pytest.mark.parametrize(
    "window", ["sun:05:00-sun:05:30", "sun:5:00-sun:6:00", "05:00-06:00", "sun:25:00-sun:26:00"]
)
def test_a_weekly_window_that_is_none_is_refused(window: str) -> None:
    with pytest.raises(Fault):
        check_maintenance(window)


@pytest.mark.parametrize("window", ["03:00-03:59", "3:00-4:00", "03:00"])
def test_a_daily_window_that_is_none_is_refused(window: str) -> None:
    with pytest.raises(Fault):
        check_snapshot(window)


@pytest.mark.parametrize(
    ("maintenance", "snapshot", "overlap"),
    [
        ("sun:05:00-sun:06:00", "03:00-04:00", False),
        ("sun:05:00-sun:06:00", "06:00-07:00", False),
        ("sun:05:00-sun:06:00", "05:30-06:30", True),
        ("sat:23:30-sun:00:30", "00:00-01:00", True),
        ("mon:00:00-mon:01:00", "23:30-00:30", True),
        ("sun:23:30-mon:00:30", "00:00-01:00", True),
    ],
)
def test_windows_do_not_overlap(maintenance: str, snapshot: str, overlap: bool) -> None:
    if overlap:
        with pytest.raises(Fault):
            check_apart(maintenance, snapshot)
    else:
        check_apart(maintenance, snapshot)


@pytest.mark.parametrize("family", ["valkey7", "valkey8", "valkey9"])
def test_every_default_is_a_value_that_its_parameter_takes(family: str) -> None:
    for parameter in parameters(family).values():
        assert parameter.accepts(parameter.default), parameter


@pytest.mark.parametrize(
    ("name", "families"),
    [
        ("lazyfree-lazy-user-del", {"valkey7"}),
        ("commandlog-execution-slower-than", {"valkey8", "valkey9"}),
        ("cluster-databases", {"valkey9"}),
        ("maxmemory-policy", {"valkey7", "valkey8", "valkey9"}),
    ],
)
def test_a_family_has_the_parameters_of_its_versions(name: str, families: set[str]) -> None:
    having = {it for it in ("valkey7", "valkey8", "valkey9") if name in parameters(it)}
    assert having == families


def test_the_backlog_is_larger_from_valkey_8_on() -> None:
    defaults = [parameters(it)["repl-backlog-size"].default for it in ("valkey7", "valkey8")]
    assert defaults == ["1048576", "10485760"]
