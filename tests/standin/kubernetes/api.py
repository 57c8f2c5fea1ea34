"""The API server, for objects of any kind: discovery, and the few verbs that are needed."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import urllib3
from kubernetes.client import ApiClient

from tests.standin.kubernetes.errors import ApiError, ClusterUnreachable, NoSuchKind
from tests.standin.kubernetes.objects import Kind, Object, name_of, namespace_of

_APPLY: Final = "application/apply-patch+yaml"
_JSON: Final = "application/json"
_JSON_PATCH: Final = "application/json-patch+json"
_TIMEOUT_SECONDS: Final = 30.0
_FAILURE: Final = 400


@dataclass(frozen=True)
class Endpoint:
    """Where the objects of a kind are."""

    plural: str
    namespaced: bool


class Api:
    """Safe to use from threads.

    Methods raise ApiError for what the server refuses, NoSuchKind, and ClusterUnreachable.
    """

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._kinds: dict[str, dict[str, Endpoint]] = {}
        self._lock = threading.Lock()

    def version(self) -> tuple[int, int]:
        """The server's version, such as (1, 36)."""
        found = self._request("GET", "/version")
        digits = "".join(char for char in str(found["minor"]) if char.isdigit())
        return int(found["major"]), int(digits)

    def endpoint(self, kind: Kind) -> Endpoint:
        """Where the objects of a kind are."""
        known = self._kinds.get(kind.api_version, {})
        if kind.name not in known:
            # A definition may have come since; and what is not served is asked for anew.
            known = self._discover(kind)
        if kind.name not in known:
            raise NoSuchKind(kind.api_version, kind.name)
        return known[kind.name]

    def exists(self, kind: Kind) -> bool:
        """Whether the server has such a kind."""
        try:
            self.endpoint(kind)
        except NoSuchKind:
            return False
        return True

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """Read an object."""
        return self._request("GET", self._path(kind, namespace, name))

    def find(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Read an object, or None if there is none."""
        try:
            return self.get(kind, namespace, name)
        except ApiError as error:
            if error.not_found:
                return None
            raise

    def search(self, kind: Kind, namespace: str, **query: str) -> list[Object]:
        """Objects of a namespace. ``query``: such as fieldSelector."""
        found = self._request("GET", self._path(kind, namespace), query)
        return [
            {"apiVersion": kind.api_version, "kind": kind.name, **item} for item in _items(found)
        ]

    def create(self, item: Object, *, manager: str, dry_run: bool = False) -> Object:
        """Make an object that must not be there yet."""
        kind = Kind.of(item)
        query = {"fieldManager": manager, "fieldValidation": "Warn", **_dry(dry_run)}
        return self._request("POST", self._path(kind, namespace_of(item)), query, item)

    def apply(
        self, item: Object, *, manager: str, force: bool = False, dry_run: bool = False
    ) -> Object:
        """Server-side apply: the fields of ``item`` are what this manager wants, and no others."""
        query = {
            "fieldManager": manager,
            "fieldValidation": "Warn",
            "force": "true" if force else "false",
            **_dry(dry_run),
        }
        path = self._path(Kind.of(item), namespace_of(item), name_of(item))
        return self._request("PATCH", path, query, item, _APPLY)

    def patch(self, item: Object, operations: list[Object], *, manager: str) -> Object:
        """JSON patch of an object."""
        path = self._path(Kind.of(item), namespace_of(item), name_of(item))
        return self._request("PATCH", path, {"fieldManager": manager}, operations, _JSON_PATCH)

    def delete(self, kind: Kind, namespace: str, name: str, *, propagation: str) -> None:
        """Begin to delete an object."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        self._request("DELETE", self._path(kind, namespace, name), {}, body)

    def _discover(self, kind: Kind) -> dict[str, Endpoint]:
        try:
            found = self._request("GET", _root(kind))
        except ApiError as error:
            if error.code == 404:
                return {}
            raise
        kinds = {
            item["kind"]: Endpoint(item["name"], bool(item["namespaced"]))
            for item in found.get("resources", ())
            if "/" not in item["name"]
        }
        with self._lock:
            self._kinds[kind.api_version] = kinds
        return kinds

    def _path(self, kind: Kind, namespace: str, name: str = "") -> str:
        endpoint = self.endpoint(kind)
        steps = [_root(kind)]
        if endpoint.namespaced:
            steps += ["namespaces", namespace or "default"]
        steps.append(endpoint.plural)
        return "/".join([*steps, name] if name else steps)

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = _JSON,
    ) -> Object:
        call = self._client.param_serialize(
            method=method,
            resource_path=path,
            query_params=list((query or {}).items()),
            header_params={"Accept": _JSON, "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            response = self._client.call_api(*call, _request_timeout=_TIMEOUT_SECONDS)
            text = response.read()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterUnreachable(f"{method} {path}: {error}") from error
        if response.status >= _FAILURE:
            raise _refusal(response.status, text)
        answer = json.loads(text)
        return answer if isinstance(answer, dict) else {}


def _items(found: Object) -> list[Object]:
    items = found.get("items")
    return items if isinstance(items, list) else []


def _root(kind: Kind) -> str:
    return f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"


def _dry(wanted: bool) -> dict[str, str]:
    return {"dryRun": "All"} if wanted else {}


def _refusal(code: int, text: bytes) -> ApiError:
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return ApiError(code, "", text.decode(errors="replace").strip() or f"HTTP {code}", {})
    details = found.get("details")
    return ApiError(
        code,
        str(found.get("reason", "")),
        str(found.get("message", "")),
        details if isinstance(details, dict) else {},
    )
