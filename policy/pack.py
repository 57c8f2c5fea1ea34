"""The rules as policies of Pulumi's SDK."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from pulumi_policy import (
    EnforcementLevel,
    PolicyProviderResource,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from holdfast.verify.protections import UNKNOWN
from policy.rule import Level, Resource, Rule

_LEVELS: Final = {
    Level.MANDATORY: EnforcementLevel.MANDATORY,
    Level.ADVISORY: EnforcementLevel.ADVISORY,
}
_STACK: Final = "pulumi:pulumi:Stack"


def policies(rules: Sequence[Rule]) -> list[ResourceValidationPolicy | StackValidationPolicy]:
    """One policy a rule.

    A rule about one resource is asked before the resource is made. One that compares resources, or
    holds in production alone, is asked at the end of the preview: only the whole stack says which
    preset it has.
    """
    return [
        _whole_stack(rule) if rule.production or rule.check is None else _single(rule)
        for rule in rules
    ]


def _single(rule: Rule) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type not in rule.types:
            return
        resource = Resource(
            args.resource_type, args.name, plain(args.props), args.urn, _default_tags(args.provider)
        )
        for _, message in rule.judge([resource]):
            report(message, None)

    return ResourceValidationPolicy(rule.name, _description(rule), validate, _LEVELS[rule.level])


def _whole_stack(rule: Rule) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for resource, message in rule.judge(stack_resources(args.resources)):
            report(message, resource.urn)

    return StackValidationPolicy(rule.name, _description(rule), validate, _LEVELS[rule.level])


def stack_resources(resources: Sequence[PolicyResource]) -> list[Resource]:
    """All resources of a stack, each with the preset that the stack exports."""
    read = [
        Resource(
            one.resource_type,
            one.name,
            plain(one.props),
            one.urn,
            _default_tags(one.provider),
            sources={
                name: frozenset(source.urn for source in sources)
                for name, sources in one.property_dependencies.items()
            },
        )
        for one in resources
    ]
    presets = [str(one.props.get("preset") or "") for one in read if one.type == _STACK]
    return [replace(one, stack_preset="".join(presets[:1])) for one in read]


def plain(props: Mapping[str, Any]) -> dict[str, Any]:
    """Properties without the SDK's traps: what is not known yet is a value like another.

    One unknown property would otherwise end every rule that looks at the resource.
    """
    return {str(key): _item(lambda key=key: props[key]) for key in props}  # type: ignore[misc]


def _item(read: Callable[[], Any]) -> Any:  # noqa: ANN401 - any JSON value
    try:
        value = read()
    except UnknownValueError:
        return UNKNOWN
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(lambda at=at: value[at]) for at in range(len(value))]  # type: ignore[misc]
    # Numbers travel as floats.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _default_tags(provider: PolicyProviderResource | None) -> dict[str, str]:
    return {} if provider is None else default_tags(plain(provider.props))


def default_tags(inputs: Mapping[str, Any]) -> dict[str, str]:
    """The tags that a provider gives everything; empty where they are not known yet."""
    given = inputs.get("defaultTags")
    if isinstance(given, str) and given != UNKNOWN:
        # What a provider is told travels as text.
        given = json.loads(given)
    tags = given.get("tags") if isinstance(given, Mapping) else None
    return dict(tags) if isinstance(tags, Mapping) else {}


def _description(rule: Rule) -> str:
    return f"{rule.id}: {rule.title}"
