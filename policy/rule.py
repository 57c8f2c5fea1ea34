"""What a rule is: a pure function over plain properties. Neither engine nor SDK is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from holdfast.verify.protections import UNKNOWN

STAGE_TAGS: Final = ("env", "environment", "stage", "preset", "holdfast:preset")
"""Tags that may say which stage something is of."""

PRODUCTION: Final = ("prod", "production")
"""What production is called."""


class Level(StrEnum):
    """What a violation does."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


@dataclass(frozen=True, slots=True)
class Resource:
    """A planned resource.

    Attributes:
        type: such as ``aws:kms/key:Key``.
        name: in the program.
        props: plain; what is not known yet is :data:`UNKNOWN`.
        urn: the resource's.
        default_tags: of its provider.
        stack_preset: what the stack says of itself; empty where it says nothing.
        sources: URNs of the resources that a property's value comes from, by property.
    """

    type: str
    name: str
    props: Mapping[str, Any] = field(default_factory=dict, repr=False)
    urn: str = ""
    default_tags: Mapping[str, str] = field(default_factory=dict)
    stack_preset: str = ""
    sources: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def tags(self) -> Mapping[str, str]:
        """Its own tags over its provider's."""
        own = self.props.get("tags")
        return {**self.default_tags, **(own if isinstance(own, Mapping) else {})}

    @property
    def production(self) -> bool:
        """Whether it is part of production: the stack's preset says so, or a tag."""
        said = [self.stack_preset, *(self.tags.get(name, "") for name in STAGE_TAGS)]
        return any(str(word).lower() in PRODUCTION for word in said)


Check = Callable[[Resource], Iterator[str]]
StackCheck = Callable[[Sequence[Resource]], Iterator[tuple[Resource, str]]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: as reference and documentation number it: ``P1``.
        name: of the policy, in lower case with hyphens.
        title: what has to hold.
        level: of a violation.
        types: of the resources that it looks at.
        check: yields what is wrong with one resource; None where ``stack_check`` is given.
        stack_check: yields what is wrong among all resources of those types.
        production: holds in production alone.
        source: where it comes from.
    """

    id: str
    name: str
    title: str
    level: Level
    types: frozenset[str]
    check: Check | None = None
    stack_check: StackCheck | None = None
    production: bool = False
    source: str = ""

    def judge(self, resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
        """What is wrong among the resources of a stack, with the one that it is about."""
        own = [
            resource
            for resource in resources
            if resource.type in self.types and (resource.production or not self.production)
        ]
        if self.stack_check is not None:
            yield from self.stack_check(own)
        if self.check is not None:
            for resource in own:
                for message in self.check(resource):
                    yield resource, message


def known(value: object) -> bool:
    """Whether a value can be judged before the deployment."""
    return value != UNKNOWN


def items(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; of a single object, itself."""
    listed = value if isinstance(value, list) else [value]
    return [item for item in listed if isinstance(item, Mapping)]


def texts(value: object) -> list[str]:
    """The texts of a list, those that are not known yet left out."""
    listed = value if isinstance(value, list) else []
    return [item for item in listed if isinstance(item, str) and known(item)]
