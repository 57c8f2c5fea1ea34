from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

import pytest

from tests.standin.aws.install import install, is_standin
from tests.standin.plugins import Standin


def test_it_goes_where_the_engine_looks_for_the_plugin_of_the_sdk(tmp_path: Path) -> None:
    plugin = install(tmp_path)
    folder = tmp_path / "plugins" / f"resource-aws-v{metadata.version('pulumi-aws')}"
    assert plugin == folder / "pulumi-resource-aws"
    assert os.access(plugin, os.X_OK)
    assert is_standin(plugin)


def test_the_official_plugin_stays_where_it_is(tmp_path: Path) -> None:
    official = tmp_path / "plugins" / "resource-aws-v7.51.1" / "pulumi-resource-aws"
    official.parent.mkdir(parents=True)
    official.write_text("official")
    assert not is_standin(install(tmp_path, "7.51.1"))
    assert official.read_text() == "official"


def test_the_command_says_which_of_both_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    standin = Standin("aws", tmp_path / "ours")
    (tmp_path / "ours").touch()
    assert standin.main(["--pulumi-home", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert "this is a stand-in" in shown.err
    plugin = Path(shown.out.strip())
    plugin.unlink()
    plugin.write_text("official")
    assert standin.main(["--pulumi-home", str(tmp_path)]) == 0
    assert "the official pulumi-aws plugin is here" in capsys.readouterr().err
