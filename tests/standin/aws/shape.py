"""What the plugin knows of a resource type without asking AWS: one table a type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.standin.aws.names import NameRule

MANAGED: Final = "Managed by Pulumi"
"""The description that the official plugin gives where AWS wants one."""

DEFAULTS: Final = "__defaults"
"""Where the inputs say which of them the plugin filled in."""

TAGS: Final = frozenset({"tags", "tagsAll"})


def names(text: str) -> frozenset[str]:
    """Property names, written in one line."""
    return frozenset(text.split())


@dataclass(frozen=True)
class Shape:
    """A resource type. Property names are the SDK's (camelCase).

    Attributes:
        token: ``aws:ec2/vpc:Vpc``.
        label: what error messages call it, ``EC2 VPC``.
        inputs: what the stand-in takes; the SDK has more for some types, which are refused.
        required: inputs without which nothing can be made.
        replace_on: inputs whose change makes a new one.
        kept: inputs that AWS fills in if they are not given. Leaving one out later keeps its value.
        ours: inputs that AWS never tells back: only the state remembers them.
        computed: outputs that are no inputs.
        volatile: computed outputs that an update may change.
        defaults: what the plugin fills in.
        sets: lists whose order means nothing.
        documents: JSON texts, whose layout means nothing.
        caseless: texts whose case means nothing.
        conflicts: groups of which at most one may be given.
        name: how it is named if the program does not.
        regional: whether it has a region (IAM has none).
        tagged: whether it carries tags.
        delete_first: whether a replacement deletes the old one first.
    """

    token: str
    label: str
    inputs: frozenset[str]
    required: frozenset[str] = frozenset()
    replace_on: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    ours: frozenset[str] = frozenset()
    computed: frozenset[str] = frozenset()
    volatile: frozenset[str] = frozenset()
    defaults: Mapping[str, object] = field(default_factory=dict)
    sets: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()
    caseless: frozenset[str] = frozenset()
    conflicts: tuple[tuple[str, ...], ...] = ()
    name: NameRule | None = None
    regional: bool = True
    tagged: bool = True
    delete_first: bool = False

    @property
    def settable(self) -> frozenset[str]:
        """All inputs, those that every type has among them."""
        more = frozenset({"region"}) if self.regional else frozenset()
        return self.inputs | more | (TAGS if self.tagged else frozenset())

    @property
    def keeping(self) -> frozenset[str]:
        """Inputs that may be left out without a change; a name under a prefix is one."""
        return self.kept | ({self.name.property} if self.name is not None else set())

    @property
    def replacing(self) -> frozenset[str]:
        """Inputs whose change makes a new one; another region always does."""
        name = {self.name.property} if self.name is not None else set()
        if self.name is not None and self.name.prefix_property is not None:
            name.add(self.name.prefix_property)
        return self.replace_on | {"region"} | name
