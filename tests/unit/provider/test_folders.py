from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provider import folders


def test_made_folders_are_closed_to_others_and_removed_again(tmp_path: Path) -> None:
    folders.make(tmp_path / "a" / "b")
    for folder in (tmp_path / "a", tmp_path / "a" / "b"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folders.release(tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())


def test_folders_that_were_there_before_stay(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    folders.make(tmp_path / "theirs" / "ours")
    folders.release(tmp_path / "theirs" / "ours")
    assert [item.name for item in tmp_path.iterdir()] == ["theirs"]
    folders.release(tmp_path / "theirs")
    assert (tmp_path / "theirs").is_dir()


def test_a_folder_in_use_stays_until_its_last_user_goes(tmp_path: Path) -> None:
    folders.make(tmp_path / "shared")
    (tmp_path / "shared" / "file").touch()
    folders.release(tmp_path / "shared")
    assert (tmp_path / "shared" / "file").exists()
    (tmp_path / "shared" / "file").unlink()
    folders.release(tmp_path / "shared")
    assert not (tmp_path / "shared").exists()


def test_releasing_what_is_gone_is_no_error(tmp_path: Path) -> None:
    folders.make(tmp_path / "a" / "b")
    folders.release(tmp_path / "a" / "b" / "never")
    folders.release(tmp_path / "a" / "b")
    folders.release(tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()


def test_many_users_at_once_leave_nothing(tmp_path: Path) -> None:
    shared = tmp_path / "a" / "shared"

    def use(number: int) -> None:
        (shared / f"{number}").unlink()
        folders.release(shared)

    for _ in range(20):
        folders.make(shared)
        for number in range(8):
            (shared / f"{number}").touch()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(use, range(8)))
        assert not list(tmp_path.iterdir())


def test_a_folder_taken_into_use_during_its_removal_stays_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shared"
    folders.make(folder)
    remove = Path.rmdir

    def late_user(self: Path) -> None:
        (self / "file").touch()
        remove(self)

    monkeypatch.setattr(Path, "rmdir", late_user)
    folders.release(folder)
    assert {item.name for item in folder.iterdir()} == {"file", folders.LOCK_NAME}
