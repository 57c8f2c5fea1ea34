"""The pure parts of the emulated ElastiCache's servers: values, access strings, slots."""

from __future__ import annotations

import datetime
import threading
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Final, cast

import botocore.auth
import pytest

from holdfast.acl import password_hash
from holdfast.aws.iam import Cache, SdkSigner, make_token
from tests.standin.aws.dataplane.access import acl_file, rules_of
from tests.standin.aws.dataplane.api import Authentication, DataPlaneError, UserState
from tests.standin.aws.dataplane.engines import SERVERS, server_for
from tests.standin.aws.dataplane.parameters import refusal_reason, settings_for, usable_bytes
from tests.standin.aws.dataplane.slots import (
    SLOTS,
    even_shares,
    missing_ranges,
    moves,
    own_ranges,
)
from tests.standin.aws.dataplane.store import Store, changing
from tests.standin.aws.dataplane.tokens import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Target, token

GROUP: Final = Target("store", "us-east-1")
NOW: Final = 1_780_000_000


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [({}, 750), ({"reserved-memory-percent": "30"}, 700), ({"reserved-memory": "100"}, 900)],
)
def test_the_reserve_goes_off_the_memory_of_the_node(
    parameters: dict[str, str], expected: int
) -> None:
    assert usable_bytes(parameters, 1000) == expected


def test_what_must_be_there_at_the_start_is_apart_and_what_nobody_can_set_has_a_reason() -> None:
    found = settings_for(
        {"databases": "3", "timeout": "300", "appendonly": "yes", "maxclients": "65000"},
        maxmemory_bytes=1000,
    )
    assert found.at_start == {"databases": "3"}
    assert found.live == {"maxmemory": "750", "timeout": "300"}
    assert found.not_applied.keys() == {"appendonly", "maxclients"}


def test_an_output_buffer_limit_is_set_only_when_all_its_words_are_known() -> None:
    name = "client-output-buffer-limit-normal-"
    parts = {f"{name}hard-limit": "1", f"{name}soft-limit": "2"}
    assert "client-output-buffer-limit" not in settings_for(parts, maxmemory_bytes=1).live
    whole = settings_for({**parts, f"{name}soft-seconds": "3"}, maxmemory_bytes=1).live
    assert whole["client-output-buffer-limit"] == "normal 1 2 3"


def test_a_refusal_keeps_the_servers_reason() -> None:
    text = "ERR CONFIG SET failed (possibly related to argument 'a') - not in this build"
    assert refusal_reason(text) == "not in this build"
    assert (
        refusal_reason("ERR Unknown option or number of arguments") == "no directive of this name"
    )


def test_restricted_commands_are_taken_out_of_wide_permissions_alone() -> None:
    users = {
        "narrow": UserState("a", "on ~a:* +get", password_hashes=("1", "2")),
        "wide": UserState("b", "on ~* +@all (+@read ~b) (+get ~c)"),
    }
    rules = rules_of(users, GROUP, NOW)
    assert rules["narrow"] == ("reset", "on", "~a:*", "+get", "#1", "#2")
    first, second = (word for word in rules["wide"] if word.startswith("("))
    assert "-config" in rules["wide"]
    assert first.startswith("(+@read ~b -acl|deluser")
    assert second == "(+get ~c)"
    assert "-wait" not in rules["wide"]
    assert "-wait" in rules_of(users, replace(GROUP, serverless=True), NOW)["wide"]


def test_the_default_user_is_off_with_a_user_group_and_open_without_one() -> None:
    assert rules_of({}, GROUP, NOW)["default"] == ("reset", "off")
    assert rules_of(None, GROUP, NOW).keys() == {"default"}
    assert rules_of(None, GROUP, NOW)["default"][-1] == "nopass"
    assert "user default off\n" in acl_file(rules_of({}, GROUP, NOW), "0")


@pytest.mark.parametrize("serverless", [False, True])
def test_a_token_is_written_as_the_client_writes_it(
    serverless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
    at = datetime.datetime.fromtimestamp(NOW, datetime.UTC).replace(tzinfo=None)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_: at)
    theirs = make_token(Cache("store", "eu-west-1", serverless), "store-svc", SdkSigner())
    assert token(Target("store", "eu-west-1", serverless), "store-svc", NOW) == theirs


def test_a_token_holds_for_fifteen_minutes_and_for_one_user_of_one_cache() -> None:
    user = UserState("store-svc", "on +get", authentication=Authentication.IAM)
    held = rules_of({"store-svc": user}, GROUP, NOW)["store-svc"]

    def accepted(target: Target, user_id: str, second: int) -> bool:
        return f"#{password_hash(token(target, user_id, second))}" in held

    assert accepted(GROUP, "store-svc", NOW)
    assert accepted(GROUP, "store-svc", NOW - 899)
    assert not accepted(GROUP, "store-svc", NOW - 901)
    assert not accepted(GROUP, "store-worker", NOW)
    assert not accepted(replace(GROUP, name="other"), "store-svc", NOW)
    assert not accepted(replace(GROUP, region="eu-west-1"), "store-svc", NOW)


def test_slots_are_spread_in_order_and_equally() -> None:
    for count in (1, 2, 3, 7):
        shares = list(even_shares([str(index) for index in range(count)]).values())
        assert shares[0][0] == 0
        assert shares[-1][1] == SLOTS - 1
        assert all(a[1] + 1 == b[0] for a, b in pairwise(shares))


def test_only_slots_in_another_shards_share_move() -> None:
    held = {"1": [(0, 8191)], "2": [(8192, 16383)]}
    assert moves(held, even_shares(["1", "2"])) == []
    assert moves(held, even_shares(["1"])) == [("2", "1", [(8192, 16383)])]
    assert [(a, b) for a, b, _ in moves(held, even_shares(["1", "2", "3"]))] == [
        ("1", "2"),
        ("2", "3"),
    ]


def test_a_nodes_own_ranges_are_read_without_those_under_way() -> None:
    text = (
        "aa 127.1.1.1:6379@16379,n1 master - 0 0 2 connected 100-200\n"
        "bb 127.1.1.2:6379@16379,n2 myself,master - 0 0 1 connected 0-5 7 [8->-aa]\n"
    )
    assert own_ranges(text) == [(0, 5), (7, 7)]
    assert missing_ranges((0, 9), own_ranges(text)) == [(6, 6), (8, 9)]


def test_every_version_of_the_kit_has_a_server_and_another_is_refused() -> None:
    from holdfast.aws.parameters import ENGINE_VERSIONS

    assert set(SERVERS) == set(ENGINE_VERSIONS)
    with pytest.raises(DataPlaneError, match=r"6\.2"):
        server_for("6.2")


def test_what_a_server_does_not_do_is_an_error_of_the_plane() -> None:
    store = SimpleNamespace(lock=threading.RLock(), store_id="store")
    with (
        pytest.raises(DataPlaneError, match="store: nobody listens"),
        changing(cast("Store", store)),
    ):
        raise ConnectionRefusedError("nobody listens")
