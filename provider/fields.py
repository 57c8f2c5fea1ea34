"""Checks of inputs, property by property: unknown values pass, secret values are not told."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from holdfast.errors import ConfigError
from provider.resource import CheckResult, Failure
from provider.values import UNKNOWN, Properties, is_known

_REQUIRED: Final = object()


class Fields:
    """Reads inputs one by one, fills defaults in, and collects everything that is wrong.

    Properties that were not read are refused by ``result``.
    """

    def __init__(self, inputs: Properties) -> None:
        self._given = {name: value for name, value in inputs.items() if value is not None}
        self._inputs: Properties = {}
        self._failures: list[Failure] = []

    def text(
        self,
        name: str,
        *,
        default: object = _REQUIRED,
        choices: Collection[str] = (),
        secret: bool = False,
    ) -> None:
        """Text, not empty if it is required, one of ``choices`` if there are any."""
        required = default is _REQUIRED
        if choices:
            rule = f"one of {', '.join(choices)}"
        else:
            rule = "text that is not empty" if required else "text"

        def holds(value: object) -> bool:
            if not isinstance(value, str):
                return False
            return value in choices if choices else bool(value) or not required

        self._take(name, default, holds, rule, secret=secret)

    def integer(self, name: str, *, low: int, high: int, default: object = _REQUIRED) -> None:
        """A whole number from ``low`` to ``high``."""

        def holds(value: object) -> bool:
            return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

        self._take(name, default, holds, f"a whole number from {low} to {high}")

    def flag(self, name: str, *, default: object = _REQUIRED) -> None:
        """True or false."""
        self._take(name, default, lambda value: isinstance(value, bool), "true or false")

    def texts(
        self,
        name: str,
        *,
        default: object = _REQUIRED,
        valid: Callable[[str], bool] = bool,
        rule: str = "a list of texts that are not empty",
    ) -> None:
        """A list of texts, each of them ``valid``. Items may be unknown."""

        def holds(value: object) -> bool:
            return isinstance(value, list) and all(
                item is UNKNOWN or (isinstance(item, str) and valid(item)) for item in value
            )

        self._take(name, default, holds, rule)

    def any(self, name: str, *, default: object = _REQUIRED) -> None:
        """Whatever it is: for properties that their resource checks by itself."""
        self._take(name, default, lambda _: True, "a value")

    def known(self, *names: str) -> bool:
        """Whether these are all known and sound, so that rules between them can be checked."""
        failed = {failure.property for failure in self._failures}
        return all(is_known(self._inputs.get(name)) and name not in failed for name in names)

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 (typed by the check that read it)
        return self._inputs[name]

    def refuse(self, name: str, value: object, rule: str, fix: str) -> None:
        """Note that a property breaks a rule."""
        self._failures.append(Failure(name, str(ConfigError(name, value, rule, fix))))

    def result(self) -> CheckResult:
        """What was read, and what is wrong."""
        for name in sorted(self._given.keys() - self._inputs.keys()):
            rule = f"a property of this resource: {', '.join(self._inputs)}"
            self.refuse(name, name, rule, "correct the name or leave it out")
        return CheckResult(self._inputs, tuple(self._failures))

    def _take(
        self,
        name: str,
        default: object,
        holds: Callable[[object], bool],
        rule: str,
        *,
        secret: bool = False,
    ) -> None:
        value = self._given.get(name, default)
        self._inputs[name] = None if value is _REQUIRED else value
        if value is _REQUIRED:
            self.refuse(name, None, rule, "it is required")
        elif value is not UNKNOWN and not holds(value):
            self.refuse(name, "[secret]" if secret else value, rule, "correct it")
