"""provider.servers.changes: in place, or by a restart."""

from __future__ import annotations

import pytest

from provider.servers.changes import Plan, plan
from tests.unit.provider.servers.specs import sentinel, server


def test_nothing_changed_is_nothing_to_do() -> None:
    assert plan(server(), server()) == Plan()
    assert not plan(sentinel(), sentinel()).live


def test_mutable_directives_go_out_in_one_command() -> None:
    new = server(directives={"maxmemory": "65mb", "appendonly": "yes", "maxmemory-samples": "10"})
    assert plan(server(), new) == Plan(settings=("maxmemory", "65mb", "maxmemory-samples", "10"))


def test_the_same_size_in_another_unit_is_no_change() -> None:
    assert not plan(
        server(), server(directives={"maxmemory": "67108864", "appendonly": "YES"})
    ).live


def test_several_arguments_and_lines_become_one_value() -> None:
    new = server(directives={**server().directives, "save": ["3600 1", "300 100"]})
    assert plan(server(), new).settings == ("save", "3600 1 300 100")


def test_a_new_password_for_the_primary_needs_no_restart() -> None:
    found = plan(server(), server(secretDirectives={"primaryauth": "new"}))
    assert found == Plan(settings=("primaryauth", "new"))


@pytest.mark.parametrize(
    ("directive", "value"),
    [("io-threads", "4"), ("cluster-enabled", "yes"), ("databases", "2"), ("tcp-backlog", "9")],
)
def test_what_servers_read_only_at_their_start_needs_a_restart(directive: str, value: str) -> None:
    new = server(directives={**server().directives, directive: value})
    assert directive in plan(server(), new).restart


def test_a_directive_that_is_dropped_needs_a_restart_to_get_its_default_back() -> None:
    assert plan(server(), server(directives={"appendonly": "yes"})).restart == ("maxmemory",)


def test_another_executable_needs_a_restart() -> None:
    assert plan(server(), server(executable="/bin/newer")).restart == ("executable",)


@pytest.mark.parametrize("name", ["tlsCertificatePem", "tlsPrivateKeyPem", "tlsCaPem"])
def test_servers_take_new_tls_files_while_they_run_and_sentinels_do_not(name: str) -> None:
    assert plan(server(), server(**{name: "new"})) == Plan(tls=True)
    assert plan(sentinel(), sentinel(**{name: "new"})).restart == ("tls",)


def test_users_are_loaded_while_both_run() -> None:
    assert plan(server(), server(acl="new")) == Plan(acl=True)
    assert plan(sentinel(), sentinel(acl="new")) == Plan(acl=True)


@pytest.mark.parametrize(
    ("directive", "value", "command"),
    [
        ("sentinel down-after-milliseconds m", "9",
         ("SENTINEL", "SET", "m", "down-after-milliseconds", "9")),
        ("sentinel master-reboot-down-after-period m", "9",
         ("SENTINEL", "SET", "m", "master-reboot-down-after-period", "9")),
        ("sentinel announce-ip", "10.0.0.1",
         ("SENTINEL", "CONFIG", "SET", "announce-ip", "10.0.0.1")),
    ],
)  # fmt: skip
def test_sentinels_take_their_settings_in_the_words_of_the_file(
    directive: str, value: str, command: tuple[str, ...]
) -> None:
    new = sentinel(directives={**sentinel().directives, directive: value})
    assert plan(sentinel(), new) == Plan(sentinel_commands=(command,))


def test_a_new_quorum_is_set_and_the_rest_of_the_seed_is_not() -> None:
    new = sentinel(seed={"sentinel monitor m": "127.0.0.1 7777 3"})
    assert plan(sentinel(), new).sentinel_commands == (("SENTINEL", "SET", "m", "quorum", "3"),)


def test_other_directives_of_a_sentinel_need_a_restart() -> None:
    new = sentinel(directives={**sentinel().directives, "tls-protocols": "TLSv1.3"})
    assert plan(sentinel(), new).restart == ("tls-protocols",)


def test_what_somebody_changed_in_the_files_is_set_again() -> None:
    assert plan(server(), server(), ["maxmemory"]).settings == ("maxmemory", "64mb")
    assert plan(server(), server(), ["acl", "tlsCaPem"]) == Plan(acl=True, tls=True)
    found = plan(sentinel(), sentinel(), ["sentinel monitor"]).sentinel_commands
    assert found == (("SENTINEL", "SET", "m", "quorum", "2"),)


def test_a_plan_is_shown_nowhere_with_its_secrets() -> None:
    new = sentinel(secretDirectives={"sentinel auth-pass m": "hush"})
    assert "hush" not in repr(plan(sentinel(), new))
    assert "hush" not in repr(new)
