"""Keeps what a test showed for docs/proof.md, where ``HOLDFAST_RECORDS`` names a file.

HOLDFAST_RECORDS=docs/proof/runs.jsonl make test ARGS="tests/local/test_rotation.py"
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from holdfast.connection import Connection
from holdfast.verify.record import Kind, append_records, record

VARIABLE: Final = "HOLDFAST_RECORDS"
STRICT: Final = "HOLDFAST_STRICT_BOUNDS"
"""Set in a whole run; a record that is kept is strict too."""

_REPEAT: Final = "HOLDFAST_REPEAT"


def repeat() -> int:
    """How often each drill is run for its median; 1 unless the environment says otherwise."""
    return int(os.environ.get(_REPEAT, "1"))


def strict() -> bool:
    """Whether bounds of time are those that are promised, and not those of a busy machine."""
    return bool(os.environ.get(VARIABLE) or os.environ.get(STRICT))


def keep(
    connection: Connection,
    kind: Kind,
    name: str,
    figures: Mapping[str, float | None],
    *,
    where: str = "",
    writers: int = 1,
) -> None:
    """Note a run that held. Call it after the last assertion about it.

    Args:
        connection: the store.
        kind: what was run.
        name: which.
        figures: of the run, as ``holdfast.verify.proof.page`` names them.
        where: what it ran on, stand-ins named, where the target does not say it all.
        writers: how many wrote meanwhile.
    """
    file = os.environ.get(VARIABLE)
    if file:
        runs = [(True, figures)]
        append_records(
            Path(file), [record(connection, kind, name, runs, where=where, writers=writers)]
        )
