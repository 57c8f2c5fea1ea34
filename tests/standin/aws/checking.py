"""Check: which inputs a type takes, and what is filled in that the program left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from holdfast.errors import ConfigError
from provider.resource import CheckResult, Context, Failure
from provider.values import UNKNOWN, Properties, is_known
from tests.standin.aws.names import NameRule
from tests.standin.aws.shape import DEFAULTS, Shape


def checked(
    shape: Shape,
    old: Properties,
    new: Properties,
    context: Context,
    *,
    region: str,
    default_tags: Mapping[str, str],
) -> CheckResult:
    """Inputs with defaults, name, region and ``tagsAll``, and what is wrong with them."""
    inputs = {
        name: value
        for name, value in new.items()
        if value is not None and not name.startswith("__") and name != "tagsAll"
    }
    failures = list(_failures(shape, inputs))
    filled: list[str] = []
    for name, value in shape.defaults.items():
        if name not in inputs and not _excluded(shape, name, inputs):
            inputs[name] = value
            filled.append(name)
    rule = shape.name
    if rule is not None and _wants_name(rule, inputs):
        try:
            inputs[rule.property] = _name(rule, old, context)
        except ConfigError as error:
            failures.append(Failure(rule.property, str(error)))
        filled.append(rule.property)
    if shape.regional:
        inputs.setdefault("region", region)
    if shape.tagged:
        tags = inputs.get("tags")
        inputs["tagsAll"] = {**default_tags, **(tags or {})} if is_known(tags) else UNKNOWN
    return CheckResult({DEFAULTS: sorted(filled), **inputs}, tuple(failures))


def _failures(shape: Shape, inputs: Properties) -> Iterator[Failure]:
    for name in sorted(inputs.keys() - shape.settable):
        rule = f"an input that the stand-in has for it: {', '.join(sorted(shape.settable))}"
        fix = "correct the name, or teach tests/standin/aws the property"
        yield Failure(name, str(ConfigError(f"{shape.token} {name}", name, rule, fix)))
    for name in sorted(shape.required - inputs.keys()):
        reason = (
            f'Missing required argument. The argument "{name}" is required, but no definition '
            f"was found."
        )
        yield Failure(name, reason)
    for group in shape.conflicts:
        given = [name for name in group if name in inputs]
        if len(given) > 1:
            reason = f'Conflicting configuration arguments. "{given[0]}": conflicts with {given[1]}'
            yield Failure(given[0], reason)


def _excluded(shape: Shape, name: str, inputs: Properties) -> bool:
    return any(name in group and inputs.keys() & set(group) for group in shape.conflicts)


def _wants_name(rule: NameRule, inputs: Properties) -> bool:
    return rule.property not in inputs and rule.prefix_property not in inputs


def _name(rule: NameRule, old: Properties, context: Context) -> object:
    if rule.property in old.get(DEFAULTS, ()) and rule.property in old:
        return old[rule.property]
    return rule.made_up(context.name, context.random_seed)
