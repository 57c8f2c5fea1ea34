"""Folders that the provider makes on this machine, and takes away when the last user is gone.

Several resources share a folder and are deleted in any order, also at once. So the folder itself
says that it was made here: by a lock file, which processes of a group also lock.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

LOCK_NAME: Final = ".lock"
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600


def make(folder: Path) -> None:
    """Make a folder and those above it, closed to others. What exists is left as it is."""
    missing = [item for item in (folder, *folder.parents) if not item.exists()]
    for item in reversed(missing):
        try:
            item.mkdir(mode=_FOLDER_MODE)
        except FileExistsError:
            continue
        (item / LOCK_NAME).touch(mode=_FILE_MODE)


def release(folder: Path) -> None:
    """Remove a folder in which nothing but the lock file is left, and those above it likewise."""
    for item in (folder, *folder.parents):
        try:
            if [entry.name for entry in item.iterdir()] != [LOCK_NAME]:
                return
            (item / LOCK_NAME).unlink()
            item.rmdir()
        except FileNotFoundError:
            # Another resource's deletion was faster.
            continue
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            # Somebody began to use it between the two calls: it stays, and stays ours.
            (item / LOCK_NAME).touch(mode=_FILE_MODE)
            return
