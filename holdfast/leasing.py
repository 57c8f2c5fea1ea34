"""What the two stores share about leases."""

from __future__ import annotations

import logging
from typing import Final

from holdfast.errors import StoreUnavailable
from holdfast.model import Lease

DEFAULT_LEASE_MS: Final = 30_000

_log: Final = logging.getLogger("holdfast.lease")


def log_unreleased(lease: Lease, error: StoreUnavailable) -> None:
    """Note that a lease could not be given back and will run out."""
    _log.warning(
        "lease %d of session %s not released, it runs out within %d ms: %s",
        lease.fence,
        lease.session_id,
        lease.ttl_ms,
        error,
    )
