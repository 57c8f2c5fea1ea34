"""provider.servers.files: whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from holdfast.errors import ConfigError
from provider.servers.files import make_folder, restore_files, same_file, write_file, write_files


def _full_disk_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [count]

    def fsync(handle: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)


def test_a_file_is_closed_to_others_and_leaves_no_draft(tmp_path: Path) -> None:
    write_file(tmp_path / "a", b"one")
    write_file(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_leaves_the_old_file_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(tmp_path / "a", b"old")
    _full_disk_after(0, monkeypatch)
    with pytest.raises(
        ConfigError, match=r"need free disk space; .*the old file is still in place"
    ):
        write_file(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_of_several_files_all_are_written_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(tmp_path / "a", b"old")
    _full_disk_after(1, monkeypatch)
    with pytest.raises(ConfigError, match="free disk space"):
        write_files({tmp_path / "a": b"new", tmp_path / "b": b"new"})
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_file_that_says_the_same_is_not_written_again(tmp_path: Path) -> None:
    write_file(tmp_path / "a", b"one")
    before = (tmp_path / "a").stat().st_ino
    assert write_files({tmp_path / "a": b"one"}) == {}
    assert (tmp_path / "a").stat().st_ino == before


def test_a_file_that_others_can_read_is_not_the_same(tmp_path: Path) -> None:
    write_file(tmp_path / "a", b"one")
    (tmp_path / "a").chmod(0o644)
    assert not same_file(tmp_path / "a", b"one")


def test_new_files_vanish_when_they_are_taken_back(tmp_path: Path) -> None:
    restore_files(write_files({tmp_path / "a": b"one"}))
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"groupDir: got '.*file/x', need a path that can be"):
        make_folder(tmp_path / "file" / "x")


def test_every_folder_on_the_way_is_closed_to_others(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "a/b")]
    assert modes == [0o700, 0o700]
