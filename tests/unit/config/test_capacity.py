from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.capacity import DEFAULT_SESSION_BYTES, Room, check_session_bytes
from config.presets import PRESETS
from config.schema import Preset, Target
from config.settings import load_settings
from holdfast.errors import ConfigError
from holdfast.sizing import Workload, size
from holdfast.units import parse_bytes
from tests.unit.config.strategies import place

ROOMS = st.builds(
    Room,
    maxmemory_bytes=st.integers(16 * 1024**2, 1024**4),
    session_bytes=st.integers(500, 10_000_000),
    primaries=st.sampled_from([1, 3, 4, 7, 16]),
    buckets=st.sampled_from([1, 16, 64, 1024]),
)


@given(ROOMS)
def test_what_fits_to_the_brim_is_accepted_and_one_more_is_not(room: Room) -> None:
    brim = room.sessions()
    room.check(brim)
    with pytest.raises(ConfigError, match=f"at most {brim}"):
        room.check(brim + 1)


@given(ROOMS, st.integers(1, 10**9))
def test_the_advised_maxmemory_needs_no_more_advice(room: Room, expected: int) -> None:
    advice = room.advice(expected)
    if advice is None:
        assert expected <= room.sessions(3)
        return
    amount = parse_bytes(advice.rpartition("; ")[2].split()[0])
    assert amount is not None
    larger = Room(amount, room.session_bytes, room.primaries, room.buckets)
    # A whole number of sessions may be missing to rounding, not more.
    assert larger.sessions(3) >= expected - 1


def test_the_refusal_names_both_values_and_the_fix(tmp_path: Path) -> None:
    raw: dict[str, object] = {"maxmemory": "64mb", "expectedSessions": 5000}
    with pytest.raises(ConfigError) as caught:
        load_settings(raw, place(tmp_path))
    message = str(caught.value)
    assert message.startswith("holdfast:expectedSessions: got 5000, need at most 1900")
    assert "holdfast:maxmemory 64mb" in message
    assert "set holdfast:maxmemory to 490mb" in message
    assert load_settings({**raw, "maxmemory": "490mb"}, place(tmp_path)).advice is None


def test_smaller_sessions_need_less(tmp_path: Path) -> None:
    raw: dict[str, object] = {"maxmemory": "64mb", "expectedSessions": 5000, "sessionBytes": 3000}
    assert load_settings(raw, place(tmp_path)).room.session_bytes == 3000


def test_a_tight_store_is_advised_on_and_not_refused(tmp_path: Path) -> None:
    raw: dict[str, object] = {"maxmemory": "64mb", "expectedSessions": 1800}
    advice = load_settings(raw, place(tmp_path)).advice
    assert advice is not None
    assert "holdfast:maxmemory 64mb is tight" in advice


def test_a_preset_does_not_refuse_the_maxmemory_that_a_stack_sets(tmp_path: Path) -> None:
    raw: dict[str, object] = {"preset": "prod", "maxmemory": "16mb"}
    assert load_settings(raw, place(tmp_path)).advice is not None


@pytest.mark.parametrize("preset", list(Preset))
def test_every_preset_leaves_the_usual_headroom(preset: Preset, tmp_path: Path) -> None:
    settings = load_settings({"preset": preset.value}, place(tmp_path))
    assert settings.advice is None
    need = size(Workload(int(str(PRESETS[Target.LOCAL][preset]["expectedSessions"]))))
    assert need.maxmemory_bytes <= settings.maxmemory_bytes
    assert not need.cluster_due


def test_the_size_of_a_session_has_bounds() -> None:
    assert check_session_bytes(None) == DEFAULT_SESSION_BYTES
    assert check_session_bytes(500) == 500
    for amount in (0, 499, 2 * 1024**3):
        with pytest.raises(ConfigError, match=r"holdfast:sessionBytes: got .* scripts/size\.py"):
            check_session_bytes(amount)
