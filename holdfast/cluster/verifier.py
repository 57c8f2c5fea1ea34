"""A verifier in the cluster: made, waited for, spoken to, and removed."""

from __future__ import annotations

import contextlib
import secrets
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

from holdfast.cluster import pod_state
from holdfast.cluster.api import ClusterApi
from holdfast.cluster.errors import ClusterError, ClusterUnavailable, NotFound
from holdfast.cluster.exec_stream import STDOUT, ExecStream
from holdfast.cluster.resources import EVENTS, JOBS, NAMESPACES, PODS, Object, Right
from holdfast.cluster.rights import require_rights
from holdfast.cluster.store import StoreName
from holdfast.cluster.verifier_job import CONTAINER, PYTHON, VerifierSpec, verifier_job
from holdfast.errors import ConfigError, HoldfastError

START_SECONDS: Final = 90.0
"""Until the pod runs; an image that has to be pulled first counts."""

RIGHTS: Final = (
    Right("create", JOBS),
    Right("delete", JOBS),
    Right("list", PODS),
    Right("list", EVENTS),
    Right("get", PODS, "log"),
    Right("get", PODS, "exec"),
    Right("create", PODS, "exec"),
)
_POLL_SECONDS: Final = 0.25
_NO_POD_SECONDS: Final = 3.0
_KEPT_LINES: Final = 40
_NAME_DIGITS: Final = 4

Stopped = Callable[[], bool]


