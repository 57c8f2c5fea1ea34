from __future__ import annotations

import pytest

from holdfast.cluster.errors import Conflict, EvictionRefused, Forbidden, NotFound, refused
from holdfast.cluster.resources import EVERYWHERE, JOBS, NODES, PODS, Right, query, selector
from holdfast.cluster.rights import require_rights
from holdfast.errors import AccessDenied, ConfigError
from tests.unit.cluster.fake_api import FakeApi


def test_a_path_names_group_namespace_object_and_part() -> None:
    assert PODS.path() == "/api/v1/pods"
    assert PODS.path("here", "a", "exec") == "/api/v1/namespaces/here/pods/a/exec"
    assert JOBS.path("here") == "/apis/batch/v1/namespaces/here/jobs"
    assert NODES.path(None, "n/0") == "/api/v1/nodes/n%2F0"


def test_a_namespace_for_a_kind_that_has_none_is_refused() -> None:
    with pytest.raises(ValueError, match="nodes live in no namespace"):
        NODES.path("here")


def test_a_right_reads_as_verb_and_resource() -> None:
    assert str(Right("create", PODS, "exec")) == "create pods/exec"
    assert str(Right("delete", JOBS)) == "delete jobs.batch"


def test_a_right_that_is_needed_elsewhere_says_where() -> None:
    assert str(Right("create", PODS, namespace="dns")) == "create pods in dns"
    everywhere = Right("create", PODS, "exec", EVERYWHERE)
    assert str(everywhere) == "create pods/exec in every namespace"


def test_each_right_is_asked_for_where_it_is_needed() -> None:
    rights = (
        Right("create", PODS),
        Right("create", PODS, namespace="dns"),
        Right("create", PODS, namespace=EVERYWHERE),
        Right("create", NODES),
    )
    for number, where in enumerate(("agents", "dns", "every namespace")):
        api = FakeApi({f"create pods in {where}"})
        assert api.missing(rights, "agents") == (rights[number],)
    assert FakeApi({"create nodes"}).missing(rights, "agents") == (rights[3],)


def test_missing_rights_are_refused_with_their_names_and_who_lacks_them() -> None:
    api = FakeApi({"patch pods"})
    require_rights(api, "agents", (Right("list", PODS),))
    with pytest.raises(ConfigError, match=r"here, as somebody.* namespace agents: patch pods;"):
        require_rights(api, "agents", (Right("list", PODS), Right("patch", PODS)))


def test_labels_and_queries_leave_out_what_is_empty() -> None:
    assert selector({"b": "2", "a": "1"}) == "a=1,b=2"
    assert query({"labelSelector": "", "x": None}) == ""
    assert query({"command": ["sh", "-c"], "stdin": "true"}) == "?command=sh&command=-c&stdin=true"


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (401, "", Forbidden),
        (403, "", Forbidden),
        (404, "", NotFound),
        (409, "", Conflict),
        (429, "x (POST /api/v1/namespaces/a/pods/b/eviction)", EvictionRefused),
    ],
)
def test_an_answers_status_decides_the_error(status: int, message: str, kind: type) -> None:
    assert type(refused(message, status=status)) is kind


def test_missing_rights_count_as_denied_access_like_those_on_the_store() -> None:
    assert isinstance(refused("no", status=403), AccessDenied)
