"""Typed access to raw settings: what a stack sets, else the preset's value, else the default."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, TypeVar, assert_never

from config.schema import BY_NAME, NAMESPACE, Kind, Setting, Target, Value
from holdfast.errors import ConfigError

_Choice = TypeVar("_Choice", bound=StrEnum)
_BOOLEANS: Final = {"true": True, "false": False}


class ConfigReader:
    """The settings of one stack.

    Args:
        raw: by name without namespace; text, as the engine passes it, or plain values.
        preset: values for the keys that ``raw`` leaves unset.

    Raises:
        ConfigError: ``raw`` has a key that is none of ours, or a value of the wrong type.
    """

    def __init__(
        self, raw: Mapping[str, object], preset: Mapping[str, Value] | None = None
    ) -> None:
        for name in raw:
            if name not in BY_NAME:
                raise _unknown(name, raw[name])
        self._preset = preset or {}
        self._given = {name: _convert(BY_NAME[name], value) for name, value in raw.items()}

    def with_preset(self, preset: Mapping[str, Value]) -> ConfigReader:
        """The same settings over the values of a preset."""
        return ConfigReader(self._given, preset)

    def refuse_others(self, target: Target) -> None:
        """Refuse what says something to another target alone. Raises ConfigError."""
        for name, value in self._given.items():
            setting = BY_NAME[name]
            if not setting.suits(target) and value != setting.default:
                has = "has" if len(setting.only) == 1 else "have"
                raise ConfigError(
                    setting.key,
                    setting.shown(value),
                    f"{BY_NAME['target'].key} {' or '.join(setting.only)}, which alone {has} it",
                    f"remove it with `pulumi config rm {setting.key}`",
                )

    def is_given(self, name: str) -> bool:
        """Whether the stack itself sets the key."""
        setting = BY_NAME[name]
        given = self._given.get(name, setting.default)
        return given != setting.default

    def _value(self, name: str) -> Value | None:
        """The value in force; None where the key is unset and nothing else decides."""
        setting = BY_NAME[name]
        given = self._given.get(name, setting.default)
        if not setting.is_unset(given):
            return given
        return self._preset.get(name)

    def _set_value(self, name: str) -> Value:
        value = self._value(name)
        if value is None:
            raise ConfigError(BY_NAME[name].key, "nothing", "a value", "set it")
        return value

    def text(self, name: str) -> str:
        """A text that always has a value."""
        return str(self._set_value(name))

    def optional_text(self, name: str) -> str | None:
        """A text, None where it is unset."""
        value = self._value(name)
        return None if value is None else str(value)

    def number(self, name: str) -> int:
        """A whole number that always has a value."""
        return int(str(self._set_value(name)))

    def optional_number(self, name: str) -> int | None:
        """A whole number, None where it is unset."""
        value = self._value(name)
        return None if value is None else int(str(value))

    def flag(self, name: str) -> bool:
        """True or false."""
        return self._set_value(name) is True

    def switch(self, name: str) -> bool:
        """True or false, where a preset may decide. Raises ConfigError."""
        value = self.text(name)
        if value not in _BOOLEANS:
            raise ConfigError(
                BY_NAME[name].key, value, "true or false", "set one of them, or remove it"
            )
        return _BOOLEANS[value]

    def shown(self, name: str) -> object:
        """The value in force, as a message may have it."""
        value = self._value(name)
        text = ", ".join(value) if isinstance(value, tuple) else value
        return BY_NAME[name].shown(text)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self._set_value(name)
        return value if isinstance(value, tuple) else ()

    def choice(self, kind: type[_Choice], name: str) -> _Choice:
        """A member of ``kind``.

        Raises:
            ConfigError: the value is no member; the nearest one is suggested.
        """
        return member(kind, name, self.text(name))

    def choices(self, kind: type[_Choice], name: str) -> frozenset[_Choice]:
        """Members of ``kind`` out of a list. Raises ConfigError."""
        return frozenset(member(kind, name, value) for value in self.texts(name))

    def optional_choice(self, kind: type[_Choice], name: str) -> _Choice | None:
        """A member of ``kind``, None where it is unset. Raises ConfigError."""
        return None if self._value(name) is None else self.choice(kind, name)


def member(kind: type[_Choice], name: str, value: str) -> _Choice:
    """The member of that value. Raises ConfigError of the setting, with the nearest one."""
    try:
        return kind(value)
    except ValueError:
        allowed = [member.value for member in kind]
        raise ConfigError(
            BY_NAME[name].key, value, f"one of {', '.join(allowed)}", _nearest(value, allowed)
        ) from None


def _unknown(name: str, value: object) -> ConfigError:
    near = get_close_matches(name, BY_NAME, n=1, cutoff=0.6)
    # Spelled right but for case or dashes is the usual slip.
    folded = {known.lower(): known for known in BY_NAME}
    match = folded.get(name.replace("-", "").replace("_", "").lower()) or (near[0] if near else "")
    fix = f"did you mean {NAMESPACE}:{match}? " if match else ""
    return ConfigError(
        f"{NAMESPACE}:{name}",
        value,
        "a setting that exists",
        f"{fix}remove it with `pulumi config rm {NAMESPACE}:{name}`",
    )


def _nearest(value: str, allowed: list[str]) -> str:
    near = get_close_matches(value.lower(), allowed, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else "set one of them"


def _convert(setting: Setting, value: object) -> Value:
    match setting.kind:
        case Kind.STRING:
            if isinstance(value, str):
                return value
        case Kind.INTEGER:
            number = _whole_number(value)
            if number is not None:
                return number
        case Kind.BOOLEAN:
            flag = value if isinstance(value, bool) else _BOOLEANS.get(str(value).lower())
            if flag is not None:
                return flag
        case Kind.ARRAY:
            texts = _texts(value)
            if texts is not None:
                return texts
        case _:
            assert_never(setting.kind)
    rule = {
        Kind.STRING: "a text",
        Kind.INTEGER: "a whole number",
        Kind.BOOLEAN: "true or false",
        Kind.ARRAY: "a list of texts",
    }[setting.kind]
    raise ConfigError(
        setting.key,
        setting.shown(value),
        rule,
        f"set it with `pulumi config set {setting.key} <value>`",
    )


def _whole_number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit():
        # The longest number that any rule admits has far fewer digits; int() refuses 4300.
        return int(value) if len(value) <= 20 else None  # noqa: PLR2004 - reason above
    return None


def _texts(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if isinstance(value, list | tuple) and all(isinstance(item, str) and item for item in value):
        return tuple(value)
    return None
