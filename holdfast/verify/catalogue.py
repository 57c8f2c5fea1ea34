"""Every check, in the order of the report."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from holdfast.verify import (
    handshake_checks,
    isolation_checks,
    lifetime_checks,
    login_checks,
    pattern_checks,
    role_checks,
    store_checks,
    topology_checks,
)
from holdfast.verify.check import Check
from holdfast.verify.result import Group

CHECKS: Final = (
    *pattern_checks.CHECKS,
    *lifetime_checks.CHECKS,
    *store_checks.CHECKS,
    *topology_checks.CHECKS,
    *handshake_checks.CHECKS,
    *login_checks.CHECKS,
    *isolation_checks.CHECKS,
    *role_checks.CHECKS,
)

GROUPS: Final = (Group.PATTERNS, Group.STORE, Group.SECURITY)
"""The groups that a run can be limited to."""


def select(groups: Collection[Group]) -> tuple[Check, ...]:
    """The checks of some groups; of all where none is named."""
    return tuple(check for check in CHECKS if not groups or check.group in groups)
