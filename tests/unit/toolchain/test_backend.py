"""The machine's own backend is kept; the project's own is never left without its passphrase."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from toolchain import backend
from toolchain.errors import ToolchainError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / ".holdfast"
    (path / "pulumi").mkdir(parents=True)
    return path


def test_a_machine_without_a_backend_gets_one_in_the_project(home: Path, state: Path) -> None:
    chosen = backend.choose_backend({}, home, state)
    assert chosen.folder == state / "pulumi"
    assert chosen.exports == {
        "PULUMI_HOME": str(state / "pulumi-home"),
        "PULUMI_BACKEND_URL": f"file://{state}/pulumi",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(state / "passphrase"),
    }


def test_a_shell_that_has_these_settings_keeps_them(home: Path, state: Path) -> None:
    exports = backend.choose_backend({}, home, state).exports
    assert backend.choose_backend(exports, home, state).exports == exports


@pytest.mark.parametrize(
    "environment", [{"PULUMI_BACKEND_URL": "s3://mine"}, {"PULUMI_ACCESS_TOKEN": "x"}]
)
def test_a_machine_with_its_own_backend_keeps_it(
    home: Path, state: Path, environment: dict[str, str]
) -> None:
    assert backend.choose_backend(environment, home, state) == backend.Backend({}, None)


def test_a_login_is_kept_and_a_logout_is_none(home: Path, state: Path) -> None:
    credentials = home / ".pulumi" / "credentials.json"
    credentials.parent.mkdir()
    credentials.write_text(json.dumps({"current": "https://api.example"}))
    assert backend.choose_backend({}, home, state).folder is None
    credentials.write_text(json.dumps({"current": ""}))
    assert backend.choose_backend({}, home, state).folder == state / "pulumi"


@pytest.mark.parametrize("name", ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])
def test_a_passphrase_that_a_person_set_is_kept(home: Path, state: Path, name: str) -> None:
    chosen = backend.choose_backend({name: "/mine"}, home, state)
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in chosen.exports


def test_a_passphrase_is_generated_once_for_its_owner_alone(state: Path) -> None:
    path, config = state / "passphrase", state / "none.yaml"
    backend.ensure_passphrase(path, state / "pulumi", config)
    first = path.read_text()
    assert len(first.strip()) >= 32
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    backend.ensure_passphrase(path, state / "pulumi", config)
    assert path.read_text() == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in state.iterdir() if item.is_file()] == ["passphrase"]


def test_a_passphrase_is_never_generated_anew_while_there_is_state(state: Path) -> None:
    stack = state / "pulumi" / ".pulumi" / "stacks" / "holdfast" / "local.json"
    stack.parent.mkdir(parents=True)
    stack.write_text("{}")
    with pytest.raises(ToolchainError, match="passphrase is gone"):
        backend.ensure_passphrase(state / "passphrase", state / "pulumi", state / "none.yaml")
    assert not (state / "passphrase").exists()


def test_a_new_passphrase_takes_the_salt_of_the_old_one_out_of_the_settings(state: Path) -> None:
    config = state / "Pulumi.local.yaml"
    config.write_text("encryptionsalt: v1:abc\nconfig:\n  holdfast:target: local\n")
    backend.ensure_passphrase(state / "passphrase", state / "pulumi", config)
    assert config.read_text() == "config:\n  holdfast:target: local\n"


def test_settings_with_encrypted_values_are_left_alone(tmp_path: Path) -> None:
    config = tmp_path / "Pulumi.local.yaml"
    text = "encryptionsalt: v1:abc\nconfig:\n  a:\n    secure: v1:xyz\n"
    config.write_text(text)
    backend.forget_salt(config)
    assert config.read_text() == text


def write_lock(folder: Path, name: str, pid: int, host: str) -> Path:
    """A lock as Pulumi writes it."""
    path = folder / ".pulumi" / "locks" / "organization" / "holdfast" / "local" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"pid": pid, "username": "me", "hostname": host}))
    return path


def test_only_a_lock_whose_holder_died_on_this_machine_is_stale(tmp_path: Path) -> None:
    dead = write_lock(tmp_path, "dead", 41, socket.gethostname())
    write_lock(tmp_path, "alive", 42, socket.gethostname())
    write_lock(tmp_path, "elsewhere", 41, "another-host")
    write_lock(tmp_path, "torn", 41, socket.gethostname()).write_text("{")
    assert backend.stale_locks(tmp_path, "local", {41: False, 42: True}) == [dead]
    assert backend.stale_locks(tmp_path, "other", {41: False, 42: True}) == []


def test_creations_that_were_begun_are_found_in_the_state(tmp_path: Path) -> None:
    path = tmp_path / ".pulumi" / "stacks" / "holdfast" / "local.json"
    path.parent.mkdir(parents=True)
    operations = [
        {"type": kind, "resource": {"urn": f"urn:pulumi:local::holdfast::holdfast:index:X::{name}"}}
        for kind, name in (("creating", "valkey-0"), ("updating", "valkey-1"))
    ]
    checkpoint = {"checkpoint": {"latest": {"pending_operations": operations}}}
    path.write_text(json.dumps(checkpoint))
    assert backend.pending_creates(tmp_path, "local") == ["valkey-0"]
    path.write_text(json.dumps({"checkpoint": {"latest": None}}))
    assert backend.pending_creates(tmp_path, "local") == []
