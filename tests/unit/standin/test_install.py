from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

from tests.standin.kubernetes.install import install, is_standin


def test_it_goes_where_the_engine_looks_for_the_plugin_of_the_sdk(tmp_path: Path) -> None:
    plugin = install(tmp_path)
    version = metadata.version("pulumi-kubernetes")
    folder = tmp_path / "plugins" / f"resource-kubernetes-v{version}"
    assert plugin == folder / "pulumi-resource-kubernetes"
    assert os.access(plugin, os.X_OK)
    assert is_standin(plugin)
    assert install(tmp_path) == plugin


def test_the_official_plugin_stays_where_it_is(tmp_path: Path) -> None:
    official = tmp_path / "plugins" / "resource-kubernetes-v1.2.3" / "pulumi-resource-kubernetes"
    official.parent.mkdir(parents=True)
    official.write_text("official")
    assert not is_standin(install(tmp_path, "1.2.3"))
    assert official.read_text() == "official"


def test_a_link_to_a_checkout_that_is_gone_is_made_anew(tmp_path: Path) -> None:
    plugin = install(tmp_path)
    plugin.unlink()
    plugin.symlink_to(tmp_path / "gone")
    assert is_standin(install(tmp_path))
