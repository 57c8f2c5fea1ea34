"""What happens before the first drill: what an earlier one left goes, what another does stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from holdfast.connection import Connection, Topology
from holdfast.errors import VerificationFailed
from holdfast.verify.drills import runner
from holdfast.verify.drills.means import Action, Means
from tests.unit.verify.fakes import connection


class Hands:
    """Of a drill that finds something, or nothing, that an earlier one left."""

    def __init__(self, left: Sequence[str], done: list[str]) -> None:
        self.left = left
        self.done = done

    def actions(self) -> frozenset[Action]:
        return frozenset()

    def left_behind(self) -> Sequence[str]:
        return self.left

    def put_back(self) -> None:
        self.done.append("put back")


@pytest.mark.parametrize(
    ("left", "done"),
    [
        # Before the lease: a store whose primary was left frozen could give none.
        (("frozen store-server-0",), ["put back", "ask for the lease"]),
        ((), ["ask for the lease"]),
    ],
)
def test_only_what_was_left_behind_is_put_back_and_that_before_the_lease(
    monkeypatch: pytest.MonkeyPatch, left: Sequence[str], done: list[str]
) -> None:
    happened: list[str] = []

    class Taken:
        def __init__(self, store: Connection) -> None: ...

        def __enter__(self) -> None:
            happened.append("ask for the lease")
            raise VerificationFailed("another drill is under way")

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(runner, "DrillLease", Taken)
    hands = cast("Means", Hands(left, happened))
    with pytest.raises(VerificationFailed, match="another drill"):
        runner.run_drills(connection(topology=Topology.SENTINEL), hands, [])
    assert happened == done
