"""Settings that hold together, for property tests."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from config.kubernetes_settings import KubernetesSettings
from config.local_settings import LocalSettings
from config.place import Place
from config.schema import Appendfsync, EvictionPolicy
from config.settings import Settings
from holdfast.sizing import data_bytes
from holdfast.units import format_bytes

VALKEY = "Valkey server v=9.1.2 sha=00000000:0 malloc=jemalloc-5.3.1 bits=64 build=9108e8f1788612b"


def place(tmp_path: Path, **changes: object) -> Place:
    """A place with a server program that says it is Valkey 9.1.2."""
    program = tmp_path / "valkey-server"
    program.touch(mode=0o755)
    values: dict[str, object] = {
        "project": "holdfast",
        "stack": "test",
        "root": tmp_path,
        "environment": {"HOLDFAST_SERVER": str(program)},
        "run_server": lambda _path: VALKEY,
    }
    return Place(**{**values, **changes})  # type: ignore[arg-type]  # checked by the test that passes them


def local(settings: Settings) -> LocalSettings:
    """What only target local has."""
    assert isinstance(settings.own, LocalSettings)
    return settings.own


def in_cluster(settings: Settings) -> KubernetesSettings:
    """What only target kubernetes has."""
    assert isinstance(settings.own, KubernetesSettings)
    return settings.own


@st.composite
def valid_settings(draw: st.DrawFn) -> dict[str, object]:
    """Any combination that must be accepted."""
    topology = draw(st.sampled_from(["standalone", "sentinel", "cluster"]))
    values: dict[str, object] = {"topology": topology}
    if topology == "sentinel":
        values["sentinels"] = sentinels = draw(st.sampled_from([3, 5, 7]))
        values["quorum"] = draw(st.integers(2, sentinels // 2 + 1))
        values["replicas"] = draw(st.integers(2, 7))
    elif topology == "cluster":
        values["primaries"] = draw(st.integers(3, 16))
        values["replicas"] = draw(st.integers(1, 3))
    values["app"] = draw(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True))
    values["buckets"] = 2 ** draw(st.integers(0, 10))
    values["downAfterMs"] = draw(st.integers(1000, 60_000))
    maxmemory = draw(st.integers(16 * 1024**2, 1024**4))
    values["maxmemory"] = format_bytes(maxmemory)
    values["evictionPolicy"] = draw(st.sampled_from([p.value for p in EvictionPolicy]))
    values["appendfsync"] = draw(st.sampled_from([a.value for a in Appendfsync]))
    values["basePort"] = draw(st.integers(1024, 50_000))
    values["keepData"] = draw(st.booleans())
    values["sessionBytes"] = session_bytes = draw(st.integers(500, 1_000_000))
    # So many fit whatever share the fullest primary of a cluster has.
    values["expectedSessions"] = draw(st.integers(1, data_bytes(maxmemory) // session_bytes))
    return values
