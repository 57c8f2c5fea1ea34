"""Times of certificates, and when one is to be renewed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from provider.values import Properties

_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"


def to_text(moment: datetime) -> str:
    """UTC, to the second, as in ``2026-11-23T10:00:00Z``."""
    return moment.astimezone(UTC).strftime(_FORMAT)


def from_text(text: str) -> datetime:
    """Inverse of ``to_text``."""
    return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)


def renewal_due(issued_at: datetime, expires_at: datetime, now: datetime) -> bool:
    """Whether less than a third of the validity is left."""
    return (expires_at - now) * 3 < expires_at - issued_at


def outputs_due(outputs: Properties, now: datetime) -> bool:
    """The same, of a resource's outputs ``issuedAt`` and ``expiresAt``."""
    return renewal_due(from_text(outputs["issuedAt"]), from_text(outputs["expiresAt"]), now)
