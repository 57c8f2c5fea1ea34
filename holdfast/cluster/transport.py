"""Requests to an API server, and what goes wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from json import dumps, loads
from typing import Any, Final

import urllib3

from holdfast.cluster.errors import ClusterError, ClusterUnavailable, refused
from holdfast.cluster.kubeconfig import Login
from holdfast.cluster.resources import Object

_OK: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Transport:
    """Sends requests; threads may share it.

    Attributes:
        login: where to, and as whom.
        timeout_seconds: for one request.
    """

    login: Login
    timeout_seconds: float

    def headers(self) -> dict[str, str]:
        """What proves who asks; a token that is about to expire is renewed first."""
        settings = self.login.client.configuration.auth_settings()
        return {
            entry["key"].lower(): entry["value"]
            for entry in settings.values()
            if entry["in"] == "header" and entry["value"]
        }

    def json(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        content_type: str = "application/json",
    ) -> Object:
        """One request with an object as its answer; raises as :meth:`request` does."""
        answer = self.request(method, path, body, content_type=content_type)
        try:
            found = loads(answer)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ClusterUnavailable(
                f"{self.login.server} does not answer as an API server: see the kubeconfig's server"
            )
        return found

    def request(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        content_type: str = "application/json",
    ) -> bytes:
        """One request.

        Raises:
            ClusterUnavailable: nobody answers.
            ClusterError: the server refuses.
        """
        headers = self.headers() | {"accept": "application/json, */*"}
        if body is not None:
            headers["content-type"] = content_type
        try:
            answer = self.login.client.rest_client.pool_manager.request(
                method,
                self.login.server + path,
                body=None if body is None else dumps(body).encode(),
                headers=headers,
                timeout=urllib3.Timeout(self.timeout_seconds),
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            context = self.login.context
            raise ClusterUnavailable(
                f"the API server {self.login.server} (context {context}) cannot be reached: "
                f"{_cause(error)}; see that `kubectl --context {context} version` answers"
            ) from None
        data = bytes(answer.data)
        if answer.status not in _OK:
            raise _refusal(method, path, answer.status, data)
        return data


def _refusal(method: str, path: str, status: int, data: bytes) -> ClusterError:
    try:
        answer = loads(data)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        answer = {}
    message = str(answer.get("message") or f"HTTP {status}")
    where = path.partition("?")[0]
    return refused(
        f"{message} ({method} {where})", status=status, reason=str(answer.get("reason") or "")
    )


def _cause(error: Exception) -> str:
    """The innermost reason: what a pool says around it names its own objects."""
    reason: Any = getattr(error, "reason", None) or error
    words = str(reason).rpartition(": ")[2] or type(reason).__name__
    return words.strip()
