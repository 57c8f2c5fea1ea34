"""Waits, by looking again and again, until an object is ready or gone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

from holdfast.errors import HoldfastError
from provider.resource import Cancelled, Context, Severity
from tests.standin.kubernetes.api import Api
from tests.standin.kubernetes.awaits import Await, Related, await_of, skips_deletion
from tests.standin.kubernetes.awaits.progress import Progress
from tests.standin.kubernetes.errors import ApiError, ClusterUnreachable, NoSuchKind
from tests.standin.kubernetes.objects import (
    SKIP_AWAIT,
    TIMEOUT_SECONDS,
    Kind,
    Object,
    annotation,
    field,
    is_on,
    name_of,
    namespace_of,
)

_INTERVAL_SECONDS: Final = 0.25
_DELETE_SECONDS: Final = 600.0
_EVENTS: Final = 5
_POD: Final = Kind("", "v1", "Pod")
_EVENT: Final = Kind("", "v1", "Event")
_ENDPOINTS: Final = Kind("", "v1", "Endpoints")
_STORAGE_CLASS: Final = Kind("storage.k8s.io", "v1", "StorageClass")


class NotReady(HoldfastError):
    """An object exists and is not ready.

    Attributes:
        item: as it was last seen.
        problems: why it is not.
    """

    def __init__(self, message: str, item: Object, problems: Sequence[str] = ()) -> None:
        self.item = item
        self.problems = tuple(problems)
        super().__init__(message)


class Waiter:
    """One object's wait.

    Args:
        api: the server.
        inputs: say whether and how long to wait.
        context: the operation's.
    """

    def __init__(self, api: Api, inputs: Object, context: Context) -> None:
        self._api = api
        self._inputs = inputs
        self._context = context

    def until_ready(self, item: Object, *, is_new: bool) -> Object:
        """Wait until it is ready; returns it as it is then.

        Args:
            item: as the server returned it.
            is_new: whether the resource is being created (of a patch: not the object).

        Raises:
            NotReady: it takes too long, it failed, it is gone, or the user stopped the run.
        """
        rule = await_of(Kind.of(item))
        if rule is None or is_on(self._inputs, SKIP_AWAIT):
            return self._unless_gone(item) or item
        deadline = time.monotonic() + self._seconds(rule.timeout_seconds)
        shown, seen, since = "", "", time.monotonic()
        while True:
            item, related, progress = self._look(rule, item, is_new=is_new)
            versions = ",".join(_version(each) for each in (item, *related))
            if versions != seen:
                seen, since = versions, time.monotonic()
            if progress.done and time.monotonic() - since >= progress.settle_seconds:
                return item
            problems = progress.problems
            if progress.failed:
                message = f"Resource '{name_of(item)}' was created but failed to initialize"
                raise NotReady(message, item, (*problems, *self._events(item, related)))
            if time.monotonic() > deadline:
                if progress.done:
                    return item
                message = f"'{name_of(item)}' timed out waiting to be Ready"
                raise NotReady(message, item, (*problems, *self._events(item, related)))
            if progress.status != shown:
                shown = progress.status
                self._context.log(Severity.INFO, shown, ephemeral=True)
            try:
                self._context.wait(_INTERVAL_SECONDS)
            except Cancelled as error:
                message = f'Resource operation was cancelled for "{name_of(item)}"'
                raise NotReady(message, item, problems) from error

    def require_ready(self, item: Object) -> None:
        """Look once.

        Raises:
            NotReady: it is not ready.
        """
        rule = await_of(Kind.of(item))
        if rule is None or not rule.on_read or is_on(self._inputs, SKIP_AWAIT):
            return
        progress = rule.progress(item, self._related(rule, item, is_new=False))
        if not progress.done:
            message = f"Resource '{name_of(item)}' was created but failed to initialize"
            raise NotReady(message, item, progress.problems)

    def until_gone(self, item: Object) -> None:
        """Wait until this very object is gone; another of its name may have come.

        Raises:
            NotReady: it takes too long.
            Cancelled: the user stopped the run.
        """
        kind = Kind.of(item)
        if is_on(self._inputs, SKIP_AWAIT) and skips_deletion(kind):
            return
        deadline = time.monotonic() + self._seconds(_DELETE_SECONDS)
        while True:
            found = self._unless_gone(item)
            if found is None or field(found, "metadata", "uid") != field(item, "metadata", "uid"):
                return
            if time.monotonic() > deadline:
                holders = ", ".join(field(found, "metadata", "finalizers") or ()) or "no finalizer"
                problem = f'timed out waiting for deletion of {kind} "{name_of(item)}" ({holders})'
                raise NotReady(problem, found)
            self._context.wait(_INTERVAL_SECONDS)

    def _seconds(self, default: float) -> float:
        given = annotation(self._inputs, TIMEOUT_SECONDS)
        if self._context.timeout_seconds:
            return self._context.timeout_seconds
        return float(given) if given.isdecimal() else default

    def _look(
        self, rule: Await, item: Object, *, is_new: bool
    ) -> tuple[Object, list[Object], Progress]:
        """The object, what is related to it, and how far it is."""
        try:
            found = self._again(item)
            if found is None:
                raise NotReady(f"'{name_of(item)}' was deleted while waiting for it", item)
            related = self._related(rule, found, is_new=is_new)
        except (ApiError, ClusterUnreachable) as error:
            if isinstance(error, ApiError) and not error.passing:
                raise NotReady(f"'{name_of(item)}' cannot be waited for: {error}", item) from error
            text = f"Waiting for the API server: {error}"
            return item, [], Progress(done=False, status=text, problems=(text,))
        return found, related, rule.progress(found, related)

    def _unless_gone(self, item: Object) -> Object | None:
        # An API server that does not answer just now says nothing about the object.
        try:
            return self._again(item)
        except ClusterUnreachable:
            return item
        except ApiError as error:
            if error.passing:
                return item
            raise

    def _again(self, item: Object) -> Object | None:
        try:
            return self._api.find(Kind.of(item), namespace_of(item), name_of(item))
        except NoSuchKind:
            return None

    def _related(self, rule: Await, item: Object, *, is_new: bool) -> list[Object]:
        namespace = namespace_of(item)
        match rule.related:
            case Related.PODS:
                return self._pods_of(item)
            case Related.ENDPOINTS:
                found = self._api.find(_ENDPOINTS, namespace, name_of(item))
            case Related.STORAGE_CLASS:
                name = field(item, "spec", "storageClassName")
                found = self._api.find(_STORAGE_CLASS, "", name) if name and is_new else None
            case Related.NOTHING:
                found = None
        return [found] if found else []

    def _pods_of(self, item: Object) -> list[Object]:
        owners = {field(item, "metadata", "uid")}
        if item.get("kind") == "Deployment":
            kind = Kind("apps", "v1", "ReplicaSet")
            owners = {
                field(found, "metadata", "uid")
                for found in self._api.search(kind, namespace_of(item))
                if _is_owned(found, owners)
            }
        pods = self._api.search(_POD, namespace_of(item))
        return [found for found in pods if _is_owned(found, owners)]

    def _events(self, item: Object, related: Sequence[Object]) -> Iterator[str]:
        for about in (item, *related):
            query = f"involvedObject.uid={field(about, 'metadata', 'uid')},type=Warning"
            try:
                events = self._api.search(_EVENT, namespace_of(about), fieldSelector=query)
            except HoldfastError:
                # They are a help; who may not read them still gets the rest.
                return
            events.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime")))
            for event in events[-_EVENTS:]:
                where = f"[{about.get('kind')} {name_of(about)}]"
                yield f"{where}: {event.get('reason')}: {event.get('message')}"


def _is_owned(item: Object, owners: set[str]) -> bool:
    references = field(item, "metadata", "ownerReferences") or ()
    return any(reference.get("uid") in owners for reference in references)


def _version(item: Object) -> str:
    return str(field(item, "metadata", "resourceVersion"))
