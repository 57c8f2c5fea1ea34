"""Pulumi's archives, as they come over the wire, into a zip of bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from holdfast.errors import ConfigError

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
_ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o644 << 16


def zipped(archive: Mapping[str, Any], field: str = "code") -> bytes:
    """The files of an archive as a zip; the same files give the same bytes.

    Paths are relative to the program's folder, where the plugin runs.

    Raises:
        ConfigError: it is no archive, or one from an address.
    """
    path = archive.get("path")
    if _kind(archive) == _ARCHIVE and path and Path(path).is_file():
        return Path(path).read_bytes()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in sorted(_files(archive, "", field)):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = _MODE
            info.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(info, content)
    return target.getvalue()


def _kind(value: Mapping[str, Any]) -> object:
    return value.get(_SIGNATURE) if isinstance(value, Mapping) else None


def _files(value: Mapping[str, Any], name: str, field: str) -> Iterator[tuple[str, bytes]]:
    kind = _kind(value)
    if kind == _ASSET and value.get("text") is not None and not value.get("path"):
        yield name, str(value["text"]).encode()
    elif kind == _ASSET and value.get("path"):
        yield name, Path(value["path"]).read_bytes()
    elif kind == _ARCHIVE and isinstance(value.get("assets"), Mapping):
        for key, item in value["assets"].items():
            yield from _files(item, f"{name}/{key}" if name else key, field)
    elif kind == _ARCHIVE and value.get("path") and Path(value["path"]).is_dir():
        folder = Path(value["path"])
        for file in sorted(item for item in folder.rglob("*") if item.is_file()):
            inside = file.relative_to(folder).as_posix()
            yield (f"{name}/{inside}" if name else inside), file.read_bytes()
    else:
        rule = "an archive of texts, files or folders"
        raise ConfigError(field, name or "the archive", rule, "use pulumi.AssetArchive")
