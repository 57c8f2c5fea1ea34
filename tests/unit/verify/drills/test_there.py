"""Drills in a pod beside the store: what becomes of them when that pod is lost."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from holdfast.cluster import via
from holdfast.cluster.near_side import FarSideLost
from holdfast.cluster.tasks import Drills
from holdfast.errors import HoldfastError, VerificationFailed
from holdfast.verify.drills.means import Means
from holdfast.verify.drills.there import Screen, run_drills_there
from tests.unit.verify.fakes import connection


class Lost:
    """A pod that goes while it works."""

    def run(self, *_: object) -> None:
        raise FarSideLost("the pod is gone")


class Hands:
    """Put back, or not."""

    def __init__(self, error: HoldfastError | None) -> None:
        self.error = error
        self.asked = 0

    def put_back(self) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, []),
        (VerificationFailed("not undone: cut node-1"), ["putting back: not undone: cut node-1"]),
    ],
)
def test_when_the_pod_is_lost_all_is_put_back_from_here_and_what_is_not_is_told(
    monkeypatch: pytest.MonkeyPatch, error: HoldfastError | None, told: list[str]
) -> None:
    @contextmanager
    def verifier(*_: object) -> Iterator[Any]:
        yield Lost()

    monkeypatch.setattr(via, "verifier", verifier)
    said: list[str] = []
    hands = Hands(error)
    with pytest.raises(FarSideLost, match="the pod is gone"):
        run_drills_there(
            argparse.Namespace(),
            Drills(connection(), ("kill-primary",)),
            cast("Means", hands),
            Screen(said.append, lambda _: None),
            threading.Event(),
        )
    assert hands.asked == 1
    assert said == ["putting everything back from here", *told]