class PodChannel:
    """The far side's stdin and stdout; its stderr goes to this process's.

    Args:
        stream: of the command.
    """

    def __init__(self, stream: ExecStream) -> None:
        self._stream = stream

    def send(self, data: bytes) -> None:
        """Write to it."""
        self._stream.write(data)

    def receive(self, timeout_seconds: float) -> bytes | None:
        """What it wrote to stdout."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            chunk = self._stream.read(max(deadline - time.monotonic(), 0))
            if chunk is None:
                return None
            if chunk.stream == STDOUT:
                return chunk.data
            sys.stderr.write(chunk.data.decode("utf-8", errors="replace"))
            sys.stderr.flush()

    def close(self) -> None:
        """Hang up."""
        self._stream.close()


class Verifier:
    """A Job in the store's namespace, for as long as the ``with`` block lasts.

    Args:
        api: the cluster.
        store: which store.
        image: of the verifier.
        pull_secrets: to pull it with.
        avoid_nodes: where it must not run.
        stopped: asked while waiting; the wait ends when it says so.
        say: told what happens.

    Raises:
        ConfigError: the namespace is not there, a right is missing, or the image cannot be had.
        ClusterUnavailable: the pod does not come to run.
    """

    def __init__(
        self,
        api: ClusterApi,
        store: StoreName,
        *,
        image: str,
        pull_secrets: Sequence[str] = (),
        avoid_nodes: Sequence[str] = (),
        stopped: Stopped = lambda: False,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._api = api
        self._store = store
        self._spec = VerifierSpec(
            store,
            f"holdfast-verify-{secrets.token_hex(_NAME_DIGITS)}",
            image,
            tuple(pull_secrets),
            tuple(avoid_nodes),
        )
        self._stopped = stopped
        self._say = say
        self._pod = ""
        self.node = ""

    def __enter__(self) -> Self:
        """Make it and wait until it runs."""
        require_rights(self._api, self._store.namespace, RIGHTS)
        try:
            self._api.create(JOBS, verifier_job(self._spec), self._store.namespace)
        except NotFound:
            raise ConfigError(
                "connection",
                f"namespace {self._store.namespace}",
                f"a namespace of the cluster of context {self._api.context}",
                "name the store's cluster with --kubeconfig and --context",
            ) from None
        try:
            self._wait()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove it."""
        self.remove()

    def channel(self) -> PodChannel:
        """Start a far side in it."""
        command = [PYTHON, "-m", "holdfast.cluster.far_side"]
        return PodChannel(
            self._api.exec(
                self._pod, self._store.namespace, command, container=CONTAINER, stdin=True
            )
        )

    def remove(self) -> None:
        """Delete the Job; its pod removes keys that it wrote before it ends."""
        try:
            self._api.delete(JOBS, self._spec.name, self._store.namespace)
        except (ClusterError, ClusterUnavailable) as error:
            self._say(
                f"the Job {self._spec.name} in {self._store.namespace} could not be removed "
                f"({error}); it ends by itself"
            )

    def report(self) -> str:
        """Its pod's state, log and events, and the pods of the store, for a person."""
        lines: list[str] = []
        with contextlib.suppress(HoldfastError):
            for pod in self._pods():
                lines.append(f"verifier  {pod_state.describe(pod)}")
                lines += self._log(pod["metadata"]["name"])
                lines += self._events("Pod", pod["metadata"]["name"])
        lines += self._events("Job", self._spec.name)
        return "\n".join([*lines, self.store_report()])

    def store_report(self) -> str:
        """The pods of the store, for a person."""
        try:
            return "\n".join(store_state(self._api, self._store))
        except HoldfastError as error:
            return f"the store's pods cannot be shown: {error}"

    def _wait(self) -> None:
        began = time.monotonic()
        while True:
            if self._stopped():
                raise ClusterUnavailable("stopped while the verifier was starting")
            pods = self._pods()
            waited = time.monotonic() - began
            if pods:
                if pod_state.running(pods[0]):
                    self._pod = pods[0]["metadata"]["name"]
                    self.node = pods[0]["spec"]["nodeName"]
                    return
                self._refuse(pods[0])
            elif waited > _NO_POD_SECONDS:
                self._refuse_job()
            if waited > START_SECONDS:
                why = pod_state.unscheduled(pods[0]) if pods else ""
                raise ClusterUnavailable(
                    f"the verifier does not run after {START_SECONDS:g} s"
                    f"{': ' + why if why else ''}\n{self.report()}"
                )
            time.sleep(_POLL_SECONDS)

    def _refuse(self, pod: Object) -> None:
        found = pod_state.trouble(pod)
        if found is None:
            return
        if found.image:
            raise ConfigError(
                "--image",
                self._spec.image,
                f"an image that the node {pod['spec'].get('nodeName')} can have "
                f"({found.reason}: {found.message})",
                "build it (k8s/verify/Dockerfile), push it where the cluster pulls from, and name "
                "it with --image",
            )
        raise ClusterUnavailable(
            f"the verifier does not run: {found.reason}: {found.message}\n{self.report()}"
        )

    def _refuse_job(self) -> None:
        """A Job that may make no pod says so in its events alone."""
        for event in self._api.events(self._store.namespace, kind="Job", name=self._spec.name):
            if event.get("reason") == "FailedCreate":
                raise ConfigError(
                    "namespace",
                    self._store.namespace,
                    "a namespace that admits the verifier's pod",
                    str(event.get("message") or "see its events"),
                )

    def _pods(self) -> list[Object]:
        return self._api.pods(self._store.namespace, self._spec.labels)

    def _log(self, pod: str) -> list[str]:
        try:
            text = self._api.logs(pod, self._store.namespace, lines=_KEPT_LINES)
        except HoldfastError as error:
            return [f"  no log: {error}"]
        return [f"  log  {line}" for line in deque(text.splitlines(), _KEPT_LINES)]

    def _events(self, kind: str, name: str) -> list[str]:
        try:
            events = self._api.events(self._store.namespace, kind=kind, name=name)
        except HoldfastError as error:
            return [f"  no events: {error}"]
        return [f"  event {line}" for line in pod_state.describe_events(events)]


def store_state(api: ClusterApi, store: StoreName) -> list[str]:
    """The pods of a store, a line each, with the newest warnings about those not ready."""
    lines = []
    for pod in api.pods(store.namespace, store.labels):
        lines.append(f"store     {pod_state.describe(pod)}")
        statuses = (pod.get("status") or {}).get("containerStatuses") or ()
        if not statuses or not all(status.get("ready") for status in statuses):
            events = api.events(store.namespace, kind="Pod", name=pod["metadata"]["name"])
            warnings = [event for event in events if event.get("type") == "Warning"]
            lines += [f"  event {line}" for line in pod_state.describe_events(warnings[-3:])]
    if not lines and api.find(NAMESPACES, store.namespace) is not None:
        lines.append(f"store     no pod of {store.name} in the namespace {store.namespace}")
    return lines
