from __future__ import annotations

import base64

from provider.values import UNKNOWN
from tests.standin.kubernetes.normal import normalized, pruned
from tests.standin.kubernetes.objects import Object


def secret(**fields: object) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", **fields}


def test_text_of_a_secret_moves_to_its_data_and_wins_there() -> None:
    given = secret(stringData={"a": "new"}, data={"a": "b2xk", "b": "Yg=="})
    encoded = base64.b64encode(b"new").decode()
    assert normalized(given) == secret(data={"a": encoded, "b": "Yg=="})


def test_line_breaks_in_the_data_of_a_secret_are_no_difference() -> None:
    assert normalized(secret(data={"a": "b2\nxk\n"})) == secret(data={"a": "b2xk"})


def test_text_that_is_not_known_yet_is_data_that_is_not_known_yet() -> None:
    known = secret(stringData={"a": UNKNOWN})
    assert normalized(known) == secret(data={"a": UNKNOWN})
    assert normalized(secret(stringData=UNKNOWN)) == secret(stringData=UNKNOWN)


def test_what_the_server_leaves_out_when_it_is_empty_is_left_out() -> None:
    given: Object = {
        "kind": "NetworkPolicy",
        "metadata": {"name": "a", "labels": {}, "annotations": None, "uid": "x"},
        "spec": {"podSelector": {}, "ingress": [], "egress": [{"to": []}]},
    }
    assert normalized(given) == {
        "kind": "NetworkPolicy",
        "metadata": {"name": "a"},
        # An empty selector selects everything: it is not the same as none.
        "spec": {"podSelector": {}, "egress": [{}]},
    }


def test_quantities_are_canonical_where_quantities_stand_and_nowhere_else() -> None:
    given: Object = {
        "kind": "Pod",
        "metadata": {"name": "a", "annotations": {"size": "1024Mi"}},
        "spec": {
            "containers": [{"args": ["1024Mi"], "resources": {"limits": {"cpu": 0.5}}}],
            "volumes": [{"emptyDir": {"sizeLimit": "1024Mi"}}],
        },
    }
    found = normalized(given)
    assert found["spec"]["containers"] == [
        {"args": ["1024Mi"], "resources": {"limits": {"cpu": "500m"}}}
    ]
    assert found["spec"]["volumes"] == [{"emptyDir": {"sizeLimit": "1Gi"}}]
    assert found["metadata"]["annotations"] == {"size": "1024Mi"}


def test_a_live_object_keeps_only_what_the_inputs_speak_of() -> None:
    live = {
        "spec": {"replicas": 3, "ports": [{"port": 80, "protocol": "TCP"}], "default": True},
        "status": {"ready": 3},
    }
    shape = {"spec": {"replicas": 2, "ports": [{"port": 81}], "gone": 1}}
    assert pruned(live, shape) == {"spec": {"replicas": 3, "ports": [{"port": 80}]}}


def test_elements_that_came_to_a_list_are_seen() -> None:
    live = {"ports": [{"port": 80, "protocol": "TCP"}, {"port": 81, "protocol": "TCP"}]}
    assert pruned(live, {"ports": [{"port": 80}]}) == {
        "ports": [{"port": 80}, {"port": 81, "protocol": "TCP"}]
    }
