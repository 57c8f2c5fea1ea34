"""A cluster that is a dict: objects change as a merge patch says, and every call is noted."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence

from holdfast.cluster.api import ClusterApi, PatchKind
from holdfast.cluster.errors import Conflict, NotFound
from holdfast.cluster.exec_stream import Finished
from holdfast.cluster.resources import NAMESPACES, PODS, Object, Resource, Right, selector

Key = tuple[Resource, str, str]


class FakeApi(ClusterApi):
    """A stand-in that talks to nobody.

    Attributes:
        objects: what there is, by kind, namespace (empty where the kind has none) and name.
        calls: what was changed, such as ``delete pods web/a grace=0``.
        denied: rights, as texts, that the login does not have; ``delete pods`` anywhere, ``delete
            pods in web`` there, ``delete pods in every namespace`` only not in all at once.
        failing: calls that raise, as in ``calls``.
        created: told each new object, so that a test can be its controller.
        evicting: told each eviction before the pod goes; it may raise.
        answers: what commands in pods print; they are in ``calls``.
    """

    def __init__(self, denied: Collection[str] = ()) -> None:
        self.objects: dict[Key, Object] = {}
        self.calls: list[str] = []
        self.denied = set(denied)
        self.failing: dict[str, Exception] = {}
        self.created: Callable[[Object], None] = lambda _: None
        self.evicting: Callable[[str], None] = lambda _: None
        self.answers = Finished(0, b"", b"")

    def put(self, resource: Resource, body: Object, namespace: str = "") -> None:
        """Have an object there."""
        self.objects[resource, namespace, body["metadata"]["name"]] = body

    def seen(self, resource: Resource, name: str, namespace: str = "") -> Object:
        """The object itself, to be changed by a test."""
        return self.objects[resource, namespace, name]

    def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        found = self.objects.get((resource, namespace or "", name))
        if found is None:
            raise NotFound(f"no {resource} {name}", status=404)
        return copy.deepcopy(found)

    def select(
        self,
        resource: Resource,
        namespace: str | None = None,
        labels: Mapping[str, str] | str = "",
        *,
        fields: str = "",
    ) -> list[Object]:
        assert not fields
        wanted = {pair for pair in selector(labels).split(",") if pair}
        return [
            copy.deepcopy(body)
            for (kind, where, _), body in self.objects.items()
            if kind == resource
            and namespace in (None, where)
            and wanted <= set(selector(body["metadata"].get("labels", {})).split(","))
        ]

    def create(
        self,
        resource: Resource,
        body: Object,
        namespace: str | None = None,
        *,
        dry_run: bool = False,
    ) -> Object:
        name = body["metadata"]["name"]
        self._note("create", resource, name, namespace)
        if (resource, namespace or "", name) in self.objects:
            raise Conflict(f"{resource} {name} is there", status=409)
        kept = copy.deepcopy(body)
        self.put(resource, kept, namespace or "")
        self.created(kept)
        return copy.deepcopy(kept)

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
        self._note("patch", resource, name, namespace)
        if kind is PatchKind.APPLY:
            self.put(resource, copy.deepcopy(body), namespace or "")
        else:
            assert kind is PatchKind.MERGE
            _merge(self.objects[resource, namespace or "", name], body)
        return self.get(resource, name, namespace)

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
        grace = "" if grace_seconds is None else f" grace={grace_seconds}"
        self._note("delete", resource, name, namespace, grace)
        if resource == NAMESPACES:
            for key in [key for key in self.objects if key[1] == name]:
                del self.objects[key]
        return self.objects.pop((resource, namespace or "", name), None) is not None

    def evict(self, pod: str, namespace: str, *, grace_seconds: int | None = None) -> None:
        self.evicting(pod)
        self._note("evict", PODS, pod, namespace)
        del self.objects[PODS, namespace, pod]

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
        self.get(PODS, pod, namespace)
        self._note("run", PODS, pod, namespace, f" {' '.join(command[3:])}")
        return self.answers

    def can_i(
        self,
        verb: str,
        resource: Resource,
        namespace: str | None = None,
        *,
        subresource: str = "",
        name: str = "",
    ) -> bool:
        where = Right(verb, resource, subresource, namespace or "")
        return self.denied.isdisjoint({str(Right(verb, resource, subresource)), str(where)})

    def who_am_i(self) -> str:
        return "somebody"

    @property
    def context(self) -> str:
        return "here"

    def _note(
        self, what: str, resource: Resource, name: str, namespace: str | None, more: str = ""
    ) -> None:
        where = f"{namespace}/" if namespace else ""
        call = f"{what} {resource.plural} {where}{name}{more}"
        self.calls.append(call)
        if call in self.failing:
            raise self.failing[call]


def _merge(target: Object, change: Object) -> None:
    """RFC 7386: null removes, an object is merged, anything else replaces."""
    for name, value in change.items():
        if value is None:
            target.pop(name, None)
        elif isinstance(value, dict):
            below = target.get(name)
            if not isinstance(below, dict):
                below = target[name] = {}
            _merge(below, value)
        else:
            target[name] = value
