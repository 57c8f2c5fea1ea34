"""Drills whose writers work in a pod beside the store, and whose hands stay where the caller is."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from holdfast.cluster import via
from holdfast.cluster.near_side import FarSideLost
from holdfast.cluster.tasks import Drills
from holdfast.connection import Connection
from holdfast.errors import HoldfastError
from holdfast.verify.drills.means import Means
from holdfast.verify.drills.result import DrillResult


@dataclass(frozen=True, slots=True)
class Screen:
    """What is shown while drills run: see :class:`holdfast.cluster.tasks.DrillScreen`."""

    say: Callable[[str], None]
    finished: Callable[[DrillResult], None]


def run_drills_there(
    arguments: argparse.Namespace,
    task: Drills,
    means: Means,
    screen: Screen,
    stop: threading.Event,
) -> Sequence[DrillResult]:
    """Run drills in the cluster; the results of those that began.

    Args:
        arguments: with those of :func:`holdfast.cluster.via.add_arguments`.
        task: which drills.
        means: the hands on the store's processes.
        screen: where results are shown.
        stop: set to end early.

    Raises:
        FarSideLost: the pod is gone; everything was put back from here, but for what the screen
            was told.
        HoldfastError: as :func:`holdfast.verify.drills.runner.run_drills`.
    """
    with via.verifier(arguments, task.connection, stop, "drill") as there:
        try:
            results: tuple[DrillResult, ...] = there.run(task, {"screen": screen, "means": means})
        except FarSideLost:
            screen.say("putting everything back from here")
            try:
                means.put_back()
            except HoldfastError as error:
                screen.say(f"putting back: {error}")
            raise
        if not stop.is_set() and not all(result.ok for result in results):
            there.show_store()
        return results


def is_there(arguments: argparse.Namespace, connection: Connection) -> bool:
    """Whether the drills are to be run in the cluster."""
    return via.chosen(arguments, connection) is via.Via.JOB
