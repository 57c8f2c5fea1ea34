"""Interleaved rounds, medians and ratios: what makes two figures of a shared machine comparable."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One contestant's rounds.

    Attributes:
        name: for the table.
        per_second: turns per second, one value a round.
        cpu_us: client CPU per turn in microseconds, one value a round.
    """

    name: str
    per_second: tuple[float, ...]
    cpu_us: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A name, a function that does a number of turns, and what it may do before the clock runs."""

    name: str
    run: Callable[[int], None]
    prepare: Callable[[int], None] = lambda _: None


def share_one_core(pids: Sequence[int]) -> int:
    """Pin this process and the servers to one core, so that wake-ups across cores do not count."""
    core = min(os.sched_getaffinity(0))
    for pid in (0, *pids):
        os.sched_setaffinity(pid, {core})
    return core


def compete(contestants: Sequence[Contestant], *, rounds: int, turns: int) -> list[Figure]:
    """Run every contestant in every round, in rotated order, after one warm-up each."""
    for contestant in contestants:
        contestant.prepare(turns // 4)
        contestant.run(turns // 4)
    rates: dict[str, list[float]] = {c.name: [] for c in contestants}
    cpu: dict[str, list[float]] = {c.name: [] for c in contestants}
    for number in range(rounds):
        shift = number % len(contestants)
        for contestant in (*contestants[shift:], *contestants[:shift]):
            contestant.prepare(turns)
            wall, used = time.perf_counter(), time.process_time()
            contestant.run(turns)
            rates[contestant.name].append(turns / (time.perf_counter() - wall))
            cpu[contestant.name].append((time.process_time() - used) / turns * 1e6)
    return [Figure(c.name, tuple(rates[c.name]), tuple(cpu[c.name])) for c in contestants]


def ratio(one: Figure, other: Figure) -> tuple[float, float, float]:
    """Lowest, median and highest quotient of two contestants, round by round."""
    quotients = sorted(a / b for a, b in zip(one.per_second, other.per_second, strict=True))
    return quotients[0], statistics.median(quotients), quotients[-1]


def table(figures: Sequence[Figure]) -> str:
    """Medians as a Markdown table."""
    lines = ["| | turns/s | client CPU us a turn |", "|---|---|---|"]
    lines += [
        f"| {f.name} | {statistics.median(f.per_second):,.0f} | {statistics.median(f.cpu_us):.1f} |"
        for f in figures
    ]
    return "\n".join(lines)
