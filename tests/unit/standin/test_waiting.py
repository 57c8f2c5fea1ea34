"""The wait itself, over an API server that gives prepared answers."""

from __future__ import annotations

import threading

import pytest

from provider.resource import Cancelled, Context, Severity
from tests.standin.kubernetes.api import Api
from tests.standin.kubernetes.errors import ApiError, ClusterUnreachable
from tests.standin.kubernetes.objects import SKIP_AWAIT, TIMEOUT_SECONDS, Kind, Object, name_of
from tests.standin.kubernetes.waiting import NotReady, Waiter

Answer = Object | Exception | None
BUSY = ApiError(503, "ServiceUnavailable", "etcd leader changed", {})
REFUSED = ApiError(403, "Forbidden", "no such right", {})
AWAY = ClusterUnreachable("connection refused")


class PreparedApi(Api):
    """Gives its answers one after the other, and the last one from then on."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked = 0

    def find(self, kind: Kind, namespace: str, name: str) -> Object | None:
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def search(self, kind: Kind, namespace: str, **query: str) -> list[Object]:
        if kind.name == "Event":
            return [{"reason": "FailedCreate", "message": "no room", "lastTimestamp": "1"}]
        return []


def a_pod(phase: str, **metadata: object) -> Object:
    head = {"name": "a", "namespace": "n", "uid": "1", **metadata}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": head, "status": {"phase": phase}}


PENDING = a_pod("Pending", resourceVersion="1")
DONE = a_pod("Succeeded", resourceVersion="2")


def wait(api: Api, seconds: float = 20.0, *, skip: bool = False) -> Object:
    inputs: Object = {"metadata": {"annotations": {SKIP_AWAIT: "true"} if skip else {}}}
    context = Context("urn:pulumi:s::p::t::a", timeout_seconds=seconds)
    return Waiter(api, inputs, context).until_ready(PENDING, is_new=True)


def test_it_ends_when_the_object_is_ready_and_returns_it() -> None:
    assert wait(PreparedApi(PENDING, DONE)) == DONE


@pytest.mark.parametrize("trouble", [AWAY, BUSY])
def test_an_api_server_that_is_away_for_a_moment_is_waited_for(trouble: Exception) -> None:
    assert wait(PreparedApi(PENDING, trouble, trouble, DONE)) == DONE


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([PENDING], "'a' timed out waiting to be Ready"),
        ([AWAY], "'a' timed out waiting to be Ready"),
        ([None], "deleted while waiting"),
        ([REFUSED], "no such right"),
    ],
)
def test_an_object_that_is_not_ready_is_told_of_and_given_back_to_be_kept(
    answers: list[Answer], told: str
) -> None:
    with pytest.raises(NotReady, match=told) as error:
        wait(PreparedApi(*answers), seconds=0.01)
    assert name_of(error.value.item) == "a"


def test_the_error_tells_the_last_events() -> None:
    with pytest.raises(NotReady) as error:
        wait(PreparedApi(PENDING), seconds=0.01)
    assert "[Pod a]: FailedCreate: no room" in error.value.problems


def test_what_is_not_to_be_waited_for_is_looked_at_once() -> None:
    api = PreparedApi(PENDING)
    assert wait(api, skip=True) == PENDING
    assert api.asked == 1
    assert wait(PreparedApi(AWAY), skip=True) == PENDING


def test_the_time_can_be_set_by_annotation() -> None:
    inputs: Object = {"metadata": {"annotations": {TIMEOUT_SECONDS: "0"}}}
    waiter = Waiter(PreparedApi(PENDING), inputs, Context("urn:pulumi:s::p::t::a"))
    with pytest.raises(NotReady, match="timed out"):
        waiter.until_ready(PENDING, is_new=True)


def test_a_user_who_stops_the_run_stops_the_wait_and_what_exists_is_kept() -> None:
    stopped = threading.Event()
    stopped.set()
    context = Context("urn:pulumi:s::p::t::a", cancelled=stopped)
    waiter = Waiter(PreparedApi(PENDING), {}, context)
    with pytest.raises(NotReady, match="was cancelled") as error:
        waiter.until_ready(PENDING, is_new=True)
    assert error.value.item == PENDING
    with pytest.raises(Cancelled):
        waiter.until_gone(PENDING)


def test_the_user_sees_each_state_once() -> None:
    shown: list[str] = []

    def log(severity: Severity, message: str, *, ephemeral: bool = False) -> None:
        assert ephemeral
        shown.append(message)

    running = a_pod("Running", resourceVersion="3")
    context = Context("urn:pulumi:s::p::t::a", log=log)
    api = PreparedApi(PENDING, PENDING, running, DONE)
    Waiter(api, {}, context).until_ready(PENDING, is_new=True)
    assert shown == [f"Waiting for Pod to be ready ({phase})" for phase in ("Pending", "Running")]


@pytest.mark.parametrize(
    "answers", [[PENDING, None], [AWAY, BUSY, None], [a_pod("Pending", uid="another")]]
)
def test_a_deletion_is_over_when_this_very_object_is_gone(answers: list[Answer]) -> None:
    context = Context("urn:pulumi:s::p::t::a", timeout_seconds=20)
    Waiter(PreparedApi(*answers), {}, context).until_gone(PENDING)


def test_a_deletion_that_does_not_end_names_what_holds_it() -> None:
    held = a_pod("Running", finalizers=["example.org/wait"])
    context = Context("urn:pulumi:s::p::t::a", timeout_seconds=0.01)
    with pytest.raises(NotReady, match=r'deletion of v1/Pod "a" \(example.org/wait\)'):
        Waiter(PreparedApi(held), {}, context).until_gone(PENDING)
