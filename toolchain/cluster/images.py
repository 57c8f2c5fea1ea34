"""The images of the test cluster as archives in the cache; no registry and no container engine.

Those of Valkey bear the names of the official ones, so that a store with the default image runs:
they hold the same programs at the same version, from Debian's packages and not from the official
build. What a test shows with them is shown of that server, not of that image.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from toolchain import apt, cache
from toolchain.cluster import roots
from toolchain.cluster.binaries import Binaries, coredns_version, find_binaries
from toolchain.cluster.oci import Image, pack
from toolchain.cluster.wheels import install_wheels
from toolchain.errors import run_command
from toolchain.gobuild import digest
from toolchain.paths import PROJECT, REQUIREMENTS
from toolchain.progress import Task
from toolchain.servers import unpack_into_cache
from toolchain.unpacked import origin
from toolchain.versions import Version

PAUSE = "holdfast.invalid/pause:1"
COREDNS = f"holdfast.invalid/coredns:{coredns_version()}"
VALKEY_VERSIONS = (Version(9, 1, 2), Version(8, 1, 1))
VALKEY_USER = 999
VERIFY_USER = 65532
VERIFY_KEPT = 3
VERIFY_PACKAGES = ("redis", "hiredis", "async-timeout")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PYTHONS = {"debian": ("bookworm", "3.11"), "ubuntu": ("noble", "3.12")}
"""Of the verification image, by distribution of the mirror: suite and version."""

_THIS = Path(__file__)
_RECIPE = (_THIS, _THIS.with_name("oci.py"), _THIS.with_name("roots.py"))


@dataclass(frozen=True)
class Archive:
    """An image in the cache.

    Attributes:
        reference: its name in the cluster.
        file: the archive.
    """

    reference: str
    file: Path


def valkey_reference(version: Version) -> str:
    """The name that the official image of a version has."""
    return f"docker.io/valkey/valkey:{version}"


def verify_reference() -> str:
    """The name of the image that checks a store from inside its cluster."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    return f"docker.io/holdfast/verify:{project['version']}"


def find_images(binaries: Binaries) -> tuple[Archive, ...]:
    """Pack what is not in the cache yet, the images that every node needs first.

    Raises:
        ToolchainError: the mirror or the package index lacks something.
    """
    return (
        _program(PAUSE, binaries.pause),
        _program(COREDNS, binaries.coredns),
        *(_valkey(version) for version in VALKEY_VERSIONS),
        verify_image(),
    )


def _program(reference: str, program: Path) -> Archive:
    """One static program and nothing else."""
    name = program.name

    def fill(folder: Path) -> None:
        root = folder / "root"
        root.mkdir()
        shutil.copy2(program, root / name)
        pack((root,), Image(reference, entrypoint=(f"/{name}",)), folder / "image.tar")
        shutil.rmtree(root)

    key = f"{name}-{program.parent.name.removeprefix(f'{name}-')}-{digest(*_RECIPE)}"
    entry = cache.ensure(f"cluster/images/{key}", f"packing {reference}", fill)
    return Archive(reference, entry / "image.tar")


def _valkey(version: Version) -> Archive:
    purpose = f"laying out the image of valkey {version}"

    def fill(folder: Path) -> None:
        server = unpack_into_cache("valkey", version)
        suite = origin(server)
        base = suite.removesuffix("-backports")
        tools = (*roots.SHELL, roots.TOOLBOX)
        fetched = folder / "fetched"
        with Task(purpose):
            roots.fetch({"debian": base, "ubuntu": base}, tools, fetched)
            root = folder / "root"
            root.mkdir()
            # The libraries of the server's own suite last: they are the newer ones.
            roots.merge(fetched, root)
            roots.merge(server, root)
            roots.finish(root, {"valkey": VALKEY_USER}, ("data", "usr/local/bin"))
            # The official image has them here.
            for program in sorted((root / "usr/bin").glob("valkey-*")):
                link = root / "usr/local/bin" / program.name
                link.symlink_to(f"/usr/bin/{program.name}")
            sentinel = root / "usr/local/bin/valkey-sentinel"
            sentinel.unlink(missing_ok=True)
            sentinel.symlink_to("/usr/bin/valkey-server")
            shutil.rmtree(fetched)
            pack((root,), _valkey_image(version), folder / "image.tar")
            shutil.rmtree(root)

    name = f"valkey-{version}-{digest(*_RECIPE)}"
    entry = cache.ensure(f"cluster/images/{name}", purpose, fill)
    return Archive(valkey_reference(version), entry / "image.tar")


