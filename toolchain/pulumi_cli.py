"""The Pulumi CLI: on PATH in a supported version, else by its official installer, else built.

What is built has no language host for Python (its module is not served), so the kit's own is put
beside it, where the CLI looks for the ones it ships with.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from toolchain import cache, process
from toolchain.errors import ToolchainError, run_command
from toolchain.gobuild import Build, compile_into, digest
from toolchain.machine import which
from toolchain.paths import PROJECT
from toolchain.progress import Task, say
from toolchain.versions import Version, parse

BELOW = Version(4)
INSTALLER = "https://get.pulumi.com/install.sh"
CONNECT_TIMEOUT_SECONDS = 3.0
MODULE = PROJECT / "toolchain" / "pulumi"


def pinned(go_mod: str) -> Version:
    """The version of the CLI that a go.mod names.

    Raises:
        ToolchainError: it names none.
    """
    found = re.search(r"github\.com/pulumi/pulumi/pkg/v3 v(\S+)", go_mod)
    if found is None:
        raise ToolchainError("toolchain/pulumi/go.mod does not require the Pulumi CLI")
    return parse(found.group(1))


VERSION = pinned((MODULE / "go.mod").read_text())
"""Of the CLI; a test holds that the SDK in pyproject.toml and the locks is the same."""

PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
LINKER_FLAGS = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{VERSION}"
HOST = PROJECT / "toolchain" / "bin" / "pulumi-language-python"


@dataclass(frozen=True)
class PulumiCli:
    """A CLI that can run this project.

    Attributes:
        binary: the `pulumi` command.
        version: what it says it is.
        source: where it came from, for people.
        host_folder: to be put on PATH for its language host; None where it has its own.
    """

    binary: Path
    version: str
    source: str
    host_folder: Path | None = None


def find_pulumi() -> PulumiCli:
    """Find the CLI, or install or build it into the cache.

    Raises:
        ToolchainError: there is no way to one; the message lists what was tried.
    """
    return _on_path() or _installed() or _built_before() or _install() or _build()


def supported(version: Version) -> bool:
    """Whether a CLI of this version runs the project: not older than the SDK, same major."""
    return VERSION <= version < BELOW


def _on_path() -> PulumiCli | None:
    binary = which("pulumi")
    if binary is None:
        return None
    try:
        version = parse(process.output([binary, "version"], env={"PULUMI_SKIP_UPDATE_CHECK": "1"}))
    except (ToolchainError, ValueError) as error:
        say(f"passing over {binary}: {error}")
        return None
    if not supported(version):
        say(f"passing over {binary}: it is {version}, need {VERSION} or newer, below {BELOW}")
        return None
    host = binary.resolve().with_name(HOST.name)
    folder = None if host.exists() or which(HOST.name) else HOST.parent
    return PulumiCli(binary, str(version), "PATH", folder)


def _official_root() -> Path:
    return cache.cache_dir() / "pulumi-official" / str(VERSION)


def _installed() -> PulumiCli | None:
    binary = _official_root() / "bin" / "pulumi"
    source = "the official installer"
    return PulumiCli(binary, str(VERSION), source) if binary.exists() else None


def _install() -> PulumiCli | None:
    try:
        # The timeout is for each step of the connection; a network that drops packets costs this.
        with urllib.request.urlopen(INSTALLER, timeout=CONNECT_TIMEOUT_SECONDS) as answer:
            script = answer.read()
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        say(f"the official Pulumi installer cannot be reached ({reason}); building the CLI instead")
        return None
    purpose = f"installing Pulumi {VERSION}"

    def install(folder: Path) -> None:
        with tempfile.NamedTemporaryFile(suffix=".sh") as file, Task(purpose) as task:
            file.write(script)
            file.flush()
            argv: list[str | Path] = ["sh", file.name, "--no-edit-path", "--install-root", folder]
            argv += ["--version", str(VERSION)]
            process.stream(argv, lambda line: setattr(task, "detail", line.strip()))
        printed = parse(process.output([folder / "bin" / "pulumi", "version"]))
        if printed != VERSION:
            raise ToolchainError(f"the installer brought {printed}, asked for {VERSION}")

    try:
        cache.ensure(f"pulumi-official/{VERSION}", purpose, install)
    except ToolchainError as error:
        say(f"the official Pulumi installer failed; building the CLI instead\n{error}")
    return _installed()


def _entries() -> tuple[str, str]:
    """Names of the cache entries: the build alone, and the build with the language host."""
    build = f"{VERSION}-{digest(MODULE / 'go.mod', MODULE / 'go.sum')}"
    return f"pulumi-build/{build}", f"pulumi/{build}-{digest(HOST)}"


def _built_before() -> PulumiCli | None:
    built, complete = _entries()
    present = any((cache.cache_dir() / entry).is_dir() for entry in (built, complete))
    return _build() if present else None


def _build() -> PulumiCli:
    built, complete = _entries()

    def assemble(folder: Path) -> None:
        binary = cache.ensure(built, f"building Pulumi {VERSION}", _compile) / "pulumi"
        try:
            (folder / "pulumi").hardlink_to(binary)
        except OSError:
            # Not every file system has hard links.
            shutil.copy2(binary, folder / "pulumi")
        shutil.copy2(HOST, folder / HOST.name)

    root = cache.ensure(complete, f"building Pulumi {VERSION}", assemble)
    return PulumiCli(root / "pulumi", str(VERSION), "built from Go modules")


def _compile(folder: Path) -> None:
    title = f"the Pulumi CLI {VERSION}"
    tags = ("osusergo", "grpcnotrace")
    compile_into(folder, Build(title, MODULE, (PACKAGE,), LINKER_FLAGS, tags))
    printed = process.output([folder / "pulumi", "version"], env={"PULUMI_SKIP_UPDATE_CHECK": "1"})
    if parse(printed) != VERSION:
        raise ToolchainError(
            f"built {printed.strip()}, wanted v{VERSION}: go.mod and VERSION differ"
        )


def main() -> int:
    """Print the path of the Pulumi CLI."""
    argparse.ArgumentParser(prog="toolchain.pulumi_cli", description=main.__doc__).parse_args()
    found = find_pulumi()
    say(f"Pulumi {found.version} from {found.source}")
    print(os.fspath(found.binary))
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
