"""Which Pulumi CLI is taken, told apart with stand-ins."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolchain import pulumi_cli
from toolchain.errors import ToolchainError
from toolchain.go import minimum
from toolchain.pulumi_cli import HOST, PulumiCli, find_pulumi, supported
from toolchain.versions import Version

INSTALL = pulumi_cli._install


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is first on PATH of a machine with an empty cache and no network."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(pulumi_cli, "_install", lambda: None)

    def build(folder: Path) -> None:
        stand_in(folder, "v3.259.0")

    monkeypatch.setattr(pulumi_cli, "_compile", build)
    return folder


def stand_in(folder: Path, version: str) -> Path:
    """A program that prints a version."""
    binary = folder / "pulumi"
    binary.write_text(f"#!/bin/sh\necho {version}\n")
    binary.chmod(0o755)
    return binary


@pytest.mark.parametrize(
    ("version", "good"),
    [("3.259.0", True), ("3.300.1", True), ("3.258.9", False), ("4.0.0", False)],
)
def test_a_cli_of_the_sdks_version_or_newer_is_supported(version: str, good: bool) -> None:
    assert supported(Version(*map(int, version.split(".")))) is good


def test_the_machines_own_cli_is_taken_with_its_own_language_host(on_path: Path) -> None:
    binary = stand_in(on_path, "v3.260.0")
    (on_path / HOST.name).touch()
    assert find_pulumi() == PulumiCli(binary, "3.260.0", "PATH", None)


def test_a_cli_without_a_language_host_gets_ours(on_path: Path) -> None:
    stand_in(on_path, "v3.260.0")
    assert find_pulumi().host_folder == HOST.parent


def test_a_cli_that_is_too_old_is_passed_over_and_said(
    on_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = stand_in(on_path, "v3.100.0")
    assert find_pulumi().source == "built from Go modules"
    assert f"passing over {binary}: it is 3.100.0, need 3.259.0" in capsys.readouterr().err


def test_what_is_built_has_our_language_host_beside_it_and_is_built_once(
    on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = find_pulumi()
    assert built.host_folder is None
    assert built.binary.with_name(HOST.name).read_bytes() == HOST.read_bytes()

    def again(_: Path) -> None:
        raise AssertionError("built a second time")

    monkeypatch.setattr(pulumi_cli, "_compile", again)
    assert find_pulumi() == built


def test_the_installer_is_tried_before_building(
    on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    official = PulumiCli(Path("/official/pulumi"), "3.259.0", "the official installer")
    monkeypatch.setattr(pulumi_cli, "_install", lambda: official)
    assert find_pulumi() == official


def test_the_official_installer_is_run_for_the_pinned_version_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    script = tmp_path / "install.sh"
    script.write_text(
        '[ "$1 $2 $4" = "--no-edit-path --install-root --version" ] || exit 9\n'
        'mkdir "$3/bin"\n'
        'printf "#!/bin/sh\\necho v$5\\n" > "$3/bin/pulumi"\n'
        'chmod +x "$3/bin/pulumi"\n'
    )
    monkeypatch.setattr(pulumi_cli, "INSTALLER", script.as_uri())
    installed = find_pulumi()
    assert installed.source == "the official installer"
    assert installed.binary.is_relative_to(tmp_path / "cache" / "holdfast")
    script.unlink()
    assert find_pulumi() == installed


def test_an_installer_that_cannot_be_reached_is_said_in_one_line(
    on_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pulumi_cli, "_install", INSTALL)
    monkeypatch.setattr(pulumi_cli, "INSTALLER", (on_path / "nothing.sh").as_uri())
    assert find_pulumi().source == "built from Go modules"
    said = capsys.readouterr().err
    assert "the official Pulumi installer cannot be reached" in said
    assert len(said.splitlines()) == 1


def test_the_go_version_that_is_needed_stands_in_go_mod() -> None:
    assert minimum("module x\n\ngo 1.25.11\n") == Version(1, 25, 11)
    with pytest.raises(ToolchainError, match="no go line"):
        minimum("module x\n")


def test_the_pinned_versions_agree() -> None:
    root = HOST.parent.parent.parent
    version = str(pulumi_cli.VERSION)
    go_mod = (pulumi_cli.MODULE / "go.mod").read_text()
    assert f"github.com/pulumi/pulumi/sdk/v3 v{version} " in go_mod
    assert f'"pulumi=={version}"' in (root / "pyproject.toml").read_text()
    assert f"\npulumi=={version} " in (root / "requirements" / "local.lock").read_text()
