"""Runs the real Pulumi engine on a throw-away project, with a state of its own.

``pulumi`` comes from PATH (the make targets put it there), the language host from the toolchain or
PATH. Nothing of the caller's Pulumi login or settings is seen by the run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, Final, Self

import pytest

from tests.standin.aws.install import install as install_aws
from tests.standin.kubernetes.install import install as install_standin

PROJECT: Final = Path(__file__).resolve().parent.parent
PASSPHRASE: Final = "throw-away"
_LANGUAGE_HOST: Final = "pulumi-language-python"
_FLAGS: Final = ("--non-interactive", "--color=never")
_DEADLINE_SECONDS: Final = 90.0
_MANIFEST: Final = """\
name: {name}
runtime: {{name: python, options: {{toolchain: pip, virtualenv: {venv}}}}}
plugins:
  providers:
    - {{name: holdfast, path: {plugin}}}
"""


@dataclass(frozen=True)
class Run:
    """How one command of the CLI ended."""

    arguments: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    @property
    def shown(self) -> str:
        """All that it printed, with the command in front."""
        command = " ".join(self.arguments)
        return f"pulumi {command} (exit code {self.code})\n{self.stdout}\n{self.stderr}"


def require_engine() -> Path:
    """Where ``pulumi`` is. Skips the test where there is none."""
    found = shutil.which("pulumi", path=_search_path())
    if found is None or shutil.which(_LANGUAGE_HOST, path=_search_path()) is None:
        pytest.skip("no pulumi CLI with its Python language host on PATH (make test provides both)")
    return Path(found)


def _search_path() -> str:
    ours = [Path(sys.executable).parent, PROJECT / "toolchain" / "bin"]
    return os.pathsep.join([*map(str, ours), os.environ.get("PATH", os.defpath)])


class Engine:
    """A project with one stack. Commands fail the test, output shown, unless told otherwise.

    Args:
        folder: an empty folder; project, state and plugins go there.
        program: source text of the program (indented text is fine).
        plugin: folder of the ``holdfast`` plugin; by default the checkout's.
        environment: variables on top of the private ones. May be changed between runs.
        name: name of the project.
    """

    stack: Final = "test"

    def __init__(
        self,
        folder: Path,
        program: str,
        *,
        plugin: Path = PROJECT / "provider",
        environment: Mapping[str, str] | None = None,
        name: str = "throwaway",
    ) -> None:
        self._prepare(folder, environment)
        manifest = _MANIFEST.format(name=name, venv=sys.prefix, plugin=plugin)
        (self.project / "Pulumi.yaml").write_text(manifest)
        self.write_program(program)
        self.run("stack", "init", self.stack)

    @classmethod
    def of_checkout(cls, folder: Path, *, environment: Mapping[str, str] | None = None) -> Self:
        """A copy of this checkout's own program and plugin, as a fresh clone has them."""
        engine = cls.__new__(cls)
        engine._prepare(folder, environment)
        for name in ("Pulumi.yaml", "__main__.py"):
            shutil.copy2(PROJECT / name, engine.project / name)
        for name in ("components", "config", "holdfast", "provider"):
            # Stack files stay behind; compiled files come along and save their time.
            ignored = shutil.ignore_patterns("Pulumi.*.yaml")
            shutil.copytree(PROJECT / name, engine.project / name, ignore=ignored)
        (engine.project / ".venv").symlink_to(sys.prefix)
        engine.run("stack", "init", cls.stack)
        return engine

    def _prepare(self, folder: Path, environment: Mapping[str, str] | None) -> None:
        self._pulumi = require_engine()
        self.project = folder / "project"
        self.state = folder / "state"
        home = folder / "home"
        for item in (self.project, self.state, home):
            item.mkdir(parents=True)
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
            "PATH": _search_path(),
            "PYTHONPATH": str(PROJECT),
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_ERROR_OUTPUT_STRING": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            **(environment or {}),
        }

    def use_cluster(self, kubeconfig: Path) -> None:
        """Deploy into this cluster, with the stand-in where the official plugin is absent."""
        self.plugin = install_standin(Path(self.environment["PULUMI_HOME"]))
        self.environment["KUBECONFIG"] = str(kubeconfig)

    def use_aws(self, environment: Mapping[str, str]) -> None:
        """Deploy to whatever AWS_ENDPOINT_URL names, by the stand-in where the plugin is absent."""
        self.plugin = install_aws(Path(self.environment["PULUMI_HOME"]))
        self.environment.update(environment)

    def write_program(self, program: str) -> None:
        """Replace the program."""
        (self.project / "__main__.py").write_text(dedent(program))

    def set_config(self, key: str, value: str, *, secret: bool = False) -> None:
        """Set a config value of the stack."""
        self.run("config", "set", "--secret" if secret else "--plaintext", key, value)

    def up(self, *arguments: str, fails: bool = False) -> Run:
        """Deploy."""
        return self.run("up", "--yes", "--skip-preview", *arguments, fails=fails)

    def up_unchanged(self, *arguments: str) -> Run:
        """Deploy, and fail if anything changes."""
        return self.up("--expect-no-changes", *arguments)

    def preview(self, *arguments: str, fails: bool = False) -> Run:
        """Say what a deployment would do."""
        return self.run("preview", "--diff", *arguments, fails=fails)

    def refresh(self, *arguments: str, fails: bool = False) -> Run:
        """Look at what is there and write it into the state."""
        return self.run("refresh", "--yes", "--skip-preview", *arguments, fails=fails)

    def drift(self, *, expected: bool) -> Run:
        """Look at what is there, keep the state, and fail unless it differs as expected."""
        return self.run(
            "refresh", "--preview-only", "--diff", "--expect-no-changes", fails=expected
        )

    def destroy(self) -> Run:
        """Delete everything."""
        return self.run("destroy", "--yes", "--skip-preview")

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets in plain."""
        return dict(json.loads(self.run("stack", "output", "--json", "--show-secrets").stdout))

    def export(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """The state."""
        flags = ["--show-secrets"] if show_secrets else []
        return dict(json.loads(self.run("stack", "export", *flags).stdout))

    def resources(self) -> list[dict[str, Any]]:
        """What the state holds besides the stack and providers, secrets in plain."""
        found = self.export(show_secrets=True)["deployment"].get("resources", [])
        return [item for item in found if not item["type"].startswith("pulumi:")]

    def run(
        self,
        *arguments: str,
        fails: bool = False,
        deadline_seconds: float = _DEADLINE_SECONDS,
    ) -> Run:
        """Run ``pulumi`` in the project.

        Args:
            arguments: the command.
            fails: whether it is expected to fail.
            deadline_seconds: it is killed after that, and the test fails.
        """
        command = self._command(arguments)
        run = _finish(command, self.project, self.environment, deadline_seconds)
        if (run.code != 0) != fails:
            wanted = "to fail" if fails else "to succeed"
            pytest.fail(f"expected {wanted}: {run.shown}", pytrace=False)
        return run

    @contextmanager
    def start(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run ``pulumi`` beside the test. It is killed at the end of the block if need be."""
        with subprocess.Popen(
            self._command(arguments),
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [str(self._pulumi), *_FLAGS, *arguments]


def _finish(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], deadline_seconds: float
) -> Run:
    arguments = tuple(command[1 + len(_FLAGS) :])
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=deadline_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        shown = b"".join(part for part in (error.stdout, error.stderr) if part).decode()
        name = " ".join(arguments)
        pytest.fail(f"pulumi {name} took over {deadline_seconds} s:\n{shown}", pytrace=False)
    return Run(arguments, done.returncode, done.stdout, done.stderr)
