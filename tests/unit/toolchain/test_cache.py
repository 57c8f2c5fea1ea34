"""Entries of the cache are whole or absent, also when two runs meet."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from toolchain import cache
from toolchain.errors import run_command
from toolchain.progress import say


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_an_entry_is_built_once_and_found_afterwards(tmp_path: Path) -> None:
    built = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "file").write_text("x")

    first = cache.ensure("tool/1.0", "building", build)
    assert cache.ensure("tool/1.0", "building", build) == first
    assert first == tmp_path / "holdfast" / "tool" / "1.0"
    assert len(built) == 1


def test_a_build_that_fails_leaves_no_entry() -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.ensure("tool/1.0", "building", fail)
    entry = cache.ensure("tool/1.0", "building", lambda folder: None)
    assert list(entry.iterdir()) == []
    assert [path.name for path in entry.parent.iterdir()] == ["1.0"]


def test_what_a_killed_run_left_is_not_taken_for_an_entry(tmp_path: Path) -> None:
    left = tmp_path / "holdfast" / "tool" / ".1.0.partial"
    left.mkdir(parents=True)
    (left / "half").touch()
    entry = cache.ensure("tool/1.0", "building", lambda folder: None)
    assert list(entry.iterdir()) == []
    assert not left.exists()


def test_of_two_runs_that_meet_one_builds_and_the_other_says_that_it_waits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    started, go_on, told = threading.Event(), threading.Event(), threading.Event()
    builds = []

    def tell(message: str) -> None:
        say(message)
        told.set()

    def slow(folder: Path) -> None:
        builds.append(folder)
        started.set()
        assert go_on.wait(30)

    # What is written while captured output is read can be lost: read once all is written.
    monkeypatch.setattr(cache, "say", tell)
    first = threading.Thread(target=cache.ensure, args=("tool/1.0", "building it", slow))
    first.start()
    assert started.wait(30)
    waits = threading.Thread(target=cache.ensure, args=("tool/1.0", "building it", slow))
    waits.start()
    assert told.wait(30)
    go_on.set()
    first.join(30)
    waits.join(30)
    assert capsys.readouterr().err == "waiting: another run is building it\n"
    assert len(builds) == 1


def test_a_relative_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.cache_dir() == tmp_path / ".cache" / "holdfast"


def test_a_full_disk_is_said_and_not_shown_as_a_crash(capsys: pytest.CaptureFixture[str]) -> None:
    def fill(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "x"))

    def main() -> int:
        cache.ensure("tool/1.0", "building", fill)
        return 0

    assert run_command(main) == 2
    assert "no space left on the disk" in capsys.readouterr().err
