"""Image archives and the roots in them, without a registry or a mirror."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from toolchain.cluster import binaries, images, roots
from toolchain.cluster.host_tools import missing
from toolchain.cluster.oci import Image, pack
from toolchain.cluster.wheels import excerpt
from toolchain.errors import ToolchainError
from toolchain.versions import Version

LOCK = """\
async-timeout==5.0.1 ; python_full_version < '3.11.3' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via redis
redis==8.1.0 \\
    --hash=sha256:cc
    # via holdfast
redis-other==1.0 \\
    --hash=sha256:dd
"""


def _root(folder: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "tool").write_text("#!/bin/sh\n")
    (folder / "bin" / "tool").chmod(0o755)
    (folder / "bin" / "alias").symlink_to("tool")
    (folder / "data").mkdir()
    return folder


def _blobs(archive: Path) -> dict[str, bytes]:
    found = {}
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            content = tar.extractfile(member)
            assert content is not None
            found[member.name] = content.read()
    return found


def test_the_same_files_make_the_same_archive_whenever_they_were_written(tmp_path: Path) -> None:
    first, second = _root(tmp_path / "first"), _root(tmp_path / "second")
    os.utime(second / "bin" / "tool", (1, 1))
    image = Image("docker.io/example/tool:1", owners={"/data": (999, 999)})
    pack((first,), image, tmp_path / "first.tar")
    pack((second,), image, tmp_path / "second.tar")
    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes()


def test_every_blob_of_an_archive_is_what_its_name_says(tmp_path: Path) -> None:
    image = Image("docker.io/example/tool:1", entrypoint=("/bin/tool",), user="999:999")
    archive = tmp_path / "image.tar"
    pack((_root(tmp_path / "low"), _root(tmp_path / "high")), image, archive)
    blobs = _blobs(archive)
    for name, data in blobs.items():
        if name.startswith("blobs/sha256/"):
            assert hashlib.sha256(data).hexdigest() == name.rpartition("/")[2]

    def read(descriptor: dict[str, str]) -> dict[str, object]:
        value: dict[str, object] = json.loads(
            blobs[f"blobs/{descriptor['digest'].replace(':', '/')}"]
        )
        return value

    entry = json.loads(blobs["index.json"])["manifests"][0]
    assert entry["annotations"]["io.containerd.image.name"] == image.reference
    manifest = read(entry)
    layers = manifest["layers"]
    assert isinstance(layers, list)
    assert len(layers) == 2
    assert isinstance(manifest["config"], dict)
    configuration = read(manifest["config"])
    rootfs = configuration["rootfs"]
    assert rootfs == {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]}
    assert list(tmp_path.glob("*.layer*")) == []


def test_owners_and_modes_are_those_asked_for_and_no_user_of_this_machine_shows(
    tmp_path: Path,
) -> None:
    archive = tmp_path / "image.tar"
    pack((_root(tmp_path / "root"),), Image("x:1", owners={"/data": (999, 998)}), archive)
    layer = max(_blobs(archive).items(), key=lambda one: len(one[1]))[1]
    (tmp_path / "layer.tar").write_bytes(layer)
    with tarfile.open(tmp_path / "layer.tar") as tar:
        entries = {one.name: one for one in tar.getmembers()}
    assert (entries["data"].uid, entries["data"].gid) == (999, 998)
    assert (entries["bin/tool"].uid, entries["bin/tool"].mode) == (0, 0o755)
    assert entries["bin/alias"].linkname == "tool"
    assert {one.uname for one in entries.values()} == {""}


def test_a_wheel_is_installed_with_its_hashes_and_whatever_python_runs_pip() -> None:
    chosen = excerpt(LOCK, ("redis", "async-timeout"))
    assert "redis==8.1.0" in chosen
    assert "--hash=sha256:bb" in chosen
    assert "python_full_version" not in chosen
    assert "redis-other" not in chosen
    with pytest.raises(ToolchainError, match="does not name hiredis"):
        excerpt(LOCK, ("hiredis",))


def test_folders_of_older_suites_go_below_usr_and_links_between_them_still_lead_there(
    tmp_path: Path,
) -> None:
    source, root = tmp_path / "source", tmp_path / "root"
    libraries = source / "lib" / "x86_64-linux-gnu"
    libraries.mkdir(parents=True)
    (libraries / "libone.so.1.2").write_text("library")
    (libraries / "libone.so.1").symlink_to("libone.so.1.2")
    (libraries / "ld-linux-x86-64.so.2").write_text("loader")
    (source / "usr" / "share" / "doc").mkdir(parents=True)
    (source / "usr" / "share" / "doc" / "long").write_text("manual")
    (source / "bin").mkdir()
    (source / "bin" / "dash").write_text("shell")
    root.mkdir()
    roots.merge(source, root)
    roots.finish(root, {"valkey": 999}, ("data",))
    assert (root / "lib" / "x86_64-linux-gnu" / "libone.so.1").read_text() == "library"
    loader = (root / "usr" / "lib64" / "ld-linux-x86-64.so.2").readlink()
    assert loader == Path("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
    assert (root / "bin" / "sh").readlink() == Path("dash")
    assert not (root / "usr" / "share" / "doc").exists()
    assert "valkey:x:999:999" in (root / "etc" / "passwd").read_text()


def test_images_of_the_server_bear_the_names_of_the_official_ones() -> None:
    assert images.valkey_reference(Version(9, 1, 2)) == "docker.io/valkey/valkey:9.1.2"
    assert images.verify_reference().startswith("docker.io/holdfast/verify:")


def test_archives_of_older_checkouts_go_and_the_latest_few_stay(tmp_path: Path) -> None:
    for age in range(6):
        (tmp_path / f"verify-holdfast-{age}").mkdir()
        os.utime(tmp_path / f"verify-holdfast-{age}", (1000 - age, 1000 - age))
    (tmp_path / "verify-base-1").mkdir()
    images._drop_older(tmp_path / "verify-holdfast-5")
    left = sorted(one.name.rpartition("-")[2] for one in tmp_path.glob("verify-holdfast-*"))
    assert left == ["0", "1", "2", "5"]
    assert (tmp_path / "verify-base-1").is_dir()


def test_versions_come_from_the_pins() -> None:
    assert binaries.kubernetes_version().startswith("1.")
    assert (
        f"k8s.io/kubernetes v{binaries.kubernetes_version()}"
        in (binaries.MODULES / "kube" / "go.mod").read_text()
    )
    with pytest.raises(ToolchainError, match=r"coredns/go\.mod does not require example\.org/none"):
        binaries._pinned("coredns", "example.org/none")


def test_a_tool_that_is_not_on_path_is_told_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runc").write_text("#!/bin/sh\n")
    (tmp_path / "runc").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "runc" not in missing()
    assert missing()["nft"] == "nftables"
