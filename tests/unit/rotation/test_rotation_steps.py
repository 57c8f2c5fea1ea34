from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConfigError
from holdfast.roles import Role
from holdfast.rotation.settings import CaStage, PasswordStage, RotationSettings
from holdfast.rotation.steps import (
    PRESENTED_BY_SERVERS,
    after_ca,
    after_passwords,
    begin_ca,
    begin_passwords,
    renew_certificates,
    rotating_roles,
)
from tests.unit.rotation.strategies import rotation_settings

ROLES = st.frozensets(st.sampled_from(Role))
SINGLE, ACCEPT_BOTH, PRESENT_NEW = PasswordStage


@pytest.mark.parametrize(
    ("stage", "rotating", "following"),
    [
        (SINGLE, {Role.SVC}, None),
        (ACCEPT_BOTH, set(), SINGLE),
        (ACCEPT_BOTH, {Role.SVC}, SINGLE),
        (ACCEPT_BOTH, {Role.REPLICA}, PRESENT_NEW),
        (ACCEPT_BOTH, {Role.SVC, Role.SENTINEL}, PRESENT_NEW),
        (PRESENT_NEW, {Role.REPLICA}, SINGLE),
        (PRESENT_NEW, set(), SINGLE),
    ],
)
def test_the_step_after_each_stage_of_passwords(
    stage: PasswordStage, rotating: set[Role], following: PasswordStage | None
) -> None:
    step = after_passwords(RotationSettings(password_stage=stage), rotating)
    assert (step.password_stage if step else None) == following


def test_clients_that_are_told_late_get_a_step_of_their_own() -> None:
    settings = RotationSettings(password_stage=ACCEPT_BOTH)
    step = after_passwords(settings, {Role.SVC}, delivered_later=True)
    assert step is not None
    assert step.password_stage is PRESENT_NEW


@given(rotation_settings(), ROLES)
def test_a_rotation_of_passwords_ends_from_wherever_it_was_stopped(
    settings: RotationSettings, rotating: frozenset[Role]
) -> None:
    seen = [settings]
    while (step := after_passwords(seen[-1], rotating)) is not None:
        seen.append(step)
        assert len(seen) <= len(PasswordStage)
    assert seen[-1] == replace(settings, password_stage=SINGLE)


@given(rotation_settings(), ROLES.filter(bool))
def test_no_server_presents_a_password_before_all_accept_it(
    settings: RotationSettings, roles: frozenset[Role]
) -> None:
    first = begin_passwords(replace(settings, password_stage=SINGLE), roles)
    assert first.password_stage is ACCEPT_BOTH
    following = after_passwords(first, roles)
    assert following is not None
    assert (following.password_stage is PRESENT_NEW) == bool(roles & PRESENTED_BY_SERVERS)
    for role in Role:
        more = first.password_rotations.get(role, 0) - settings.password_rotations.get(role, 0)
        assert more == (role in roles)


@given(
    st.builds(
        replace,
        rotation_settings(),
        password_stage=st.sampled_from([stage for stage in PasswordStage if stage is not SINGLE]),
        ca_stage=st.sampled_from([stage for stage in CaStage if stage is not CaStage.SINGLE]),
    )
)
def test_none_begins_while_another_is_under_way(settings: RotationSettings) -> None:
    with pytest.raises(ConfigError, match="passwordStage"):
        begin_passwords(settings, {Role.SVC})
    with pytest.raises(ConfigError, match="caStage"):
        begin_ca(settings)


@given(rotation_settings())
def test_a_new_ca_is_trusted_before_it_issues_and_issues_before_the_old_one_goes(
    settings: RotationSettings,
) -> None:
    begun = begin_ca(replace(settings, ca_stage=CaStage.SINGLE))
    stages = [begun.ca_stage]
    step = after_ca(begun)
    while step is not None:
        stages.append(step.ca_stage)
        assert step.ca_rotation == settings.ca_rotation + 1
        step = after_ca(step)
    assert stages == [CaStage.TRUST_BOTH, CaStage.ISSUE_NEW, CaStage.SINGLE]


@given(rotation_settings())
def test_certificates_change_nothing_else(settings: RotationSettings) -> None:
    renewed = renew_certificates(settings)
    assert renewed.certificate_rotation == settings.certificate_rotation + 1
    assert replace(renewed, certificate_rotation=settings.certificate_rotation) == settings


@given(st.dictionaries(st.sampled_from(Role), st.lists(st.integers(0, 2))))
def test_a_role_rotates_while_any_node_accepts_two_passwords(
    valid: dict[Role, list[int]],
) -> None:
    assert rotating_roles(valid) == {role for role, counts in valid.items() if 2 in counts}
