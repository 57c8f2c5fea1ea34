"""What an API server says no with."""

from __future__ import annotations

from typing import Final

from holdfast.errors import AccessDenied, HoldfastError, StoreUnavailable

_FORBIDDEN: Final = (401, 403)
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_TOO_MANY: Final = 429


class ClusterUnavailable(StoreUnavailable):
    """The API server does not answer, or the connection through it broke."""


class ClusterError(HoldfastError):
    """The API server refuses.

    Attributes:
        status: HTTP status.
        reason: the API's word for it, such as ``Invalid``; empty where it gives none.
    """

    def __init__(self, message: str, *, status: int = 0, reason: str = "") -> None:
        self.status = status
        self.reason = reason
        super().__init__(message)


class NotFound(ClusterError):
    """There is no such object."""


class Conflict(ClusterError):
    """There is one already, or somebody else changed it first."""


class EvictionRefused(ClusterError):
    """A disruption budget allows no further pod to go now."""


class Forbidden(ClusterError, AccessDenied):
    """The login may not do this."""


def refused(message: str, *, status: int, reason: str = "") -> ClusterError:
    """The error for an answer's status, to be raised."""
    kind: type[ClusterError] = ClusterError
    if status in _FORBIDDEN:
        kind = Forbidden
    elif status == _NOT_FOUND:
        kind = NotFound
    elif status == _CONFLICT:
        kind = Conflict
    elif status == _TOO_MANY and "eviction" in message:
        kind = EvictionRefused
    return kind(message, status=status, reason=reason)
