from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from holdfast.errors import ConfigError
from provider.credentials.secret_file import SecretFile, write_atomically
from provider.diffs import DiffKind
from provider.resource import Context, Found, Stored
from provider.values import Properties
from tests.unit.provider.grpc_context import urn

_CONTEXT = Context(urn(SecretFile.token))


def _inputs(path: Path, content: str = "secret content") -> Properties:
    result = SecretFile().check({}, {"path": str(path), "content": content}, _CONTEXT)
    assert not result.failures
    return result.inputs


def _created(path: Path, content: str = "secret content") -> Stored:
    inputs = _inputs(path, content)
    created = SecretFile().create(inputs, _CONTEXT)
    return Stored(created.id, inputs, created.outputs)


def _found(stored: Stored) -> Found:
    found = SecretFile().read(stored, _CONTEXT)
    assert found is not None
    return found


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _drift(stored: Stored) -> set[str]:
    seen = Stored(stored.id, stored.inputs, _found(stored).outputs)
    return set(SecretFile().diff(seen, stored.inputs, _CONTEXT).changes)


def test_the_file_and_its_folders_are_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "connection.json"
    _created(path)
    assert path.read_text() == "secret content"
    assert _mode(path) == 0o600
    assert _mode(path.parent) == 0o700
    assert _mode(path.parent.parent) == 0o700


def test_the_mode_holds_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        _created(tmp_path / "file")
    finally:
        os.umask(before)
    assert _mode(tmp_path / "file") == 0o600


def test_an_untouched_file_is_no_change(tmp_path: Path) -> None:
    stored = _created(tmp_path / "file")
    assert _found(stored).outputs == stored.outputs
    assert not _drift(stored)


def test_other_content_is_drift_and_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "file"
    stored = _created(path)
    path.write_text("tampered")
    assert _drift(stored) == {"intact"}
    SecretFile().update(stored, stored.inputs, _CONTEXT)
    assert path.read_text() == "secret content"
    assert not _drift(stored)


def test_a_file_that_others_may_read_is_drift_and_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "file"
    stored = _created(path)
    path.chmod(0o644)
    assert _found(stored).outputs["mode"] == "0644"
    assert _drift(stored) == {"mode"}
    SecretFile().update(stored, stored.inputs, _CONTEXT)
    assert _mode(path) == 0o600


def test_a_link_in_the_files_place_is_drift_and_its_target_stays(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    stored = _created(path)
    other.write_text("secret content")
    path.unlink()
    path.symlink_to(other)
    assert "intact" in _drift(stored)
    SecretFile().update(stored, _inputs(path, "new content"), _CONTEXT)
    assert not path.is_symlink()
    assert path.read_text() == "new content"
    assert other.read_text() == "secret content"


def test_a_missing_file_is_a_missing_resource(tmp_path: Path) -> None:
    stored = _created(tmp_path / "file")
    (tmp_path / "file").unlink()
    assert SecretFile().read(stored, _CONTEXT) is None


def test_new_content_is_written_in_place_and_a_new_path_replaces(tmp_path: Path) -> None:
    stored = _created(tmp_path / "file")
    content = SecretFile().diff(stored, _inputs(tmp_path / "file", "new"), _CONTEXT)
    assert content.changes["content"].kind is DiffKind.UPDATE
    moved = SecretFile().diff(stored, _inputs(tmp_path / "moved"), _CONTEXT)
    assert moved.replaces == ("path",)


def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="move the file away"):
        _created(path)
    assert path.read_text() == "mine"


def test_the_same_file_of_an_interrupted_run_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("secret content")
    _created(path)
    assert _mode(path) == 0o600


def test_delete_leaves_nothing_of_its_own(tmp_path: Path) -> None:
    stored = _created(tmp_path / "a" / "b" / "file")
    SecretFile().delete(stored, _CONTEXT)
    assert not list(tmp_path.iterdir())
    SecretFile().delete(stored, _CONTEXT)


def test_delete_keeps_folders_that_others_use(tmp_path: Path) -> None:
    stored = _created(tmp_path / "a" / "b" / "file")
    (tmp_path / "a" / "other").write_text("x")
    SecretFile().delete(stored, _CONTEXT)
    assert sorted(item.name for item in (tmp_path / "a").iterdir()) == [".lock", "other"]


def test_files_that_share_a_new_folder_leave_nothing_in_any_order(tmp_path: Path) -> None:
    first, second = _created(tmp_path / "a" / "1"), _created(tmp_path / "a" / "2")
    SecretFile().delete(first, _CONTEXT)
    SecretFile().delete(second, _CONTEXT)
    assert not list(tmp_path.iterdir())


def test_an_update_makes_lost_folders_again_and_delete_removes_them(tmp_path: Path) -> None:
    stored = _created(tmp_path / "a" / "file")
    shutil.rmtree(tmp_path / "a")
    outputs = SecretFile().update(stored, stored.inputs, _CONTEXT)
    SecretFile().delete(Stored(stored.id, stored.inputs, outputs), _CONTEXT)
    assert not list(tmp_path.iterdir())


def test_a_relative_path_is_refused() -> None:
    inputs = {"path": "here/file", "content": "x"}
    [failure] = SecretFile().check({}, inputs, _CONTEXT).failures
    assert "need an absolute path" in failure.reason


def test_a_failed_write_leaves_the_old_content_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
