from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.reader import ConfigReader
from config.schema import SETTINGS, Kind, Setting
from config.setting import AUTO_NUMBER, AUTO_TEXT
from holdfast.connection import Topology
from holdfast.errors import ConfigError


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("replcas", "replicas"),
        ("down-after-ms", "downAfterMs"),
        ("max_memory", "maxmemory"),
        ("evictionpolicy", "evictionPolicy"),
        ("sentinel", "sentinels"),
    ],
)
def test_a_misspelled_key_is_refused_with_the_nearest_one(slip: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ConfigReader({slip: "3"})
    assert caught.value.field == f"holdfast:{slip}"
    assert caught.value.value == "3"
    assert f"did you mean holdfast:{meant}?" in caught.value.fix


def test_a_key_that_resembles_none_is_refused_without_a_guess() -> None:
    with pytest.raises(ConfigError) as caught:
        ConfigReader({"zzz": "3"})
    assert "did you mean" not in caught.value.fix
    assert "pulumi config rm holdfast:zzz" in caught.value.fix


def refusal(raw: dict[str, object]) -> ConfigError | None:
    try:
        ConfigReader(raw)
    except ConfigError as error:
        return error
    return None


TYPES = {Kind.INTEGER: int, Kind.BOOLEAN: bool, Kind.ARRAY: list}
PARSERS: dict[Kind, Callable[[str], object]] = {
    Kind.INTEGER: int,
    Kind.BOOLEAN: lambda text: json.loads(text.lower()),
    Kind.ARRAY: json.loads,
}


@given(st.sampled_from([s for s in SETTINGS if s.kind is not Kind.STRING]), st.text())
def test_a_value_is_read_as_its_type_or_refused_by_name(setting: Setting, text: str) -> None:
    error = refusal({setting.name: text})
    if error is not None:
        assert (error.field, error.value) == (setting.key, text)
    else:
        assert type(PARSERS[setting.kind](text)) is TYPES[setting.kind]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("replicas", "two"),
        ("replicas", "2.0"),
        ("replicas", True),
        ("replicas", "9" * 5000),
        ("keepData", "yes"),
        ("keepData", 1),
        ("extraDnsNames", "a.test"),
        ("extraDnsNames", '["a", 1]'),
        ("extraDnsNames", '[""]'),
        ("app", 7),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"holdfast:{name}: got"):
        ConfigReader({name: value})


def test_numbers_come_as_text_or_as_numbers() -> None:
    assert ConfigReader({"basePort": "7700"}).number("basePort") == 7700
    assert ConfigReader({"basePort": 7700}).number("basePort") == 7700


def test_zero_and_false_are_values_and_not_absence() -> None:
    reader = ConfigReader({"replicas": "0", "keepData": "false"}, {"replicas": 5})
    assert reader.optional_number("replicas") == 0
    assert reader.flag("keepData") is False


def test_the_marks_for_unset_leave_the_preset_in_force() -> None:
    raw = {"maxmemory": AUTO_TEXT, "expectedSessions": str(AUTO_NUMBER)}
    reader = ConfigReader(raw, {"maxmemory": "1gb", "expectedSessions": 9})
    assert reader.text("maxmemory") == "1gb"
    assert reader.optional_number("expectedSessions") == 9


def test_a_stack_overrides_the_preset() -> None:
    assert ConfigReader({"maxmemory": "2gb"}, {"maxmemory": "1gb"}).text("maxmemory") == "2gb"


def test_what_nobody_sets_is_none_or_refused_where_a_value_is_needed() -> None:
    assert ConfigReader({}).optional_text("serverPath") is None
    with pytest.raises(ConfigError, match="holdfast:topology: got 'nothing'"):
        ConfigReader({}).text("topology")


def test_a_choice_that_does_not_exist_names_the_ones_that_do_and_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        ConfigReader({"topology": "sentinels"}).choice(Topology, "topology")
    assert "standalone, sentinel, cluster" in caught.value.rule
    assert "did you mean sentinel?" in caught.value.fix
