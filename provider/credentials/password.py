"""Password: letters and digits, with the previous value kept valid while it is rotated."""
# ruff: noqa: ARG002, S105 (the signatures are those of Resource; "token" means a type token)

from __future__ import annotations

import hashlib
import secrets
import string
from typing import ClassVar, Final

from provider.diffs import DiffResult, compare_inputs
from provider.fields import Fields
from provider.resource import CheckResult, Context, Created, Found, Resource, Stored
from provider.values import UNKNOWN, Properties

ALPHABET: Final = string.ascii_letters + string.digits
MIN_LENGTH: Final = 20
"""119 bits: its SHA-256 may stand in plain sight."""
MAX_LENGTH: Final = 128
DEFAULT_LENGTH: Final = 32
_MINTS: Final = ("length", "rotation")


def generate(length: int) -> str:
    """Random letters and digits, safe in config files, URLs and shells."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def rotated(stored: Stored, inputs: Properties) -> tuple[str | None, str]:
    """The pair after an update: value (None: a new one is minted) and previous ("": none)."""
    value, previous = stored.outputs.get("value"), stored.outputs.get("previous", "")
    if value and all(stored.inputs.get(name) == inputs[name] for name in _MINTS):
        return value, previous if inputs["keepPrevious"] else ""
    return None, (value or "") if inputs["keepPrevious"] else ""


def hashes(*passwords: str) -> list[str]:
    """SHA-256 in hex of each password that is not empty: what an ACL file holds."""
    return [hashlib.sha256(item.encode()).hexdigest() for item in passwords if item]


class Password(Resource):
    """Mints a value at creation, and another whenever ``rotation`` or ``length`` changes.

    The value before stays in ``previous`` while ``keepPrevious`` is true, so that servers accept
    both until all clients have the new one; with false it is dropped.
    """

    token: ClassVar[str] = "holdfast:index:Password"
    computed: ClassVar[frozenset[str]] = frozenset({"value", "previous", "sha256"})
    secret_outputs: ClassVar[frozenset[str]] = frozenset({"value", "previous"})

    def check(self, old: Properties, new: Properties, context: Context) -> CheckResult:
        """See the class."""
        fields = Fields(new)
        fields.integer("length", low=MIN_LENGTH, high=MAX_LENGTH, default=DEFAULT_LENGTH)
        fields.text("rotation", default="")
        fields.flag("keepPrevious", default=True)
        return fields.result()

    def diff(self, stored: Stored, inputs: Properties, context: Context) -> DiffResult:
        """All changes are made in place."""
        return compare_inputs(stored.inputs, inputs)

    def create(self, inputs: Properties, context: Context) -> Created:
        """Mint the first value."""
        return Created(secrets.token_hex(8), _outputs(inputs, generate(inputs["length"]), ""))

    def read(self, stored: Stored, context: Context) -> Found | None:
        """A password exists only in the state; there is none to import."""
        return Found(stored.outputs) if stored.outputs else None

    def update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        """Mint another value, or drop the previous one."""
        value, previous = rotated(stored, inputs)
        return _outputs(inputs, value or generate(inputs["length"]), previous)

    def delete(self, stored: Stored, context: Context) -> None:
        """Nothing exists outside the state."""

    def preview_update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        """The value is unknown only if one is to be minted."""
        value, previous = rotated(stored, inputs)
        if value:
            return _outputs(inputs, value, previous)
        return {**inputs, "value": UNKNOWN, "previous": previous, "sha256": UNKNOWN}


def _outputs(inputs: Properties, value: str, previous: str) -> Properties:
    return {**inputs, "value": value, "previous": previous, "sha256": hashes(value, previous)}
