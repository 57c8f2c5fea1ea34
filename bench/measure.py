"""Interleaved rounds, medians and ratios: what makes two figures of a shared machine comparable."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One contestant's rounds.

    Attributes:
        name: for the table.
        per_second: turns per second, one value a round.
        client_us: client CPU per turn in microseconds, one value a round.
        server_us: the server's, over all rounds (the kernel counts it in steps of 10 ms).
    """

    name: str
    per_second: tuple[float, ...]
    client_us: tuple[float, ...]
    server_us: float


@dataclass(frozen=True, slots=True)
class Contestant:
    """A name, a function that does a number of turns, and what it may do before the clock runs."""

    name: str
    run: Callable[[int], None]
    prepare: Callable[[int], None] = lambda _: None


def share_one_core(pid: int) -> int:
    """Pin this process and a server to one core, which is returned.

    Wake-ups across cores swing a round trip by a factor of ten on a small virtual machine; on one
    core a turn costs the CPU time of both sides and nothing else.
    """
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    # Every thread of the server: the one that syncs the append-only file too.
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})
    return core


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def compete(
    contestants: Sequence[Contestant], *, server: int, rounds: int, turns: int
) -> list[Figure]:
    """Run every contestant in every round, in rotated order, after one warm-up each."""
    for contestant in contestants:
        contestant.prepare(turns // 4)
        contestant.run(turns // 4)
    rates: dict[str, list[float]] = {c.name: [] for c in contestants}
    cpu: dict[str, list[float]] = {c.name: [] for c in contestants}
    served = dict.fromkeys(rates, 0.0)
    for number in range(rounds):
        shift = number % len(contestants)
        for contestant in (*contestants[shift:], *contestants[:shift]):
            contestant.prepare(turns)
            wall, used, before = time.perf_counter(), time.process_time(), cpu_seconds(server)
            contestant.run(turns)
            rates[contestant.name].append(turns / (time.perf_counter() - wall))
            cpu[contestant.name].append((time.process_time() - used) / turns * 1e6)
            served[contestant.name] += cpu_seconds(server) - before
    return [
        Figure(
            name,
            tuple(rates[name]),
            tuple(cpu[name]),
            served[name] / (rounds * turns) * 1e6,
        )
        for name in rates
    ]


def ratio(one: Figure, other: Figure) -> tuple[float, float, float]:
    """Lowest, median and highest quotient of two contestants, round by round."""
    quotients = sorted(a / b for a, b in zip(one.per_second, other.per_second, strict=True))
    return quotients[0], statistics.median(quotients), quotients[-1]


def table(figures: Sequence[Figure]) -> str:
    """Medians as a Markdown table."""
    lines = ["| | turns/s | client CPU us | server CPU us |", "|---|---|---|---|"]
    lines += [
        f"| {f.name} | {statistics.median(f.per_second):,.0f} "
        f"| {statistics.median(f.client_us):.0f} | {f.server_us:.0f} |"
        for f in figures
    ]
    return "\n".join(lines)
