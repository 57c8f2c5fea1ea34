"""A report as text for a person, at most 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from holdfast.verify.result import CheckResult, Outcome, Report

WIDTH: Final = 80
_MARK: Final = {Outcome.PASS: "ok", Outcome.FAIL: "FAIL", Outcome.NOT_CHECKED: "--"}
_COLOUR: Final = {Outcome.PASS: "32", Outcome.FAIL: "31;1", Outcome.NOT_CHECKED: "33"}
_MARK_WIDTH: Final = 4
_INDENT: Final = " " * (2 + _MARK_WIDTH + 1)
_LABEL_WIDTH: Final = 10
_SECOND_MS: Final = 1000.0


def render(report: Report, *, colour: bool = False, verbose: bool = False) -> str:
    """The whole report.

    Args:
        report: what to print.
        colour: ANSI colours on the marks.
        verbose: also the details of the checks that passed.
    """
    lines = [*textwrap.wrap(report.target, WIDTH)]
    for group, results in report.by_group():
        lines += ["", group.value]
        for result in results:
            lines += _check(result, colour=colour, verbose=verbose)
    lines += ["", *textwrap.wrap(summary(report), WIDTH)]
    return "\n".join(lines) + "\n"


def summary(report: Report) -> str:
    """The last line: how many checks ended in which way."""
    counts = report.counts
    parts = [f"{counts[Outcome.PASS]} ok"]
    if counts[Outcome.FAIL]:
        parts.append(f"{counts[Outcome.FAIL]} failed")
    if counts[Outcome.NOT_CHECKED]:
        parts.append(f"{counts[Outcome.NOT_CHECKED]} not checked")
    verdict = "interrupted" if report.interrupted else "holds" if report.ok else "does not hold"
    return (
        f"{verdict}: {', '.join(parts)}, of {len(report.checks)} checks "
        f"in {_time(report.duration_ms)}"
    )


def _time(milliseconds: float) -> str:
    if milliseconds < _SECOND_MS:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / _SECOND_MS:.1f} s"


def _check(result: CheckResult, *, colour: bool, verbose: bool) -> Iterator[str]:
    mark = f"{_MARK[result.outcome]:<{_MARK_WIDTH}}"
    if colour:
        mark = f"\033[{_COLOUR[result.outcome]}m{mark}\033[0m"
    taken = "" if result.outcome is Outcome.NOT_CHECKED else _time(result.duration_ms)
    room = WIDTH - len(_INDENT) - len(taken) - 1
    name = textwrap.shorten(result.check, room, placeholder="...")
    yield f"  {mark} {name:<{room}} {taken}".rstrip()
    if result.failure is not None:
        yield from _labelled("expected", result.failure.expected)
        yield from _labelled("found", result.failure.found)
        yield from _labelled("do", result.failure.fix)
    if result.outcome is Outcome.NOT_CHECKED:
        yield from _wrapped(f"not checked: {result.details}", _INDENT, _INDENT)
    elif result.details and (verbose or result.shown):
        yield from _wrapped(result.details, _INDENT, _INDENT)


def _labelled(label: str, text: str) -> Iterator[str]:
    return _wrapped(text, f"{_INDENT}{label:<{_LABEL_WIDTH}}", _INDENT + " " * _LABEL_WIDTH)


def _wrapped(text: str, first: str, rest: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )
