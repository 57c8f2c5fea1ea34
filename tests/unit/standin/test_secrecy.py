from __future__ import annotations

from provider.codec import Decoded
from tests.standin.kubernetes.secrecy import secret_places


def decoded(values: dict[str, object], *secrets: tuple[str | int, ...]) -> Decoded:
    return Decoded(values, frozenset(secrets))


def test_one_secret_field_hides_that_field_alone() -> None:
    values = {"spec": {"a": "x", "b": 1}, "status": {}}
    source = decoded({"spec": {"a": "x"}}, ("spec", "a"))
    assert secret_places(values, source) == {("spec", "a")}


def test_a_secret_in_a_list_hides_the_list() -> None:
    values = {"spec": {"env": [{"value": "x"}, {"value": "y"}]}}
    source = decoded({"spec": {"env": [{"value": "x"}]}}, ("spec", "env", 0, "value"))
    assert secret_places(values, source) == {("spec", "env")}


def test_a_secret_that_is_not_among_the_outputs_hides_nothing() -> None:
    source = decoded({"spec": {"a": "x"}}, ("spec", "a"))
    assert secret_places({"spec": {"b": 1}}, source) == frozenset()


def test_the_data_of_secrets_is_secret_whoever_wrote_it_and_in_the_inputs_too() -> None:
    values = {"kind": "Secret", "data": {"a": "eA=="}, "__inputs": {"kind": "Secret", "data": {}}}
    assert secret_places(values) == {("data",), ("__inputs", "data")}
