from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConfigError
from holdfast.roles import Role
from holdfast.rotation.settings import (
    CaStage,
    PasswordStage,
    RotationSettings,
    format_rotations,
    parse_rotations,
)
from tests.unit.rotation.strategies import rotation_settings


@given(rotation_settings())
def test_settings_come_back_from_the_configuration_as_they_went_in(
    settings: RotationSettings,
) -> None:
    assert RotationSettings.from_config(settings.to_config()) == settings


@given(st.dictionaries(st.sampled_from(Role), st.integers(1, 10**8)))
def test_rotations_are_the_same_text_whatever_their_order(rotations: dict[Role, int]) -> None:
    turned = dict(reversed(rotations.items()))
    assert format_rotations(rotations) == format_rotations(turned)
    assert parse_rotations(format_rotations(rotations)) == rotations


def test_spaces_and_a_trailing_comma_do_no_harm() -> None:
    assert parse_rotations(" svc=2, replica=1,") == {Role.SVC: 2, Role.REPLICA: 1}


@pytest.mark.parametrize(
    "text", ["svc", "svc=0", "svc=-1", "svc=x", "nobody=1", "svc=1,svc=2", "svc=1 replica=2"]
)
def test_a_rotation_that_cannot_be_meant_is_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_rotations(text)
    assert caught.value.field == "holdfast:passwordRotations"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("holdfast:passwordStage", "both"),
        ("holdfast:caStage", "accept-both"),
        ("holdfast:caRotation", "-1"),
        ("holdfast:certificateRotation", "two"),
    ],
)
def test_a_value_that_breaks_its_rule_is_refused_by_name(key: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RotationSettings.from_config({key: value})
    assert caught.value.field == key


def test_what_was_never_rotated_has_no_rotation() -> None:
    settings = RotationSettings.from_config({"holdfast:passwordRotations": "svc=3"})
    assert settings.password_rotation(Role.SVC) == "3"
    assert settings.password_rotation(Role.ADMIN) == ""
    assert (settings.password_stage, settings.ca_stage) == (PasswordStage.SINGLE, CaStage.SINGLE)
