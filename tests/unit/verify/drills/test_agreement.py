"""Whether a store is ready to be hurt."""

from __future__ import annotations

import pytest

from holdfast.verify.drills.agreement import may_lead

GOOD = {"flags": "slave", "master-link-status": "ok", "slave-priority": "100"}


def test_a_replica_that_is_linked_and_has_a_priority_may_lead() -> None:
    assert may_lead(GOOD)


@pytest.mark.parametrize(
    "seen",
    [
        {"slave-priority": "0"},
        {"master-link-status": "err"},
        {"flags": "s_down,slave"},
        {"flags": "slave,disconnected"},
    ],
)
def test_one_that_a_sentinel_would_not_promote_does_not_count(seen: dict[str, str]) -> None:
    assert not may_lead({**GOOD, **seen})


def test_one_that_a_sentinel_has_not_read_yet_does_not_count() -> None:
    assert not may_lead({"flags": "slave", "master-link-status": "ok"})
