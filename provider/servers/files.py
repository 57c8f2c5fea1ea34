"""Files written whole or not at all, readable by their owner alone."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from holdfast.errors import ConfigError

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into an error that names the path and the way out.

    Raises:
        ConfigError: the disk is full, or the path may not be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            rule, fix = "free disk space", "free some and run again; the old file is still in place"
        else:
            rule = f"a path that can be written ({error.strerror})"
            fix = "change its owner or mode, or choose another group_dir"
        raise ConfigError("groupDir", str(path), rule, fix) from error


def write_file(path: Path, data: bytes) -> None:
    """Replace a file as a whole: readers see the old bytes or the new ones, mode 0600."""
    with explained(path):
        _draft(path, data).replace(path)


def write_files(contents: Mapping[Path, bytes]) -> dict[Path, bytes | None]:
    """Replace those files whose content or mode differs; all of them, or none.

    Returns:
        What was there before, for :func:`restore_files`. None: there was no file.
    """
    changed = {path: data for path, data in contents.items() if not same_file(path, data)}
    before = {path: read_file(path) for path in changed}
    drafts: dict[Path, Path] = {}
    try:
        # All that needs room on the disk comes before the first file is replaced.
        for path, data in changed.items():
            with explained(path):
                drafts[path] = _draft(path, data)
        for path, draft in drafts.items():
            with explained(path):
                draft.replace(path)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    return before


def require_room(folder: Path, data: bytes) -> None:
    """Check that this much can be written into a folder, before anything depends on it.

    Raises:
        ConfigError: the disk is full.
    """
    with explained(folder):
        _draft(folder / "room", data).unlink()


def _draft(path: Path, data: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft


def restore_files(before: Mapping[Path, bytes | None]) -> None:
    """Put back what :func:`write_files` replaced."""
    for path, data in before.items():
        if data is None:
            path.unlink(missing_ok=True)
        else:
            write_file(path, data)


def read_file(path: Path) -> bytes | None:
    """The file's bytes, None if there is no file."""
    try:
        with explained(path):
            return path.read_bytes()
    except ConfigError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise


def same_file(path: Path, data: bytes) -> bool:
    """Whether the file has this content and is closed to others."""
    if read_file(path) != data:
        return False
    return path.stat().st_mode & 0o777 == FILE_MODE


def make_folder(path: Path) -> None:
    """Make a folder (and those above it), closed to others. One that exists keeps its mode."""
    with explained(path):
        for folder in reversed([path, *path.parents]):
            # One by one: mkdir gives its mode to the last of them only.
            folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
