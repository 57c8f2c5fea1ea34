from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from config.presets import PRESETS
from config.reader import ConfigReader
from config.schema import BY_NAME, SETTINGS, Kind, Preset, Target
from config.settings import load_settings, settings_table
from holdfast.connection import Topology
from holdfast.errors import ConfigError
from holdfast.units import format_bytes
from tests.unit.config.strategies import local, place, valid_settings

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


def declared() -> dict[str, dict[str, Any]]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    keys: dict[str, dict[str, Any]] = document["config"]
    return keys


def test_pulumi_yaml_declares_the_same_keys_types_and_defaults() -> None:
    expected = {
        s.name: (s.kind.value, list(s.default) if isinstance(s.default, tuple) else s.default)
        for s in SETTINGS
    }
    assert {k: (v["type"], v["default"]) for k, v in declared().items()} == expected


def test_every_key_is_described_and_says_what_happens_unset() -> None:
    for setting in SETTINGS:
        description = declared()[setting.name]["description"]
        assert description.startswith(setting.description)
        assert setting.automatic in description


def test_lists_declare_what_they_hold() -> None:
    lists = [k for k, v in declared().items() if v.get("items") == {"type": "string"}]
    assert lists == [s.name for s in SETTINGS if s.kind is Kind.ARRAY]


def test_the_defaults_that_the_engine_passes_are_the_defaults(folder: Path) -> None:
    passed = {
        name: json.dumps(key["default"])
        if isinstance(key["default"], list)
        else str(key["default"])
        for name, key in declared().items()
    }
    assert load_settings(passed, place(folder)) == load_settings({}, place(folder))


def test_nothing_set_gives_the_default_store(folder: Path) -> None:
    settings = load_settings({}, place(folder))
    assert settings.shape.topology is Topology.SENTINEL
    assert (settings.shape.replicas, settings.shape.sentinels, settings.shape.quorum) == (2, 3, 2)
    assert settings.maxmemory_bytes == 256 * 1024**2
    assert settings.eviction_policy == "volatile-lru"
    assert settings.down_after_ms == 5000
    assert local(settings).data_dir == folder / ".holdfast" / "test"
    assert settings.owner == "holdfast/test"
    assert local(settings).program.version == "9.1.2"


@pytest.mark.parametrize("target", list(Target))
@pytest.mark.parametrize("preset", list(Preset))
def test_each_preset_says_what_the_keys_of_its_target_leave_to_it(
    target: Target, preset: Preset
) -> None:
    values = PRESETS[target][preset]
    assert all(BY_NAME[name].suits(target) and BY_NAME[name].automatic for name in values)
    left_to_it = {s.name for s in SETTINGS if s.automatic == "the preset's" and s.suits(target)}
    if target is not Target.EXISTING:
        assert left_to_it <= set(values)
    ConfigReader(values)


@pytest.mark.parametrize("preset", list(Preset))
def test_each_preset_is_valid(preset: Preset, folder: Path) -> None:
    settings = load_settings({"preset": preset.value}, place(folder))
    assert settings.preset is preset
    assert settings.shape.sentinels >= 3


@pytest.mark.parametrize("preset", list(Preset))
def test_a_stack_overrides_its_preset(preset: Preset, folder: Path) -> None:
    raw = {"preset": preset.value, "topology": "cluster", "maxmemory": "64mb"}
    settings = load_settings(raw, place(folder))
    assert settings.shape.topology is Topology.CLUSTER
    assert settings.maxmemory_bytes == 64 * 1024**2


@given(values=valid_settings())
def test_settings_that_hold_together_are_taken_as_they_are(
    values: dict[str, object], folder: Path
) -> None:
    settings = load_settings(values, place(folder))
    read_back = {
        "topology": settings.shape.topology.value,
        "app": settings.app,
        "buckets": settings.buckets,
        "downAfterMs": settings.down_after_ms,
        "maxmemory": format_bytes(settings.maxmemory_bytes),
        "evictionPolicy": settings.eviction_policy.value,
        "appendfsync": settings.appendfsync.value,
        "basePort": local(settings).ports.servers[0],
        "keepData": local(settings).keep_data,
        "expectedSessions": settings.expected_sessions,
        "sessionBytes": settings.room.session_bytes,
        "sentinels": settings.shape.sentinels,
        "quorum": settings.shape.quorum,
        "replicas": settings.shape.replicas,
        "primaries": settings.shape.primaries,
    }
    assert {name: read_back[name] for name in values} == values


