"""Tool calls on real servers."""

from __future__ import annotations

import threading

import pytest

from holdfast import Fenced, ToolCallError, ToolFinish, ToolStart, ToolState
from tests.stores import Lab


def test_a_call_is_pending_until_it_is_finished(lab: Lab) -> None:
    session_id = lab.store.create().session_id
    started = lab.store.start_tool(session_id, "c1", "find é", {"q": [1.5, 12345678901234567890]})
    assert (started.state, started.result, started.finished_ms) == (ToolState.PENDING, None, None)
    assert lab.store.load(session_id).tools["c1"] == started
    assert started.arguments == {"q": [1.5, 12345678901234567890]}
    done = lab.store.finish_tool(session_id, "c1", {"empty": []})
    failed = lab.store.start_tool(session_id, "c2", "x", b"{}")
    failed = lab.store.finish_tool(session_id, "c2", "reason", failed=True)
    tools = lab.store.load(session_id).tools
    assert (tools["c1"], tools["c2"]) == (done, failed)
    assert (done.state, done.result, done.name) == (ToolState.DONE, {"empty": []}, "find é")
    assert (failed.state, failed.result) == (ToolState.FAILED, "reason")
    assert done.finished_ms is not None
    assert done.finished_ms >= done.started_ms == started.started_ms


def test_repeats_are_harmless_and_answer_what_is_stored(lab: Lab) -> None:
    session_id = lab.store.create().session_id
    first = lab.store.start_tool(session_id, "c1", "find", {"q": 1})
    assert lab.store.start_tool(session_id, "c1", "other", {"q": 2}) == first
    done = lab.store.finish_tool(session_id, "c1", "r")
    assert lab.store.finish_tool(session_id, "c1", "r") == done
    assert lab.store.start_tool(session_id, "c1", "find", {"q": 1}) == done


def test_another_result_for_a_finished_call_is_refused(lab: Lab) -> None:
    session_id = lab.store.create().session_id
    lab.store.start_tool(session_id, "c1", "find", {})
    done = lab.store.finish_tool(session_id, "c1", "r")
    with pytest.raises(ToolCallError, match="another result"):
        lab.store.finish_tool(session_id, "c1", "other")
    with pytest.raises(ToolCallError, match="another result"):
        lab.store.finish_tool(session_id, "c1", "r", failed=True)
    assert lab.store.load(session_id).tools["c1"] == done


def test_a_call_that_was_never_started_cannot_finish(lab: Lab) -> None:
    session_id = lab.store.create().session_id
    with pytest.raises(ToolCallError, match=r"'c\.9' was never started"):
        lab.store.finish_tool(session_id, "c.9", "r")


def test_128_pending_calls_are_the_most_and_finished_ones_make_room_oldest_first(
    lab: Lab,
) -> None:
    session = lab.store.create()
    session_id = session.session_id
    calls = [ToolStart(f"c{n:03d}", "find", n) for n in range(128)]
    head = lab.store.append(session, ["go"], tools=calls).head
    with pytest.raises(ToolCallError, match="128 tool calls are pending"):
        lab.store.start_tool(session_id, "one more", "find", {})
    with pytest.raises(ToolCallError, match="128 tool calls are pending"):
        lab.store.append(head, ["x"], tools=[ToolStart("one more", "find", {})])
    for call_id in ("c007", "c003"):
        lab.store.finish_tool(session_id, call_id, "r")
    key = lab.keys(session_id).tools
    older = lab.admin("HGET", key, "c007").split(" ")
    older[2] = str(int(older[2]) - 1000)
    lab.admin("HSET", key, "c007", " ".join(older))
    lab.store.start_tool(session_id, "one more", "find", {})
    tools = lab.store.load(session_id).tools
    assert len(tools) == 128
    assert "c007" not in tools
    assert {"c003", "one more"} <= tools.keys()
    with pytest.raises(ToolCallError, match="was never started, or was dropped"):
        lab.store.finish_tool(session_id, "c007", "r")


def test_a_turn_may_finish_a_call_and_start_the_next_in_its_place(lab: Lab) -> None:
    session = lab.store.create()
    calls = [ToolStart(f"c{n:03d}", "find", n) for n in range(128)]
    head = lab.store.append(session, ["go"], tools=calls).head
    lab.store.finish_tool(session.session_id, "c000", "r")
    changes: list[ToolStart | ToolFinish] = [
        ToolStart("new", "find", {}),
        ToolFinish("new", "r"),
        ToolFinish("c001", "s"),
    ]
    lab.store.append(head, ["x"], tools=changes)
    tools = lab.store.load(session.session_id).tools
    assert len(tools) == 128
    assert tools["new"].state == tools["c001"].state == ToolState.DONE
    assert "c000" not in tools


def test_calls_dropped_and_begun_anew_in_one_turn_are_counted_once(lab: Lab) -> None:
    session = lab.store.create()
    session_id = session.session_id
    calls = [ToolStart(f"c{n:03d}", "find", n) for n in range(128)]
    head = lab.store.append(session, ["go"], tools=calls).head
    key = lab.keys(session_id).tools
    for place, call_id in enumerate(("c000", "c001", "c002")):
        lab.store.finish_tool(session_id, call_id, "r")
        words = lab.admin("HGET", key, call_id).split(" ")
        lab.admin("HSET", key, call_id, " ".join([*words[:2], str(1000 + place), *words[3:]]))
    changes: list[ToolStart | ToolFinish] = [
        ToolStart("new", "find", {}),
        ToolStart("c000", "find", "again"),
        ToolFinish("c000", "anew"),
        ToolStart("newer", "find", {}),
    ]
    lab.store.append(head, ["x"], tools=changes)
    tools = lab.store.load(session_id).tools
    assert len(tools) == 128
    assert {"c001", "c002"} & tools.keys() == set()
    assert (tools["c000"].arguments, tools["c000"].result) == ("again", "anew")
    assert {"new", "newer"} <= tools.keys()


def test_a_lost_lease_can_no_longer_change_tools(lab: Lab) -> None:
    session_id = lab.store.create().session_id
    lost = lab.store.acquire_lease(session_id)
    lab.admin("DEL", lab.keys(session_id).lease)
    newer = lab.store.acquire_lease(session_id)
    lab.store.start_tool(session_id, "c1", "find", {}, lease=newer)
    with pytest.raises(Fenced):
        lab.store.start_tool(session_id, "c2", "find", {}, lease=lost)
    with pytest.raises(Fenced):
        lab.store.finish_tool(session_id, "c1", "r", lease=lost)


def test_calls_finished_at_once_do_not_lose_each_other(sync_lab: Lab) -> None:
    session_id = sync_lab.store.create().session_id

    def work(worker: int) -> None:
        for number in range(15):
            call_id = f"{worker}-{number}"
            sync_lab.store.start_tool(session_id, call_id, "find", number)
            sync_lab.store.finish_tool(session_id, call_id, number)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tools = sync_lab.store.load(session_id).tools
    assert len(tools) == 120
    assert all(call.result == int(call_id.split("-")[1]) for call_id, call in tools.items())
