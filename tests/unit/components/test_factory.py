from __future__ import annotations

import runpy
from pathlib import Path

import pulumi
import pytest
from hypothesis import given

from components.factory import local_args
from components.local_spec import LocalSpec
from config.settings import load_settings
from tests.unit.components.mocks import COMPONENT, deploy
from tests.unit.config.strategies import local, place, valid_settings

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


@given(values=valid_settings())
def test_every_setting_reaches_the_local_store(values: dict[str, object], folder: Path) -> None:
    settings = load_settings(values, place(folder))
    own = local(settings)
    spec = LocalSpec.from_args(local_args(settings, own))
    assert spec.owner == settings.owner
    assert spec.server_path == str(own.program.path)
    assert spec.data_dir == own.data_dir
    assert (spec.app, spec.buckets) == (settings.app, settings.buckets)
    assert spec.keep_data == own.keep_data
    assert spec.expected_sessions == settings.expected_sessions
    assert spec.config.engine is own.program.engine
    assert spec.config.version == own.program.version
    assert spec.config.shape == settings.shape
    assert spec.config.ports == own.ports
    assert spec.config.down_after_ms == settings.down_after_ms
    assert spec.config.maxmemory_bytes == settings.maxmemory_bytes
    assert spec.config.eviction_policy is settings.eviction_policy
    assert spec.config.appendfsync is settings.appendfsync


def test_names_for_certificates_reach_the_local_store(folder: Path) -> None:
    settings = load_settings({"extraDnsNames": '["store.test"]'}, place(folder))
    spec = LocalSpec.from_args(local_args(settings, local(settings)))
    assert spec.dns_names == ("localhost", "store.test")


def test_the_program_makes_one_store_of_the_settings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = folder / "server"
    server.write_text("#!/bin/sh\necho Valkey server v=9.1.2 sha=0\n")
    server.chmod(0o755)
    monkeypatch.setenv("HOLDFAST_SERVER", str(server))

    def program() -> dict[str, pulumi.Output[object]]:
        pulumi.runtime.set_all_config({"holdfast:topology": "standalone", "other:key": "x"})
        runpy.run_path(str(ROOT / "__main__.py"))
        return {}

    created = deploy(program).created
    assert [name for name, args in created.items() if args.typ == COMPONENT] == ["store"]
    assert "store-server-0" in created
    assert "store-sentinel-0" not in created


@pytest.mark.parametrize(
    ("config", "secret", "message"),
    [
        ({"holdfast:replcas": "3"}, [], "did you mean holdfast:replicas?"),
        ({"holdfast:target": "aws"}, [], "holdfast:region: got 'nothing'"),
        ({"holdfast:target": "azure"}, [], "holdfast:target: got 'azure', need one of local"),
        ({"holdfast:target": "kubernetes"}, [], "holdfast:namespace: got 'nothing'"),
        ({"holdfast:app": "hidden-app"}, ["holdfast:app"], "got 'a secret'"),
    ],
)
def test_a_wrong_setting_ends_the_program_with_its_message_alone(
    config: dict[str, str], secret: list[str], message: str
) -> None:
    def program() -> dict[str, pulumi.Output[object]]:
        pulumi.runtime.set_all_config(config, secret)
        with pytest.raises(pulumi.RunError) as caught:
            runpy.run_path(str(ROOT / "__main__.py"))
        assert message in str(caught.value)
        assert "hidden-app" not in str(caught.value)
        return {}

    assert deploy(program).created == {}


def test_the_program_stays_short() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) < 40
