"""Settings of rotations, any that are valid."""

from __future__ import annotations

from hypothesis import strategies as st

from holdfast.roles import Role
from holdfast.rotation.settings import CaStage, PasswordStage, RotationSettings


def rotation_settings() -> st.SearchStrategy[RotationSettings]:
    serials = st.integers(0, 1000)
    return st.builds(
        RotationSettings,
        st.dictionaries(st.sampled_from(Role), st.integers(1, 1000)),
        st.sampled_from(PasswordStage),
        serials,
        serials,
        st.sampled_from(CaStage),
    )
