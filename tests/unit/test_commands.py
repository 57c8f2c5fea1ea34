"""What is sent and how replies are read, without a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import scripts
from holdfast.commands import cache, events, leases, session, tools, turn, users
from holdfast.commands.answers import refusal
from holdfast.commands.scope import Scope
from holdfast.errors import (
    ConfigError,
    Fenced,
    HoldfastError,
    InvalidSessionId,
    LeaseHeld,
    RolledBack,
    SessionError,
    SessionExpired,
    SessionNotFound,
    SessionTorn,
    ToolCallError,
    TurnConflict,
    Unconfirmed,
    Unsupported,
)
from holdfast.keys import History, KeySpace
from holdfast.model import Head, Lease, ToolFinish, ToolStart, ToolState
from holdfast.operation import Operation
from holdfast.ttl import Ttl, TtlKind

SCOPE = Scope(KeySpace("agent", "acme"))
SID = SCOPE.keys.mint("ann")
LONE = SCOPE.keys.mint(None)
TIMELINE = SCOPE.keys.mint("ann", History.TIMELINE)
HEAD = Head(SID, 7, "turn-0007")
LEASE = Lease(SID, 4, "token", 30_000)
TURN_ID = "turn-0008"


def create(**changes: object) -> Operation[Any]:
    arguments: dict[str, Any] = {
        "user": "ann",
        "ttl": Ttl.chat(),
        "fields": {},
        "history": History.LIST,
        "history_limit": 50,
    }
    return session.create(SCOPE, **(arguments | changes))


def one_of_each() -> dict[str, Operation[Any]]:
    start = ToolStart("c1", "search", {"q": 1})
    page = users.index_page(SCOPE, "ann", limit=10, cursor=None)
    found = page.parse([[SID.encode(), b"5", b"noise", b"4"]])
    return {
        "create": create(),
        "load": session.load(SCOPE, SID),
        "load timeline": session.load(SCOPE, TIMELINE),
        "append": turn.append(SCOPE, HEAD, [1], turn_id=TURN_ID),
        "append lone": turn.append(SCOPE, LONE, [1], expected_seq=0),
        "fields": session.set_fields(SCOPE, SID, {"a": "1", "b": None}),
        "timeline": session.timeline(SCOPE, TIMELINE, since_ms=1, until_ms=2, limit=3),
        "end": session.end(SCOPE, SID),
        "publish": session.publish(SCOPE, SID, "look"),
        "tool": tools.change_tool(SCOPE, SID, start),
        "acquire": leases.acquire(SCOPE, SID, ttl_ms=1000),
        "renew": leases.renew(SCOPE, LEASE),
        "release": leases.release(SCOPE, LEASE),
        "index": page,
        "summaries": users.summaries(SCOPE, found),
        "forget": users.forget(found, ["noise"]),
        "put": cache.put(SCOPE, "n", b"v", ttl_seconds=1),
        "get": cache.get(SCOPE, "n"),
        "delete": cache.delete(SCOPE, "n"),
        "claim": cache.claim(SCOPE, "n", "token", compute_ms=1000),
        "fill": cache.fill(SCOPE, "n", "token", b"v", ttl_ms=1000),
        "abandon": cache.abandon(SCOPE, "n", "token"),
        "read seq": events.read_seq(SCOPE, SID),
    }


@pytest.mark.parametrize(("name", "operation"), one_of_each().items())
def test_every_key_of_an_operation_is_in_the_slot_that_routes_it(
    name: str, operation: Operation[Any]
) -> None:
    tag = operation.key[operation.key.index("{") : operation.key.index("}") + 1]
    for command in operation.commands:
        keys = [arg for arg in command if isinstance(arg, str) and arg.startswith("agent:")]
        assert all(tag in key for key in keys)
        assert keys or command == ("TIME",)


@pytest.mark.parametrize(("name", "operation"), one_of_each().items())
def test_a_script_is_called_by_its_digest_with_its_keys_declared(
    name: str, operation: Operation[Any]
) -> None:
    for command in operation.commands:
        if command[0] != "EVALSHA":
            continue
        assert operation.script is not None
        assert command[1] == operation.script.sha
        count = command[2]
        assert isinstance(count, int)
        assert all(str(key).startswith("agent:") for key in command[3 : 3 + count])
        assert not any(str(arg).startswith("agent:") for arg in command[3 + count :])
    calls_script = any(command[0] == "EVALSHA" for command in operation.commands)
    assert calls_script is (operation.script is not None)


def test_the_scripts_are_all_of_the_package_and_share_one_prelude() -> None:
    assert len({script.sha for script in scripts.ALL}) == len(scripts.ALL)
    for script in scripts.ALL:
        assert ("local function refusal" in script.body) is not script.name.startswith("cache")
        assert "KEYS[" in script.body


def turn_arguments(operation: Operation[Any]) -> tuple[Any, ...]:
    command = operation.commands[0]
    count = command[2]
    assert isinstance(count, int)
    return command[3 + count :]


def test_a_turn_after_a_head_sends_its_seq_and_its_turn() -> None:
    operation = turn.append(SCOPE, HEAD, [{"a": "é"}, b"raw"], turn_id=TURN_ID)
    assert turn_arguments(operation) == (
        TURN_ID,
        7,
        "turn-0007",
        "",
        "",
        "PUBLISH",
        0,
        0,
        0,
        0,
        '{"a":"é"}'.encode(),
        b"raw",
    )
    assert operation.writes


def test_a_turn_carries_fields_tool_changes_and_a_lease() -> None:
    operation = turn.append(
        Scope(SCOPE.keys, "SPUBLISH"),
        SID,
        [],
        turn_id=TURN_ID,
        lease=LEASE,
        fields={"a": "1", "gone": None},
        tools=[ToolStart("c1", "search", [1]), ToolFinish("c0", "no", failed=True)],
    )
    assert turn_arguments(operation) == (
        TURN_ID,
        "",
        "",
        4,
        "token",
        "SPUBLISH",
        2,
        1,
        8,
        0,
        "m:a",
        "1",
        "m:gone",
        "start",
        "c1",
        "search",
        b"[1]",
        "failed",
        "c0",
        "",
        b'"no"',
    )


def test_a_turn_is_as_long_at_turn_400_as_at_turn_1() -> None:
    def size(seq: int) -> int:
        operation = turn.append(SCOPE, Head(SID, seq, "x" * 32), [b"m" * 200])
        return sum(len(str(arg)) for arg in operation.commands[0])

    assert size(400) - size(1) == 2


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"at": SID, "messages": [1]}, "append"),
        ({"at": HEAD, "messages": [1], "expected_seq": 6}, "expected_seq"),
        ({"at": SID, "messages": [1], "expected_seq": -1}, "expected_seq"),
        ({"at": SID, "messages": [1], "expected_seq": True}, "expected_seq"),
        ({"at": HEAD, "messages": []}, "messages"),
        ({"at": HEAD, "messages": {"role": "user"}}, "messages"),
        ({"at": HEAD, "messages": b"{}"}, "messages"),
        ({"at": HEAD, "messages": [1] * 1001}, "messages"),
        ({"at": HEAD, "messages": [float("nan")]}, "message"),
        ({"at": HEAD, "messages": [1], "turn_id": "a=b,c=d,e"}, "turn_id"),
        ({"at": HEAD, "messages": [1], "fields": {"": "x"}}, "field name"),
        ({"at": HEAD, "messages": [1], "fields": {"n": 5}}, "fields.n"),
        ({"at": HEAD, "messages": [1], "fields": {str(i): "" for i in range(257)}}, "fields"),
        ({"at": HEAD, "messages": [1], "tools": [ToolStart("", "n", 1)]}, "tool call id"),
        ({"at": HEAD, "messages": [1], "tools": [ToolStart("c", "n", 1)] * 129}, "tools"),
        ({"at": HEAD, "messages": [1], "lease": Lease(LONE, 1, "t", 9)}, "lease"),
    ],
)
def test_a_bad_turn_is_refused_before_anything_is_sent(
    arguments: Mapping[str, Any], word: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        turn.append(SCOPE, **arguments)
    assert caught.value.field == word


def test_an_id_that_was_never_minted_is_refused_before_anything_is_sent() -> None:
    for build in (session.load, session.end, events.read_seq):
        with pytest.raises(InvalidSessionId):
            build(SCOPE, "l00.guess")
    with pytest.raises(InvalidSessionId):
        leases.acquire(SCOPE, "l00.guess", ttl_ms=1000)


@pytest.mark.parametrize(
    ("answer", "kind", "details"),
    [
        ([b"MISSING"], SessionNotFound, {}),
        ([b"EXPIRED"], SessionExpired, {}),
        ([b"TORN"], SessionTorn, {}),
        ([b"CONFLICT", 9], TurnConflict, {"stored_seq": 9, "expected_seq": 7}),
        ([b"ROLLED_BACK", 5, 0], RolledBack, {"stored_seq": 5, "diverged": False}),
        ([b"ROLLED_BACK", 9, 1], RolledBack, {"expected_seq": 7, "diverged": True}),
        ([b"FENCED", 6], Fenced, {"fence": 4, "stored_fence": 6}),
        ([b"HELD", -1], LeaseHeld, {"remaining_ms": 0}),
        ([b"TOOLS_FULL"], ToolCallError, {}),
        ([b"TOOL_UNKNOWN", b"c9"], ToolCallError, {}),
        ([b"TOOL_FINISHED", b"c9"], ToolCallError, {}),
        ([b"TAKEN"], SessionError, {}),
    ],
)
def test_each_answer_of_a_script_is_one_typed_error(
    answer: list[Any], kind: type[Exception], details: Mapping[str, object]
) -> None:
    error = refusal(SID, answer, expected_seq=7, fence=4)
    assert type(error) is kind
    assert {name: getattr(error, name) for name in details} == details
    assert getattr(error, "session_id", None) == SID


def test_an_answer_of_another_version_is_an_error_that_hides_its_details() -> None:
    error = refusal(SID, [b"NEW", b"content"])
    assert type(error) is HoldfastError
    assert "content" not in str(error)


def test_a_turn_parses_ok_dup_and_refusals() -> None:
    operation = turn.append(SCOPE, HEAD, [1], turn_id=TURN_ID)
    stored = operation.parse([[b"OK", 8]])
    assert (stored.seq, stored.duplicate, stored.head) == (8, False, Head(SID, 8, TURN_ID))
    assert operation.parse([[b"DUP", 8]]).duplicate
    with pytest.raises(TurnConflict):
        operation.parse([[b"CONFLICT", 9]])


def test_a_turn_to_be_confirmed_waits_behind_the_script_in_the_same_round_trip() -> None:
    scope = Scope(SCOPE.keys, confirm_ms=700)
    operation = turn.append(scope, HEAD, [1], turn_id=TURN_ID, confirm=2)
    assert turn_arguments(operation)[9] == 2
    assert operation.commands[1:] == (("WAIT", 2, 700),)
    assert operation.parse([[b"OK", 8], 3]).confirmed == 3
    again = operation.parse([[b"DUP", 8], 2])
    assert (again.duplicate, again.confirmed) == (True, 2)


def test_too_few_replicas_are_told_with_what_was_stored() -> None:
    operation = turn.append(SCOPE, HEAD, [1], turn_id=TURN_ID, confirm=2)
    with pytest.raises(Unconfirmed, match="stored as seq 8 and confirmed by 1 of 2") as caught:
        operation.parse([[b"OK", 8], 1])
    assert (caught.value.confirmed, caught.value.wanted) == (1, 2)
    assert caught.value.result.head == Head(SID, 8, TURN_ID)
    with pytest.raises(TurnConflict):
        operation.parse([[b"CONFLICT", 9], 0])


@pytest.mark.parametrize("confirm", [-1, 16, True, 1.0, "1"])
def test_a_count_of_replicas_that_cannot_be_is_refused(confirm: object) -> None:
    arguments: dict[str, Any] = {"confirm": confirm}
    with pytest.raises(ConfigError, match=r"^confirm: got"):
        turn.append(SCOPE, HEAD, [1], **arguments)


def test_a_target_that_cannot_wait_refuses_to_confirm() -> None:
    scope = Scope(SCOPE.keys, confirm_ms=None)
    with pytest.raises(Unsupported, match=r"^confirm: got 1, need a target that can wait"):
        turn.append(scope, HEAD, [1], confirm=1)
    assert len(turn.append(scope, HEAD, [1]).commands) == 1


def stored_hash(**changes: str) -> list[bytes]:
    fields = {
        "seq": "2",
        "turns": ",turn-two=2,turn-one=1,",
        "n": "2",
        "tn": "1",
        "limit": "50",
        "hk": "l",
        "kind": "chat",
        "ttl_ms": "1000",
        "created_ms": "100",
        "updated_ms": "200",
        "deadline_ms": "5000",
        "storage": "st",
        "fence": "0",
        "lease": "",
        "user": "ann",
        "m:topic": "é",
    } | changes
    return [part.encode() for item in fields.items() for part in item]


CALL = [b"c1", b"done 10 20 6 2 search[]{}"]
NOW = [b"4", b"999999"]


def test_a_load_reads_the_whole_session_oldest_message_first() -> None:
    found = session.load(SCOPE, SID).parse([stored_hash(), [b"2", b"1"], CALL, [b"2", b"1"], NOW])
    assert found is not None
    assert (found.seq, found.last_turn_id, found.kind) == (2, "turn-two", TtlKind.CHAT)
    assert (found.user, found.messages, found.fields) == ("ann", (1, 2), {"topic": "é"})
    call = found.tools["c1"]
    assert (call.name, call.state, call.arguments, call.result) == ("search", "done", [], {})
    assert (call.started_ms, call.finished_ms) == (10, 20)


def test_a_load_refuses_the_missing_the_expired_and_the_torn() -> None:
    parse = session.load(SCOPE, SID).parse
    seen = [b"2", b"1"]
    with pytest.raises(SessionNotFound):
        parse([[], [], [], [None, None], NOW])
    with pytest.raises(SessionExpired):
        parse([stored_hash(), [b"2", b"1"], CALL, seen, [b"5", b"0"]])
    with pytest.raises(SessionTorn):
        parse([stored_hash(), [b"2"], CALL, seen, NOW])
    with pytest.raises(SessionTorn):
        parse([stored_hash(), [b"2", b"1"], [], seen, NOW])


def test_a_session_that_expired_while_it_was_read_is_expired_and_not_torn() -> None:
    with pytest.raises(SessionExpired):
        session.load(SCOPE, SID).parse([stored_hash(), [], [], [None, None], [b"5", b"0"]])


@pytest.mark.parametrize("seen", [[b"3", b"1"], [b"2", b"2"], [None, None]])
def test_a_load_that_a_writer_came_into_asks_to_be_read_again(seen: list[bytes | None]) -> None:
    replies = [stored_hash(), [b"3", b"2", b"1"], CALL, seen, NOW]
    assert session.load(SCOPE, SID).parse(replies) is None


def test_a_timeline_gives_times_seqs_and_the_bare_message() -> None:
    operation = session.timeline(SCOPE, TIMELINE, since_ms=None, until_ms=None, limit=2)
    newest_first = [b"000000000002.0001:[2]", b"200", b"000000000001.0002:\xc3\xa9", b"100"]
    found = operation.parse([[b"5000", b"3"], newest_first, 3, NOW])
    assert [(m.at_ms, m.seq, m.raw) for m in found] == [(100, 1, b"\xc3\xa9"), (200, 2, b"[2]")]
    with pytest.raises(SessionNotFound):
        operation.parse([[None, None], [], 0, NOW])
    with pytest.raises(SessionExpired):
        operation.parse([[b"4000", b"3"], [], 3, NOW])
    with pytest.raises(SessionTorn):
        operation.parse([[b"5000", b"3"], [], 0, NOW])


def test_times_of_a_list_cannot_be_asked_for() -> None:
    with pytest.raises(ConfigError, match="TIMELINE"):
        session.timeline(SCOPE, SID, since_ms=None, until_ms=None, limit=5)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.binary(max_size=40),
    st.binary(max_size=40),
)
def test_a_stored_tool_call_is_split_by_length_whatever_it_holds(
    name: str, arguments: bytes, result: bytes
) -> None:
    encoded = name.encode()
    head = f"failed 1 2 {len(encoded)} {len(arguments)} ".encode()
    call = tools.parse_tool_call("c", head + encoded + arguments + result)
    assert (call.name, call.state) == (name, ToolState.FAILED)
    assert (call.raw_arguments, call.raw_result) == (arguments, result)


@pytest.mark.parametrize(
    "changes",
    [
        {"history_limit": 0},
        {"history_limit": 10_001},
        {"history_limit": True},
        {"user": ""},
        {"user": "x" * 513},
        {"fields": {"a": None}},
    ],
)
def test_a_bad_creation_is_refused(changes: Mapping[str, Any]) -> None:
    with pytest.raises(ConfigError):
        create(**changes)


def test_a_token_past_its_expiry_by_the_servers_clock_is_bad_input() -> None:
    with pytest.raises(ConfigError, match="server's clock"):
        create(ttl=Ttl.token(expires_at_ms=5)).parse([[b"EXPIRED", 1000]])


def index_entries(*entries: tuple[str, int]) -> list[bytes]:
    return [part.encode() for member, score in entries for part in (member, str(score))]


def summary(operation: Operation[users.Found], *heads: list[bytes | None]) -> users.Found:
    return operation.parse([*heads, NOW])


def test_a_page_keeps_the_order_of_the_index_and_names_what_is_stale() -> None:
    first, second, third = (SCOPE.keys.mint("ann") for _ in range(3))
    page = users.index_page(SCOPE, "ann", limit=4, cursor=None).parse(
        [index_entries((first, 9), (second, 8), ("noise", 8), (third, 7))]
    )
    gone: list[bytes | None] = [None] * 5
    found = summary(
        users.summaries(SCOPE, page),
        [b"1", b"chat", b"1", b"9", b"9000"],
        gone,
        [b"2", b"task", b"1", b"7", b"4000"],
    )
    assert [s.session_id for s in found.page.sessions] == [first]
    assert set(found.stale) == {second, "noise"}
    assert found.page.cursor == "7-1"


def test_the_cursor_counts_the_entries_of_its_instant_over_several_pages() -> None:
    ids = [SCOPE.keys.mint("ann") for _ in range(2)]
    alive: list[bytes | None] = [b"1", b"chat", b"1", b"5", b"9000"]
    operation = users.index_page(SCOPE, "ann", limit=2, cursor="5-3")
    assert operation.commands[0][2:8] == (5, "-inf", "BYSCORE", "REV", "LIMIT", 3)
    page = operation.parse([index_entries((ids[0], 5), (ids[1], 5))])
    assert summary(users.summaries(SCOPE, page), alive, alive).page.cursor == "5-5"
    short = operation.parse([index_entries((ids[0], 5))])
    assert summary(users.summaries(SCOPE, short), alive).page.cursor is None


@pytest.mark.parametrize("cursor", ["", "5", "5-", "-5-1", "x-1", "5-1\n", "\u0665-1"])
def test_a_cursor_that_no_page_gave_is_refused(cursor: str) -> None:
    with pytest.raises(ConfigError, match="cursor"):
        users.index_page(SCOPE, "ann", limit=5, cursor=cursor)


@pytest.mark.parametrize("limit", [0, 101, True])
def test_a_page_holds_1_to_100(limit: int) -> None:
    with pytest.raises(ConfigError, match="limit"):
        users.index_page(SCOPE, "ann", limit=limit, cursor=None)


@pytest.mark.parametrize("ttl_ms", [0, -1, 86_400_001, 1.5, True])
def test_a_lease_lasts_up_to_a_day(ttl_ms: int) -> None:
    with pytest.raises(ConfigError, match="ttl_ms"):
        leases.acquire(SCOPE, SID, ttl_ms=ttl_ms)


def test_a_cache_entry_is_bytes_and_needs_a_ttl() -> None:
    with pytest.raises(ConfigError, match="cache value"):
        cache.put(SCOPE, "n", "text", ttl_seconds=1)  # type: ignore[arg-type] # what it refuses
    with pytest.raises(ConfigError, match="ttl_seconds"):
        cache.put(SCOPE, "n", b"v", ttl_seconds=0)


def test_a_hint_has_a_limit() -> None:
    with pytest.raises(ConfigError, match="hint"):
        session.publish(SCOPE, SID, "é" * 513)
