"""What the API server, or the way to it, answers instead of an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from holdfast.errors import HoldfastError

_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


class ClusterUnreachable(HoldfastError):
    """The kubeconfig cannot be used, or nobody answers at its address."""


class NoSuchKind(HoldfastError):
    """The API server has no such kind; of a custom one the definition is missing, or gone."""

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(f'no matches for kind "{kind}" in version "{api_version}"')


class ApiError(HoldfastError):
    """A Status object with ``status: Failure``.

    Attributes:
        code: HTTP status.
        reason: machine-readable, such as ``AlreadyExists``.
        details: kind, name and causes, as the server gives them.
    """

    def __init__(self, code: int, reason: str, message: str, details: Mapping[str, Any]) -> None:
        self.code = code
        self.reason = reason
        self.details = details
        super().__init__(message)

    @property
    def not_found(self) -> bool:
        """The object, or something on the way to it, is not there."""
        return self.reason == "NotFound"

    @property
    def namespace_missing(self) -> bool:
        """It is the namespace that is not there."""
        return self.not_found and self.details.get("kind") == "namespaces"

    @property
    def already_exists(self) -> bool:
        """An object of that name is there."""
        return self.reason == "AlreadyExists"

    @property
    def conflict(self) -> bool:
        """Another field manager owns a field, or the object changed in between."""
        return self.reason == "Conflict"

    @property
    def forbidden(self) -> bool:
        """The user of the kubeconfig may not do this."""
        return self.reason == "Forbidden"

    @property
    def passing(self) -> bool:
        """The server is busy, starting or on its way down: another attempt may do."""
        return self.code >= _SERVER_ERROR or self.code == _TOO_MANY_REQUESTS

    @property
    def missing_fields(self) -> tuple[str, ...]:
        """Fields that the object cannot be without."""
        return tuple(
            str(cause.get("field", ""))
            for cause in self.details.get("causes", ())
            if cause.get("reason") == "FieldValueRequired"
        )
