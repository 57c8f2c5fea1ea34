"""The API of a cluster: objects as plain dicts, errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from holdfast.cluster import kubeconfig as credentials
from holdfast.cluster.errors import NotFound
from holdfast.cluster.exec_stream import ExecStream, Finished
from holdfast.cluster.resources import (
    ACCESS_REVIEWS,
    EVENTS,
    PODS,
    WHO_AM_I,
    Object,
    Resource,
    Right,
    query,
    selector,
)
from holdfast.cluster.transport import Transport

TIMEOUT_SECONDS: Final = 10.0
_FIELD_MANAGER: Final = "holdfast"


class PatchKind(StrEnum):
    """How a patch is to be read."""

    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """Of the API server, such as 1.36 and its full text."""

    major: int
    minor: int
    text: str


class ClusterApi:
    """One cluster as one login sees it. Threads may share it.

    Every method raises :class:`ClusterUnavailable` where the API server does not answer,
    :class:`~holdfast.cluster.errors.Forbidden` where the login may not, and another
    :class:`~holdfast.cluster.errors.ClusterError` where the server refuses.

    Args:
        login: from :func:`holdfast.cluster.kubeconfig.load`.
        timeout_seconds: for one request.
    """

    def __init__(
        self, login: credentials.Login, *, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._transport = Transport(login, timeout_seconds)

    @classmethod
    def load(
        cls,
        kubeconfig: str | Path | None = None,
        context: str | None = None,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> ClusterApi:
        """Find the cluster as ``kubectl`` does; it is not asked yet.

        Raises:
            ConfigError: the kubeconfig cannot be read, or has no such context.
        """
        return cls(credentials.load(kubeconfig, context), timeout_seconds=timeout_seconds)

    @property
    def server(self) -> str:
        """The API server's address."""
        return self._transport.login.server

    @property
    def context(self) -> str:
        """The context's name."""
        return self._transport.login.context

    @property
    def namespace(self) -> str:
        """The context's namespace."""
        return self._transport.login.namespace

    def version(self) -> ServerVersion:
        """Ask for the version, which every login may."""
        found = self._transport.json("GET", "/version")
        major, minor = (
            int("".join(c for c in found[part] if c.isdigit()) or 0) for part in ("major", "minor")
        )
        return ServerVersion(major, minor, str(found["gitVersion"]))

    def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        """One object. Raises NotFound."""
        return self._transport.json("GET", resource.path(namespace, name))

    def find(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        """One object, None where there is none."""
        try:
            return self.get(resource, name, namespace)
        except NotFound:
            return None

    def select(
        self,
        resource: Resource,
        namespace: str | None = None,
        labels: Mapping[str, str] | str = "",
        *,
        fields: str = "",
    ) -> list[Object]:
        """The objects with these labels, of all namespaces where none is named."""
        asked = query({"labelSelector": selector(labels), "fieldSelector": fields})
        return list(
            self._transport.json("GET", resource.path(namespace) + asked).get("items") or ()
        )

    def create(
        self,
        resource: Resource,
        body: Object,
        namespace: str | None = None,
        *,
        dry_run: bool = False,
    ) -> Object:
        """Create an object; as the server has it. Raises Conflict where there is one."""
        asked = query({"dryRun": "All" if dry_run else "", "fieldManager": _FIELD_MANAGER})
        return self._transport.json("POST", resource.path(namespace) + asked, body)

    def patch(
        self,
        resource: Resource,
        name: str,
        body: Object,
        namespace: str | None = None,
        *,
        kind: PatchKind = PatchKind.MERGE,
        subresource: str = "",
        dry_run: bool = False,
        force: bool = False,
    ) -> Object:
        """Change an object; as the server has it.

        Args:
            resource: its kind.
            name: its name.
            body: the change.
            namespace: where it lives.
            kind: how ``body`` is to be read; APPLY also creates.
            subresource: a part such as ``status`` or ``scale``.
            dry_run: change nothing, answer as if.
            force: with APPLY, take fields over from other managers.
        """
        asked = query(
            {
                "dryRun": "All" if dry_run else "",
                "fieldManager": _FIELD_MANAGER,
                "force": "true" if force and kind is PatchKind.APPLY else "",
            }
        )
        path = resource.path(namespace, name, subresource) + asked
        return self._transport.json("PATCH", path, body, content_type=kind)

    def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        grace_seconds: int | None = None,
        propagation: str = "Background",
        uid: str | None = None,
    ) -> bool:
        """Ask for the end of an object; False where there was none.

        Args:
            resource: its kind.
            name: its name.
            namespace: where it lives.
            grace_seconds: overrules the pod's own; 0 forgets it at once.
            propagation: what becomes of its children: Background, Foreground, Orphan.
            uid: only if it still is this one; another one is a Conflict.
        """
        body: Object = {"propagationPolicy": propagation}
        if grace_seconds is not None:
            body["gracePeriodSeconds"] = grace_seconds
        if uid is not None:
            body["preconditions"] = {"uid": uid}
        try:
            self._transport.json("DELETE", resource.path(namespace, name), body)
        except NotFound:
            return False
        return True

    def evict(self, pod: str, namespace: str, *, grace_seconds: int | None = None) -> None:
        """Let a pod go as a drain does. Raises EvictionRefused where a budget forbids it."""
        options = {} if grace_seconds is None else {"gracePeriodSeconds": grace_seconds}
        self._transport.json(
            "POST",
            PODS.path(namespace, pod, "eviction"),
            {
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": {"name": pod, "namespace": namespace},
                "deleteOptions": options,
            },
        )

    def pods(self, namespace: str, labels: Mapping[str, str] | str) -> list[Object]:
        """Pods by name."""
        found = self.select(PODS, namespace, labels)
        return sorted(found, key=lambda pod: str(pod["metadata"]["name"]))

    def logs(
        self,
        pod: str,
        namespace: str,
        *,
        container: str = "",
        lines: int = 100,
        previous: bool = False,
    ) -> str:
        """The end of a container's log, of its life before the last restart if ``previous``."""
        asked = query(
            {"container": container, "tailLines": lines, "previous": "true" if previous else ""}
        )
        answer = self._transport.request("GET", PODS.path(namespace, pod, "log") + asked)
        return answer.decode("utf-8", errors="replace")

    def events(self, namespace: str, *, kind: str = "", name: str = "") -> list[Object]:
        """What was noted about an object, oldest first."""
        wanted = {"involvedObject.kind": kind, "involvedObject.name": name}
        fields = ",".join(f"{key}={value}" for key, value in wanted.items() if value)
        found = self.select(EVENTS, namespace, fields=fields)
        return sorted(found, key=_event_time)

    def exec(
        self,
        pod: str,
        namespace: str,
        command: Sequence[str],
        *,
        container: str = "",
        stdin: bool = False,
    ) -> ExecStream:
        """Start a command in a container; its streams. Needs get and create on pods/exec."""
        asked = query(
            {
                "command": list(command),
                "container": container,
                "stdin": "true" if stdin else "false",
                "stdout": "true",
                "stderr": "true",
            }
        )
        return ExecStream(
            self._transport.login.client.configuration,
            self.server + PODS.path(namespace, pod, "exec") + asked,
            self._transport.headers(),
            what=f"exec in the pod {pod}",
            timeout_seconds=self._transport.timeout_seconds,
        )

    def run(
        self,
        pod: str,
        namespace: str,
        command: Sequence[str],
        *,
        container: str = "",
        stdin: bytes | None = None,
        timeout_seconds: float = 30.0,
    ) -> Finished:
        """Run a command in a container to its end; code and output.

        Raises:
            ClusterUnavailable: it did not end in time, or the connection broke.
        """
        with self.exec(
            pod, namespace, command, container=container, stdin=stdin is not None
        ) as stream:
            if stdin is not None:
                stream.write(stdin)
                stream.close_input()
            return stream.finish(timeout_seconds)

    def can_i(
        self,
        verb: str,
        resource: Resource,
        namespace: str | None = None,
        *,
        subresource: str = "",
        name: str = "",
    ) -> bool:
        """Whether the login may do this; without a namespace, in all of them."""
        attributes = {
            "verb": verb,
            "group": resource.group,
            "version": resource.version,
            "resource": resource.plural,
            "subresource": subresource,
            "namespace": namespace if resource.namespaced else None,
            "name": name,
        }
        answer = self.create(
            ACCESS_REVIEWS,
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {
                    "resourceAttributes": {key: value for key, value in attributes.items() if value}
                },
            },
        )
        return bool(answer.get("status", {}).get("allowed"))

    def missing(self, rights: Iterable[Right], namespace: str | None = None) -> tuple[Right, ...]:
        """Those among ``rights`` that the login does not have, in ``namespace`` or their own."""
        return tuple(
            right
            for right in rights
            if not self.can_i(
                right.verb,
                right.resource,
                namespace if right.namespace is None else right.namespace,
                subresource=right.subresource,
            )
        )

    def who_am_i(self) -> str:
        """The login's user name."""
        answer = self.create(
            WHO_AM_I, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        )
        return str(answer.get("status", {}).get("userInfo", {}).get("username", "unknown"))

    def close(self) -> None:
        """Close every connection."""
        self._transport.login.client.close()


def _event_time(event: Object) -> str:
    for field in ("lastTimestamp", "eventTime", "firstTimestamp"):
        if event.get(field):
            return str(event[field])
    return str(event["metadata"].get("creationTimestamp", ""))
