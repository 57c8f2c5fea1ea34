"""The model of holdfast.footprint against what real servers say of real sessions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.directives import ServerConfig, server_directives
from config.schema import Appendfsync, Engine, EvictionPolicy
from config.shape import resolve_shape
from holdfast.connection import Topology
from holdfast.errors import HoldfastError
from holdfast.footprint import Footprint
from holdfast.keys import DEFAULT_BUCKETS, History
from holdfast.model import ToolFinish, ToolStart
from holdfast.sizing import MIB, TURN_OVERHEAD_BYTES, Workload, capacity_sessions, measure
from tests.servers import APP, Install, start_sentinel, start_standalone, wait_until
from tests.stores import Lab, open_lab

MESSAGES = 50
# The next messages push the first ones out, as in a session that has run for a while.
TURNS = 60
FIELDS, FIELD_BYTES = 4, 50
CALLS, ARGUMENT_BYTES, RESULT_BYTES = 4, 90, 300
NAME = "find_table"
MAXMEMORY = 64 * MIB
MEMORY_DIRECTIVES = ("maxmemory", "maxmemory-policy", "maxmemory-samples", "repl-backlog-size")


@pytest.fixture(scope="module", params=["9.1", "8.0"])
def lab(
    request: pytest.FixtureRequest,
    server_installs: list[Install],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Lab]:
    """A server with nothing else in it, of the newest and of the oldest version."""
    version = str(request.param)
    found = [i for i in server_installs if i.engine == "valkey" and i.version.startswith(version)]
    if not found:
        pytest.skip(f"no Valkey {version} on this machine")
    folder: Path = tmp_path_factory.mktemp("sizing")
    # A rewrite of the append-only file would shrink what a test here measures.
    quiet = {"auto-aof-rewrite-percentage": "0"}
    with (
        start_standalone(found[0], folder, directives=quiet) as servers,
        open_lab(servers, api="sync", library="redis") as opened,
    ):
        yield opened


@pytest.fixture
def replicated(server_install: Install, tmp_path: Path) -> Iterator[Lab]:
    """A primary of 64 MiB and its replica, with the memory that every target gives them."""
    told = server_directives(
        ServerConfig(
            service="sizing",
            engine=Engine.VALKEY,
            version=server_install.version,
            shape=resolve_shape(Topology.SENTINEL),
            down_after_ms=5000,
            maxmemory_bytes=MAXMEMORY,
            eviction_policy=EvictionPolicy.VOLATILE_LRU,
            appendfsync=Appendfsync.EVERYSEC,
        )
    )
    memory = {name: told[name] for name in MEMORY_DIRECTIVES}
    with (
        # So slow to give up on anybody that a machine that stalls makes nothing fail over.
        start_sentinel(
            server_install, tmp_path, replicas=1, down_after_ms=60_000, directives=memory
        ) as servers,
        open_lab(servers, api="sync", library="redis") as opened,
    ):
        yield opened


def workload(lab: Lab, message_bytes: int, history: History) -> Workload:
    return Workload(
        sessions=1,
        messages=MESSAGES,
        message_bytes=message_bytes,
        tool_calls=CALLS,
        tool_call_bytes=len(NAME) + ARGUMENT_BYTES + RESULT_BYTES,
        metadata_fields=FIELDS,
        metadata_field_bytes=FIELD_BYTES,
        history=history,
        prefix_bytes=len(APP) + len(lab.tenant),
    )


def text(size_bytes: int) -> bytes:
    return b'"' + b"x" * (size_bytes - 2) + b'"'


def fill(lab: Lab, message_bytes: int, history: History, *, user: str, turns: int = TURNS) -> str:
    """A session as an application leaves it; its id."""
    store = lab.store
    session = store.create(
        user=user,
        history=history,
        history_limit=MESSAGES,
        fields={f"field{n}": "v" * (FIELD_BYTES - len("field0")) for n in range(FIELDS)},
    )
    head = session.session_id
    for number in range(turns):
        tools: list[ToolStart | ToolFinish] = []
        if number < CALLS:
            tools = [
                ToolStart(f"call-{number}", NAME, text(ARGUMENT_BYTES)),
                ToolFinish(f"call-{number}", text(RESULT_BYTES)),
            ]
        store.append(head, [text(message_bytes)], expected_seq=number, tools=tools)
    return head


def fill_at_once(lab: Lab, message_bytes: int, *, user: str) -> str:
    """A full session of one turn; its id."""
    session = lab.store.create(
        user=user,
        history_limit=MESSAGES,
        fields={f"field{n}": "v" * (FIELD_BYTES - len("field0")) for n in range(FIELDS)},
    )
    calls = [
        change
        for call in range(CALLS)
        for change in (
            ToolStart(f"call-{call}", NAME, text(ARGUMENT_BYTES)),
            ToolFinish(f"call-{call}", text(RESULT_BYTES)),
        )
    ]
    lab.store.append(session, [text(message_bytes)] * MESSAGES, tools=calls)
    return session.session_id


def usage(lab: Lab, session_id: str) -> Footprint:
    keys = lab.keys(session_id)
    used = [
        int(lab.admin("MEMORY", "USAGE", key, "SAMPLES", 0) or 0)
        for key in (keys.session, keys.history, keys.tools, str(keys.user))
    ]
    return Footprint(*used)


@pytest.mark.parametrize("message_bytes", [200, 600, 2000])
def test_a_list_session_is_within_ten_percent_of_memory_usage(lab: Lab, message_bytes: int) -> None:
    expected = measure(workload(lab, message_bytes, History.LIST))
    found = usage(lab, fill(lab, message_bytes, History.LIST, user=f"list-{message_bytes}"))
    assert expected.total_bytes == pytest.approx(found.total_bytes, rel=0.10)
    assert expected.history_bytes == pytest.approx(found.history_bytes, rel=0.10)
    # Never less than there is: a store that was sized for it must hold it.
    assert expected.total_bytes >= found.total_bytes


@pytest.mark.parametrize("message_bytes", [200, 600, 2000])
def test_a_timeline_session_takes_no_more_and_not_much_less_than_the_model(
    lab: Lab, message_bytes: int
) -> None:
    expected = measure(workload(lab, message_bytes, History.TIMELINE))
    found = usage(lab, fill(lab, message_bytes, History.TIMELINE, user=f"time-{message_bytes}"))
    # One model for all versions: the newest keep long members in one larger allocation.
    assert 0.97 * found.total_bytes <= expected.total_bytes <= 1.25 * found.total_bytes


def test_a_thousand_sessions_take_what_the_model_says_with_everything_around_them(
    lab: Lab,
) -> None:
    shape = workload(lab, 600, History.LIST)
    lab.admin("FLUSHALL")
    before = used_memory(lab)
    for number in range(1000):
        fill_at_once(lab, 600, user=f"user-{number}")
    a_session = (used_memory(lab) - before) / 1000
    assert measure(shape).total_bytes == pytest.approx(a_session, rel=0.10)


def test_a_turn_replicates_no_more_than_its_messages_and_the_overhead(lab: Lab) -> None:
    fill(lab, 600, History.LIST, user="aof", turns=20)
    before = aof_bytes(lab)
    fill(lab, 600, History.LIST, user="aof", turns=60)
    a_turn = (aof_bytes(lab) - before) / 60
    assert 600 < a_turn <= 600 + TURN_OVERHEAD_BYTES


def test_a_replicated_store_holds_what_it_has_room_for_beside_a_full_backlog(
    replicated: Lab,
) -> None:
    lab = replicated
    room = capacity_sessions(
        MAXMEMORY,
        session_bytes=measure(workload(lab, 600, History.LIST)).total_bytes,
        primaries=1,
        buckets=DEFAULT_BUCKETS,
    )
    heads = [fill_at_once(lab, 600, user=f"user-{number}") for number in range(room)]
    assert evicted(lab) == 0
    assert info(lab, "memory", "mem_replication_backlog") >= backlog_size(lab)
    # Whole histories: in step with each other, all would be at the fullest point of a list's node.
    for head in heads:
        lab.store.append(head, [text(600)] * MESSAGES, expected_seq=1)
    assert evicted(lab) == 0

    # As large as it was on servers of any size: the same data does not fit beside it.
    lab.admin("CONFIG", "SET", "repl-backlog-size", 64 * MIB)
    assert lost_on_writing_on(lab, heads)


def lost_on_writing_on(lab: Lab, heads: list[str]) -> bool:
    """Whether the server evicts while sessions go on that grow no further."""
    for head in heads:
        try:
            lab.store.append(head, [text(600)] * MESSAGES, expected_seq=2)
        except HoldfastError:
            # Of an evicted session; anything else leaves nothing evicted.
            break
        if evicted(lab):
            break
    return evicted(lab) > 0


def evicted(lab: Lab) -> int:
    return info(lab, "stats", "evicted_keys")


def backlog_size(lab: Lab) -> int:
    return int(lab.admin("CONFIG", "GET", "repl-backlog-size")[1])


def used_memory(lab: Lab) -> int:
    return info(lab, "memory", "used_memory")


def aof_bytes(lab: Lab) -> int:
    # While the file is being synced, what comes meanwhile waits in the buffer.
    wait_until(
        "everything to be in the file",
        lambda: info(lab, "persistence", "aof_buffer_length") == 0 or None,
    )
    return info(lab, "persistence", "aof_current_size")


def info(lab: Lab, section: str, name: str) -> int:
    lines = str(lab.admin("INFO", section)).splitlines()
    return int(next(line.partition(":")[2] for line in lines if line.startswith(f"{name}:")))
