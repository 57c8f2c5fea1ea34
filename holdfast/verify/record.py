"""What a run showed, as one line of JSON: what docs/proof.md is made of.

A record names no host, no address and no folder, so that it can be kept with the project.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from holdfast.connection import Connection
from holdfast.errors import ConfigError

_DIGITS: Final = 3


class Kind(StrEnum):
    """What was run."""

    DRILL = "drill"
    ROTATION = "rotation"
    SMOKE = "smoke"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over several runs."""

    median: float
    min: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Runs of one thing on one store.

    Attributes:
        kind: what was run.
        name: of the drill, the rotation, the change.
        target: local, kubernetes, ...
        topology: of the store.
        engine: valkey or redis.
        engine_version: e.g. ``9.1.2``.
        where: what it ran on in a few words, stand-ins named; empty where the target says it all.
        date: when it ended, ``2026-11-24T12:00:00Z``.
        down_after_seconds: of the Sentinels; None where it does not matter.
        writers: how many wrote meanwhile.
        runs: how many there were.
        held: how many of them held.
        figures: over all runs that gave the figure, by name; names say the unit.
        kit: the version of Holdfast.
    """

    kind: Kind
    name: str
    target: str
    topology: str
    engine: str
    engine_version: str
    where: str
    date: str
    down_after_seconds: float | None
    writers: int
    runs: int
    held: int
    figures: Mapping[str, Spread]
    kit: str

    @property
    def ok(self) -> bool:
        """Whether every run held."""
        return self.runs > 0 and self.held == self.runs

    def to_json(self) -> str:
        """One line."""
        return json.dumps({**asdict(self), "ok": self.ok}, ensure_ascii=False)


def spread(values: Sequence[float]) -> Spread:
    """Median, least and most of at least one value."""
    return Spread(
        round(statistics.median(values), _DIGITS),
        round(min(values), _DIGITS),
        round(max(values), _DIGITS),
    )


def spreads(runs: Iterable[Mapping[str, float | None]]) -> Mapping[str, Spread]:
    """The figures of several runs; one that no run gave is left out."""
    found: dict[str, list[float]] = {}
    for run in runs:
        for name, value in run.items():
            if value is not None:
                found.setdefault(name, []).append(value)
    return {name: spread(values) for name, values in found.items()}


def record(
    connection: Connection,
    kind: Kind,
    name: str,
    runs: Sequence[tuple[bool, Mapping[str, float | None]]],
    *,
    where: str = "",
    down_after_seconds: float | None = None,
    writers: int = 0,
    now: datetime | None = None,
) -> Record:
    """The record of runs that have just ended.

    Args:
        connection: the store.
        kind: what was run.
        name: which.
        runs: for each run whether it held, and its figures.
        where: what it ran on, where the target does not say it all.
        down_after_seconds: of the Sentinels.
        writers: how many wrote meanwhile.
        now: when; this moment by default.
    """
    return Record(
        kind=kind,
        name=name,
        target=connection.target,
        topology=connection.topology.value,
        engine=connection.engine,
        engine_version=connection.engine_version,
        where=where,
        date=(now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        down_after_seconds=down_after_seconds,
        writers=writers,
        runs=len(runs),
        held=sum(held for held, _ in runs),
        figures=spreads(figures for _, figures in runs),
        kit=_kit(),
    )


def append_records(file: Path, records: Iterable[Record]) -> None:
    """Add records to a file, one a line; it is made where it is not there.

    Raises:
        ConfigError: it cannot be written.
    """
    text = "".join(entry.to_json() + "\n" for entry in records)
    try:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(text)
    except OSError as error:
        raise ConfigError(
            "--record", str(file), "a file that can be written", str(error.strerror)
        ) from error


def read_records(file: Path) -> tuple[Record, ...]:
    """Every record of a file, in its order.

    Raises:
        ConfigError: it cannot be read, or a line is no record; names the line.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(
            "records", str(file), "a file that can be read", str(error.strerror)
        ) from error
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(parse_record(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{file.name}, line {number}",
                line[:80],
                "a record as this kit writes it",
                f"remove the line ({error})",
            ) from error
    return tuple(found)


def parse_record(document: Mapping[str, Any]) -> Record:
    """One record from its JSON form. Raises ValueError, KeyError, TypeError for another one."""
    values = {entry.name: document[entry.name] for entry in fields(Record)}
    values["kind"] = Kind(values["kind"])
    values["figures"] = {
        name: Spread(float(f["median"]), float(f["min"]), float(f["max"]))
        for name, f in values["figures"].items()
    }
    return Record(**values)


def _kit() -> str:
    try:
        return metadata.version("holdfast")
    except metadata.PackageNotFoundError:
        return "unknown"
