from __future__ import annotations

import io

from holdfast.verify.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_drawn_within_two_seconds() -> None:
    terminal, clock = Terminal(), Clock()
    with Progress(4, stream=terminal, clock=clock) as progress:
        clock.now += 1.9
        progress.update(1, "x")
    assert terminal.getvalue() == ""


def test_after_two_seconds_the_bar_shows_and_goes_away_at_the_end() -> None:
    terminal, clock = Terminal(), Clock()
    with Progress(4, stream=terminal, clock=clock) as progress:
        clock.now += 2.1
        progress.update(2, "replicas")
        assert "[" + "#" * 15 + "." * 15 + "] 2/4 replicas" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\033[K")


def test_nothing_is_drawn_where_nobody_looks() -> None:
    file, clock = io.StringIO(), Clock()
    with Progress(4, stream=file, clock=clock) as progress:
        clock.now += 60
        progress.update(2, "x")
    assert file.getvalue() == ""