@given(values=valid_settings())
def test_text_as_the_engine_passes_it_means_the_same_as_plain_values(
    values: dict[str, object], folder: Path
) -> None:
    texts = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in values.items()}
    assert load_settings(texts, place(folder)) == load_settings(values, place(folder))


@given(values=valid_settings())
def test_no_two_processes_share_a_port(values: dict[str, object], folder: Path) -> None:
    settings = load_settings(values, place(folder))
    ports = local(settings).ports.servers + local(settings).ports.sentinels
    assert len(set(ports)) == len(ports) == settings.shape.servers + settings.shape.sentinels


def refusal(raw: dict[str, object], folder: Path) -> ConfigError | None:
    try:
        load_settings(raw, place(folder))
    except ConfigError as error:
        return error
    return None


@given(name=st.sampled_from(sorted(BY_NAME)), value=st.text(max_size=20))
def test_a_text_that_is_refused_is_refused_with_key_value_rule_and_fix(
    name: str, value: str, folder: Path
) -> None:
    error = refusal({name: value}, folder)
    if error is None:
        return
    assert error.rule
    assert error.fix
    # A target that there is may be refused for what it needs beside itself.
    assume(name != "target" or value not in set(Target))
    # What the server program must be is answered for the program that was found.
    blamed = {"engineVersion": {"serverPath"}, "engine": {"engine", "serverPath"}}
    assert error.field in {f"holdfast:{one}" for one in blamed.get(name, {name})}


def test_a_folder_is_relative_to_the_project_and_may_not_hold_it(folder: Path) -> None:
    for setting, path in (("state", folder / "state"), ("/var/x", Path("/var/x"))):
        assert local(load_settings({"dataDir": setting}, place(folder))).data_dir == path
    for bad in (".", "..", "/", str(folder)):
        with pytest.raises(ConfigError, match="holdfast:dataDir"):
            load_settings({"dataDir": bad}, place(folder))


def test_the_machine_limits_maxmemory(folder: Path) -> None:
    with pytest.raises(ConfigError, match="holdfast:maxmemory"):
        load_settings({"maxmemory": "1gb"}, place(folder, memory_bytes=2 * 1024**3))


def test_a_wrong_setting_is_found_before_any_program_is_run(folder: Path) -> None:
    def run(_path: Path) -> str:
        pytest.fail("a program was run")

    with pytest.raises(ConfigError, match="holdfast:sentinels"):
        load_settings({"sentinels": "4"}, place(folder, run_server=run))


def test_the_environment_does_not_show_in_repr(folder: Path) -> None:
    assert "HOLDFAST_SERVER" not in repr(place(folder))


def test_the_printed_table_names_every_key_and_preset() -> None:
    table = settings_table()
    for setting in SETTINGS:
        assert f"| `{setting.key}` | {setting.kind} |" in table
    for preset in Preset:
        assert f"| `{preset}` |" in table


def test_the_settings_page_is_as_printed() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    assert page.partition("<!-- generated -->\n")[2] == settings_table()


def test_the_example_of_the_local_stack_is_valid(folder: Path) -> None:
    example = yaml.safe_load((ROOT / "config" / "local.example.yaml").read_text())["config"]
    raw = {key.removeprefix("holdfast:"): value for key, value in example.items()}
    assert load_settings(raw, place(folder)) == load_settings({}, place(folder))


@pytest.mark.parametrize("name", ["dataDir", "serverPath"])
def test_a_home_folder_of_nobody_is_refused_by_name(name: str, folder: Path) -> None:
    with pytest.raises(ConfigError, match=rf"holdfast:{name}: got '~nobody-at-all/x', need a user"):
        load_settings({name: "~nobody-at-all/x"}, place(folder))
