"""The attempts after the first, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from holdfast.connection import Address
from holdfast.errors import AccessDenied, StoreUnavailable
from holdfast.operation import Operation, Script
from holdfast.options import ClientOptions
from holdfast.recovery import Pause, Reload, Relocate, Send, Step, recover
from holdfast.resp import pack
from holdfast.retry import Failure, Kind

HERE, THERE = Address("127.0.0.1", 7600), Address("127.0.0.1", 7601)
SCRIPT = Script("probe", "return 1")
TURN = Operation(
    (("EVALSHA", SCRIPT.sha, 1, "k"),), "k", lambda replies: replies[0], SCRIPT, writes=True
)
LOAD = Operation((("TIME",), ("HGETALL", "k")), "k", list)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _run(
    operation: Operation[Any], failure: Failure, answers: Sequence[Any], clock: Clock | None = None
) -> tuple[Any, list[Step]]:
    """Answer the steps in turn; the result and the steps."""
    clock = clock or Clock()
    steps = recover(
        operation, failure, options=ClientOptions(), started=0, clock=clock, jitter=lambda: 1.0
    )
    seen: list[Step] = []
    given = iter(answers)
    answer: Any = None
    try:
        while True:
            step = steps.send(answer)
            seen.append(step)
            answer = None
            if isinstance(step, Pause):
                clock.now += step.seconds
            else:
                answer = next(given)
    except StopIteration as end:
        return end.value, seen


def test_a_lost_reply_leads_to_the_same_operation_again() -> None:
    result, steps = _run(TURN, Failure(Kind.BROKEN, "lost", HERE, sent=True), [None, [b"OK"]])
    assert result == b"OK"
    assert steps == [Relocate(), Send("k", pack(TURN.commands), 1)]


def test_an_unknown_script_is_loaded_in_the_same_write() -> None:
    result, steps = _run(TURN, Failure(Kind.NO_SCRIPT, "NOSCRIPT", HERE), [[b"sha", b"OK"]])
    assert result == b"OK"
    assert steps == [
        Send("k", pack([("SCRIPT", "LOAD", SCRIPT.body), *TURN.commands]), 2),
    ]


def test_asking_stands_before_each_command_and_its_replies_are_left_out() -> None:
    failure = Failure(Kind.ASK, "ASK", HERE, target=THERE)
    result, steps = _run(LOAD, failure, [[b"OK", [1, 2], b"OK", []]])
    assert result == [[1, 2], []]
    asked = pack([("ASKING",), ("TIME",), ("ASKING",), ("HGETALL", "k")])
    assert steps == [Send("k", asked, 4, THERE)]


def test_a_node_that_is_asked_gets_the_script_too() -> None:
    failure = Failure(Kind.ASK, "ASK", HERE, target=THERE)
    result, steps = _run(TURN, failure, [[b"sha", b"OK", b"answer"]])
    assert result == b"answer"
    sent = pack([("SCRIPT", "LOAD", SCRIPT.body), ("ASKING",), *TURN.commands])
    assert steps == [Send("k", sent, 3, THERE)]


def test_moved_goes_to_the_new_owner() -> None:
    failure = Failure(Kind.MOVED, "MOVED", HERE, target=THERE)
    _, steps = _run(TURN, failure, [[b"OK"]])
    assert steps == [Send("k", pack(TURN.commands), 1, THERE)]


def test_a_refused_login_reads_the_connection_and_tries_once_more() -> None:
    failure = Failure(Kind.LOGIN, "WRONGPASS", HERE)
    result, steps = _run(TURN, failure, [True, [b"OK"]])
    assert result == b"OK"
    assert steps[0] == Reload()


def test_a_login_that_stays_refused_gets_one_more_attempt_and_no_other() -> None:
    failure = Failure(Kind.LOGIN, "WRONGPASS", HERE)
    with pytest.raises(AccessDenied, match="WRONGPASS"):
        _run(TURN, failure, [False, failure])


def test_a_right_that_a_role_lacks_is_not_asked_for_twice() -> None:
    failure = Failure(Kind.FORBIDDEN, "NOPERM", HERE)
    with pytest.raises(AccessDenied, match="NOPERM"):
        _run(TURN, failure, [False])


def test_a_right_is_asked_for_again_with_a_new_connection() -> None:
    result, _ = _run(TURN, Failure(Kind.FORBIDDEN, "NOPERM", HERE), [True, [b"OK"]])
    assert result == b"OK"


def test_an_outage_ends_with_the_deadline_and_counts_every_attempt() -> None:
    clock = Clock()
    down = Failure(Kind.BROKEN, "refused", HERE)
    with pytest.raises(StoreUnavailable) as caught:
        _run(TURN, down, [down] * 1000, clock)
    assert 14.5 < clock.now <= 15
    # 0.1 and 0.2, then every 0.25 s.
    assert 55 < caught.value.attempts < 65
    assert not caught.value.may_have_applied


def test_an_error_of_the_parser_is_the_operations_own() -> None:
    def parse(replies: Sequence[Any]) -> None:
        raise LookupError(replies)

    operation = Operation((("PING",),), "k", parse)
    with pytest.raises(LookupError):
        _run(operation, Failure(Kind.LATER, "BUSY", HERE), [[b"PONG"]])
