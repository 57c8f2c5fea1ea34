"""A resource type over AWS's API: what all of them do alike, and the five calls that differ."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from holdfast.errors import HoldfastError
from provider.diffs import DiffResult
from provider.resource import (
    CheckResult,
    Context,
    Created,
    Failure,
    Found,
    PartialFailure,
    Resource,
    Stored,
)
from provider.values import Properties
from tests.standin.aws.boto import Api
from tests.standin.aws.checking import checked
from tests.standin.aws.comparison import changed_names, compare
from tests.standin.aws.errors import explained
from tests.standin.aws.names import prefixed
from tests.standin.aws.session import Session
from tests.standin.aws.shape import Shape
from tests.standin.aws.state import imported, imported_inputs, merged, plain, refreshed_inputs, tags


@dataclass(frozen=True)
class Change:
    """What an update is about.

    Attributes:
        old: outputs as stored.
        new: the checked inputs.
        names: inputs that differ, ``tags`` and ``tagsAll`` aside.
    """

    old: Properties
    new: Properties
    names: frozenset[str]

    def touches(self, *names: str) -> bool:
        """Whether one of these differs."""
        return not self.names.isdisjoint(names)

    def picked(self, api_names: Mapping[str, str]) -> dict[str, Any]:
        """New values of what differs, by their names in the API. Left out ones are not told."""
        return picked(self.new, {name: api_names[name] for name in self.names & api_names.keys()})

    def moved(self, name: str) -> tuple[list[Any], list[Any]]:
        """What to add to a set and what to remove from it."""
        old, new = self.old.get(name) or [], self.new.get(name) or []
        return [item for item in new if item not in old], [item for item in old if item not in new]


def picked(inputs: Properties, api_names: Mapping[str, str]) -> dict[str, Any]:
    """Given inputs by their names in the API."""
    return {api: inputs[name] for name, api in api_names.items() if inputs.get(name) is not None}


class AwsResource(Resource):
    """One resource type. Subclasses make calls; errors of botocore are explained here."""

    shape: ClassVar[Shape]
    service: ClassVar[str]

    def __init__(self, session: Session) -> None:
        self.session = session

    @abstractmethod
    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        """Create it and return its id as soon as something exists."""

    def settle(self, api: Api, id: str, inputs: Properties, context: Context) -> None:
        """After ``make``: wait for it, and set what creating could not. May be repeated."""

    @abstractmethod
    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        """What is there, by the SDK's names, ``tagsAll`` among them; None if it is gone.

        A value of None says that AWS has none; a name that is missing, that AWS does not tell.
        ``known`` is what the state holds.
        """

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        """Update in place."""

    @abstractmethod
    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        """Delete it and wait until it is gone. Gone already is success."""

    def retag(
        self,
        api: Api,
        id: str,
        known: Properties,
        put: Mapping[str, str],
        drop: Collection[str],
    ) -> None:
        """Set and remove tags. Only for types that have some."""
        raise NotImplementedError

    def rules(self, inputs: Properties) -> Mapping[str, str]:
        """Inputs that break a rule of the plugin's own, and the reason. Unknown ones pass."""
        return {}

    # What all types do alike.

    def api(self, properties: Properties) -> Api:
        """The service's client for the resource's region."""
        region = properties.get("region") if self.shape.regional else None
        return self.session.client(self.service, region if isinstance(region, str) else None)

    def check(self, old: Properties, new: Properties, context: Context) -> CheckResult:
        settings = self.session.settings
        result = checked(
            self.shape,
            old,
            new,
            context,
            region=settings.region,
            default_tags=settings.default_tags,
        )
        broken = tuple(Failure(name, why) for name, why in self.rules(result.inputs).items())
        return CheckResult(result.inputs, result.failures + broken)

    def diff(self, stored: Stored, inputs: Properties, context: Context) -> DiffResult:
        return compare(self.shape, stored, inputs, ignored=context.ignore_changes)

    def create(self, inputs: Properties, context: Context) -> Created:
        api = self.api(inputs)
        inputs = self._named(inputs)
        with explained(f"creating {self._titled(self._name(inputs))}"):
            id = self.make(api, inputs, context)
        try:
            with explained(f"creating {self._titled(id)}"):
                self.settle(api, id, inputs, context)
            outputs = self._found(api, id, inputs, {})
        except HoldfastError as error:
            raise PartialFailure(id, plain(inputs), str(error)) from error
        if outputs is None:
            text = f"reading {self._titled(id)}: couldn't find resource"
            raise PartialFailure(id, plain(inputs), text)
        return Created(id, outputs)

    def read(self, stored: Stored, context: Context) -> Found | None:
        known = stored.outputs or {"region": self.session.settings.region}
        api = self.api(known)
        outputs = self._found(api, stored.id, {}, known)
        if outputs is None:
            return None
        if not stored.inputs:
            return Found(imported(self.shape, outputs), imported_inputs(self.shape, outputs))
        return Found(outputs, refreshed_inputs(self.shape, stored.inputs, outputs))

    def update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        api = self.api(inputs)
        inputs = self._kept_name(inputs, stored)
        names = frozenset(changed_names(self.shape, stored.outputs, inputs)) - {"tags", "tagsAll"}
        change = Change(stored.outputs, inputs, names)
        try:
            with explained(f"updating {self._titled(stored.id)}"):
                self.settle_before(api, stored, inputs, context)
                self.change(api, stored.id, change, context)
                self._update_tags(api, stored, inputs)
            outputs = self._found(api, stored.id, inputs, stored.outputs)
        except HoldfastError as error:
            there = self._last_found(api, stored)
            raise PartialFailure(stored.id, there, str(error)) from error
        if outputs is None:
            raise HoldfastError(f"reading {self._titled(stored.id)}: couldn't find resource")
        return outputs

    def settle_before(self, api: Api, stored: Stored, inputs: Properties, context: Context) -> None:
        """Before ``change``: finish a creation that failed on its way."""
        if not stored.outputs.keys() & self.shape.computed:
            self.settle(api, stored.id, inputs, context)

    def delete(self, stored: Stored, context: Context) -> None:
        with explained(f"deleting {self._titled(stored.id)}"):
            self.remove(self.api(stored.outputs), stored.id, stored.outputs, context)

    def preview_create(self, inputs: Properties, context: Context) -> Properties:
        return plain(super().preview_create(inputs, context))

    def preview_update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        # What an update leaves as it is stays known, as the official plugin plans it: else whatever
        # depends on an ARN would seem to change with each property beside it.
        known = self.shape.keeping | self.diff(stored, inputs, context).stables
        kept = {name: stored.outputs[name] for name in known & stored.outputs.keys()}
        return {**kept, **plain(super().preview_update(stored, inputs, context))}

    # Parts.

    def _titled(self, id: str) -> str:
        return f"{self.shape.label} ({id})" if id else self.shape.label

    def _name(self, inputs: Properties) -> str:
        return str(inputs.get(self.shape.name.property, "")) if self.shape.name else ""

    def _named(self, inputs: Properties) -> Properties:
        rule = self.shape.name
        if rule is None or rule.prefix_property is None or rule.property in inputs:
            return inputs
        return {**inputs, rule.property: prefixed(str(inputs[rule.prefix_property]))}

    def _kept_name(self, inputs: Properties, stored: Stored) -> Properties:
        rule = self.shape.name
        if rule is None or rule.property in inputs or rule.property not in stored.outputs:
            return inputs
        return {**inputs, rule.property: stored.outputs[rule.property]}

    def _found(
        self,
        api: Api,
        id: str,
        inputs: Properties,
        known: Properties,
    ) -> Properties | None:
        with explained(f"reading {self._titled(id)}"):
            found = self.find(api, id, {**known, **inputs})
        if found is None:
            return None
        if self.shape.tagged and found.get("tagsAll") is not None:
            defaults = self.session.settings.default_tags
            found = {**found, **tags(found["tagsAll"], {**known, **inputs}, defaults)}
        return merged(self.shape, found, inputs, known)

    def _update_tags(self, api: Api, stored: Stored, inputs: Properties) -> None:
        if not self.shape.tagged:
            return
        old, new = stored.outputs.get("tagsAll") or {}, inputs.get("tagsAll") or {}
        put = {key: value for key, value in new.items() if old.get(key) != value}
        drop = sorted(old.keys() - new.keys())
        if put or drop:
            self.retag(api, stored.id, stored.outputs, put, drop)

    def _last_found(self, api: Api, stored: Stored) -> Properties:
        try:
            found = self._found(api, stored.id, {}, stored.outputs)
        except HoldfastError:
            # What failed first is what the user is told; this only keeps the state close to it.
            return stored.outputs
        return stored.outputs if found is None else found