def _valkey_image(version: Version) -> Image:
    return Image(
        valkey_reference(version),
        command=("valkey-server",),
        user=f"{VALKEY_USER}:{VALKEY_USER}",
        workdir="/data",
        env={"PATH": PATH, "VALKEY_VERSION": str(version)},
        owners={"/data": (VALKEY_USER, VALKEY_USER)},
    )


def verify_image() -> Archive:
    """The image with the checkout's ``holdfast`` in it, packed anew when that changed."""
    base = _verify_base()
    source = PROJECT / "holdfast"
    files = sorted(path for path in source.rglob("*") if path.suffix in {".py", ".lua", ".typed"})
    names = hashlib.sha256("\n".join(str(file) for file in files).encode()).hexdigest()
    name = f"{base.name.replace('base', 'holdfast')}-{digest(*files)}{names[:4]}"
    python = (base / "version").read_text()

    def fill(folder: Path) -> None:
        code = folder / "code"
        site = code / f"usr/local/lib/python{python}/dist-packages"
        for file in files:
            target = site / "holdfast" / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        # Whoever runs it: a checkout's own modes depend on the umask of its user.
        for path in [code, *code.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        image = Image(
            verify_reference(),
            entrypoint=("python3",),
            user=f"{VERIFY_USER}:{VERIFY_USER}",
            env={"PATH": PATH, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
        )
        pack((base / "root", code), image, folder / "image.tar")
        shutil.rmtree(code)

    entry = cache.ensure(f"cluster/images/{name}", "packing the verification image", fill)
    _drop_older(entry)
    return Archive(verify_reference(), entry / "image.tar")


def _drop_older(newest: Path) -> None:
    """Each change of the checkout makes an archive; a few are kept for clusters that are up."""
    others = [one for one in newest.parent.glob("verify-holdfast-*") if one != newest]
    others.sort(key=lambda one: one.stat().st_mtime)
    for entry in others[:-VERIFY_KEPT]:
        shutil.rmtree(entry, ignore_errors=True)


def _verify_base() -> Path:
    lock = REQUIREMENTS / "local.lock"
    purpose = "laying out the verification image"

    def fill(folder: Path) -> None:
        fetched, root = folder / "fetched", folder / "root"
        with Task(purpose):
            suites = {name: suite for name, (suite, _) in PYTHONS.items()}
            python = _python_of_mirror()
            tools = (f"python{python}-minimal", f"libpython{python}-stdlib", roots.TOOLBOX, "dash")
            roots.fetch(suites, tools, fetched)
            root.mkdir()
            roots.merge(fetched, root)
            roots.finish(root, {"nonroot": VERIFY_USER})
            for name in ("python", "python3"):
                (root / "usr/bin" / name).symlink_to(f"python{python}")
            site = root / f"usr/local/lib/python{python}/dist-packages"
            install_wheels(Path(sys.executable), lock, VERIFY_PACKAGES, python, site)
            shutil.rmtree(fetched)
        (folder / "version").write_text(python)

    name = f"verify-base-{digest(lock, *_RECIPE, _THIS.with_name('wheels.py'))}"
    return cache.ensure(f"cluster/images/{name}", purpose, fill)


def _python_of_mirror() -> str:
    for mirror in apt.mirrors():
        if mirror.distribution in PYTHONS:
            return PYTHONS[mirror.distribution][1]
    return PYTHONS["debian"][1]


def main() -> int:
    """Pack the images of the test cluster and print name and file of each."""
    argparse.ArgumentParser(prog="toolchain.cluster.images", description=main.__doc__).parse_args()
    for archive in find_images(find_binaries()):
        print(archive.reference, archive.file)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
