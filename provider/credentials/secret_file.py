"""SecretFile: a file on this machine that only its owner may read."""
# ruff: noqa: ARG002, S105 (the signatures are those of Resource; "token" means a type token)

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import ClassVar, Final

from holdfast.errors import ConfigError
from provider import folders
from provider.diffs import DiffResult, compare_inputs
from provider.fields import Fields
from provider.resource import CheckResult, Context, Created, Found, Resource, Stored
from provider.values import Properties

FILE_MODE: Final = 0o600
_MODE_TEXT: Final = f"{FILE_MODE:04o}"


def write_atomically(path: Path, content: str) -> None:
    """Replace a file by a new one of mode 0600: a reader sees the old content or the new."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            os.fchmod(descriptor, FILE_MODE)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


class SecretFile(Resource):
    """Holds ``content`` at ``path``, mode 0600.

    Other content, another mode or a missing file is drift and is mended. Deleted with the
    resource, together with the folders made for it once they are empty.
    """

    token: ClassVar[str] = "holdfast:index:SecretFile"
    computed: ClassVar[frozenset[str]] = frozenset({"intact", "mode"})
    secret_outputs: ClassVar[frozenset[str]] = frozenset({"content"})
    refresh_before_update: ClassVar[bool] = True

    def check(self, old: Properties, new: Properties, context: Context) -> CheckResult:
        """The path is absolute: the provider's working directory is nobody's business."""
        fields = Fields(new)
        fields.text("path")
        fields.text("content", secret=True)
        if fields.known("path") and not Path(fields["path"]).is_absolute():
            fields.refuse("path", fields["path"], "an absolute path", "resolve it in the program")
        return fields.result()

    def diff(self, stored: Stored, inputs: Properties, context: Context) -> DiffResult:
        """Another path replaces; everything else is written in place."""
        result = compare_inputs(stored.inputs, inputs, replace_on={"path"})
        drift = [] if stored.outputs.get("intact") else ["intact"]
        if stored.outputs.get("mode") != _MODE_TEXT:
            drift.append("mode")
        return result.with_drift(*drift)

    def create(self, inputs: Properties, context: Context) -> Created:
        """Write a new file. One that is there already must hold the same (an earlier run's)."""
        path = Path(inputs["path"])
        if os.path.lexists(path) and not _holds(path, inputs["content"]):
            raise ConfigError(
                "path",
                inputs["path"],
                "a place where there is no file yet",
                "move the file away, or choose another path",
            )
        _write(path, inputs["content"])
        return Created(inputs["path"], _outputs(inputs))

    def read(self, stored: Stored, context: Context) -> Found | None:
        """Compare the file with what was written. A missing file is a missing resource."""
        path = Path(stored.id)
        if not stored.outputs or not os.path.lexists(path):
            return None
        mode = stat.S_IMODE(path.lstat().st_mode)
        intact = _holds(path, stored.outputs["content"])
        return Found({**stored.outputs, "intact": intact, "mode": f"{mode:04o}"})

    def update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        """Write the content again."""
        _write(Path(stored.id), inputs["content"])
        return _outputs(inputs)

    def delete(self, stored: Stored, context: Context) -> None:
        """Remove the file and the folders that were made for it, unless others use them."""
        path = Path(stored.id)
        path.unlink(missing_ok=True)
        folders.release(path.parent)

    def preview_update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        """Everything about it is known beforehand."""
        return _outputs(inputs)


def _holds(path: Path, content: str) -> bool:
    regular = stat.S_ISREG(path.lstat().st_mode)
    return regular and path.read_bytes() == content.encode()


def _write(path: Path, content: str) -> None:
    folders.make(path.parent)
    write_atomically(path, content)


def _outputs(inputs: Properties) -> Properties:
    return {**inputs, "intact": True, "mode": _MODE_TEXT}
