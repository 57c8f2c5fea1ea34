"""Folders packed as an OCI image archive, a layer each: the same bytes from the same files.

Layers are not compressed: an archive of the cache is read on the machine that wrote it, several
times at once, and unpacking would cost more than reading.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EPOCH = "1970-01-01T00:00:00Z"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
MEDIA = "application/vnd.oci.image"
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Image:
    """What an image says about itself.

    Attributes:
        reference: its full name with registry and tag, as containerd stores it.
        entrypoint: the program and its first arguments.
        command: further arguments, replaced by those of a pod.
        user: "uid:gid".
        workdir: where it starts.
        env: variables.
        owners: path in the image -> (uid, gid); everything else is root's.
    """

    reference: str
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    user: str = ""
    workdir: str = "/"
    env: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def architecture() -> str:
    """This machine's, in the words of OCI."""
    machine = platform.machine()
    return ARCHITECTURES.get(machine, machine)


@dataclass(frozen=True)
class _Layer:
    file: Path
    digest: str
    size: int


def pack(roots: Sequence[Path], image: Image, archive: Path) -> None:
    """Write an image archive.

    Args:
        roots: its files, one layer a folder, the lowest first.
        image: what it is called and starts.
        archive: the file to write.
    """
    layers: list[_Layer] = []
    try:
        for number, root in enumerate(roots):
            file = archive.with_suffix(f".layer{number}")
            layers.append(_Layer(file, "", 0))
            _write_layer(root, image.owners, file)
            layers[-1] = _Layer(file, _digest_file(file), file.stat().st_size)
        _write_archive(layers, image, archive)
    finally:
        for layer in layers:
            layer.file.unlink(missing_ok=True)


def _write_layer(root: Path, owners: Mapping[str, tuple[int, int]], layer: Path) -> None:
    with tarfile.open(layer, "w", format=tarfile.GNU_FORMAT) as tar:
        for base, folders, files in os.walk(root):
            folders.sort()
            for name in sorted([*folders, *files]):
                path = Path(base) / name
                relative = path.relative_to(root)
                entry = tar.gettarinfo(path, str(relative))
                # Hard links depend on the order and on what else the machine links to the file.
                if entry.islnk():
                    entry.type, entry.linkname, entry.size = (
                        tarfile.REGTYPE,
                        "",
                        path.stat().st_size,
                    )
                entry.mtime, entry.uname, entry.gname = 0, "", ""
                entry.uid, entry.gid = owners.get(f"/{relative}", (0, 0))
                if entry.isreg():
                    with path.open("rb") as content:
                        tar.addfile(entry, content)
                else:
                    tar.addfile(entry)


def _write_archive(layers: Sequence[_Layer], image: Image, archive: Path) -> None:
    kind = {"architecture": architecture(), "os": "linux"}
    configuration = {
        "Env": [f"{name}={value}" for name, value in sorted(image.env.items())],
        "Entrypoint": list(image.entrypoint),
        "Cmd": list(image.command),
        "WorkingDir": image.workdir,
        "User": image.user,
    }
    blobs: dict[str, bytes] = {}

    def put(media: str, value: Mapping[str, object]) -> dict[str, Any]:
        data = json.dumps(value, sort_keys=True).encode()
        digest = hashlib.sha256(data).hexdigest()
        blobs[digest] = data
        return {"mediaType": f"{MEDIA}.{media}", "digest": f"sha256:{digest}", "size": len(data)}

    described = put(
        "config.v1+json",
        {
            **kind,
            "created": EPOCH,
            "config": configuration,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{one.digest}" for one in layers]},
            "history": [{"created": EPOCH, "created_by": "holdfast"} for _ in layers],
        },
    )
    manifest = put(
        "manifest.v1+json",
        {
            "schemaVersion": 2,
            "mediaType": f"{MEDIA}.manifest.v1+json",
            "config": described,
            "layers": [
                {
                    "mediaType": f"{MEDIA}.layer.v1.tar",
                    "digest": f"sha256:{one.digest}",
                    "size": one.size,
                }
                for one in layers
            ],
        },
    )
    names = {
        # The first is containerd's, the second OCI's own.
        "io.containerd.image.name": image.reference,
        "org.opencontainers.image.ref.name": image.reference.rpartition(":")[2],
    }
    index = {
        "schemaVersion": 2,
        "mediaType": f"{MEDIA}.index.v1+json",
        "manifests": [{**manifest, "annotations": names, "platform": kind}],
    }
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as tar:
        _add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _add(tar, "index.json", json.dumps(index, sort_keys=True).encode())
        for digest, data in sorted(blobs.items()):
            _add(tar, f"blobs/sha256/{digest}", data)
        for one in layers:
            entry = tarfile.TarInfo(f"blobs/sha256/{one.digest}")
            entry.size = one.size
            with one.file.open("rb") as content:
                tar.addfile(entry, content)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def _digest_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
