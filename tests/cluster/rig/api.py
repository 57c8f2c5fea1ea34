"""A few calls to the API server with the standard library alone, for the rig's own stand-ins."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

_TIMEOUT_SECONDS: Final = 10.0
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_FIRST_ERROR: Final = 400

Object = dict[str, Any]


class ApiError(Exception):
    """The API server refused, or did not answer."""


class Api:
    """One connection, opened again when it broke. Not for several threads.

    Args:
        kubeconfig: with certificates in it.
        server: another address than the kubeconfig's, such as the loopback.
    """

    def __init__(self, kubeconfig: Path, server: str = "") -> None:
        value = json.loads(kubeconfig.read_text())
        cluster, user = value["clusters"][0]["cluster"], value["users"][0]["user"]
        address = urlsplit(server or cluster["server"])
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=authority)
        with tempfile.NamedTemporaryFile() as file:
            for part in ("client-certificate-data", "client-key-data"):
                file.write(base64.b64decode(user[part]))
            file.flush()
            context.load_cert_chain(file.name)
        self._connection = http.client.HTTPSConnection(
            str(address.hostname), address.port, timeout=_TIMEOUT_SECONDS, context=context
        )

    def list(self, path: str) -> list[Object]:
        """Every object at a path; slightly old ones will do, so that it costs little."""
        found: list[Object] = self._ask("GET", f"{path}?resourceVersion=0")["items"] or []
        return found

    def create(self, path: str, value: Object) -> None:
        """Make an object; it may be there already."""
        self._ask("POST", path, value, accepted=(_CONFLICT,))

    def merge(self, path: str, value: Object) -> None:
        """Change fields of an object; it may be gone."""
        self._ask("PATCH", path, value, accepted=(_NOT_FOUND,))

    def delete(self, path: str) -> None:
        """Delete an object; it may be gone."""
        self._ask("DELETE", path, accepted=(_NOT_FOUND,))

    def _ask(
        self, method: str, path: str, value: Object | None = None, accepted: tuple[int, ...] = ()
    ) -> Object:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        body = None if value is None else json.dumps(value)
        try:
            self._connection.request(method, path, body, {"Content-Type": kind})
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise ApiError(f"{method} {path}: {error!r}") from error
        if answer.status >= _FIRST_ERROR and answer.status not in accepted:
            raise ApiError(f"{method} {path}: {answer.status} {text[:300].decode()}")
        result: Object = json.loads(text)
        return result
