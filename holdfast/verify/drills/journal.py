"""What a drill has done and not undone, on disk: a drill that is killed tells the next one."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path


class Journal:
    """One file; it is there only while something is to be undone."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, name: str, what: str) -> None:
        """Note what is about to be done to a process."""
        done = [*self._read()[1], f"{name} {what}"]
        text = json.dumps({"pid": os.getpid(), "started": _started(os.getpid()), "done": done})
        fresh = self._file.with_suffix(".new")
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(self._file)

    def clear(self) -> None:
        """Everything is undone."""
        self._file.unlink(missing_ok=True)

    def orphaned(self) -> Sequence[str]:
        """What was done by a drill that is no more; nothing while its process lives."""
        alive, done = self._read()
        return () if alive else done

    def _read(self) -> tuple[bool, Sequence[str]]:
        try:
            found = json.loads(self._file.read_bytes())
            pid, started, done = int(found["pid"]), found["started"], list(map(str, found["done"]))
        except FileNotFoundError:
            return False, ()
        except (ValueError, KeyError, TypeError):
            # Killed while it wrote: something was done, and looking at the processes shows what.
            return False, ("an unreadable note",)
        return started == _started(pid), done


def _started(pid: int) -> str:
    """When a process began, in ticks since the boot; empty where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return text.rpartition(")")[2].split()[19]
