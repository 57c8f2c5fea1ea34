"""Where the Connection of a run comes from: a stack, a file, or the environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from holdfast.connection import Connection
from holdfast.errors import ConfigError

ENVIRONMENT_VARIABLE: Final = "HOLDFAST_CONNECTION"
STACK_TIMEOUT_SECONDS: Final = 60.0
_OUTPUT: Final = "connection"


def resolve(
    *, stack: str | None, file: str | None, environ: Mapping[str, str] | None = None
) -> Connection:
    """The Connection that the arguments name.

    Args:
        stack: a Pulumi stack whose secret output ``connection`` is read.
        file: path of a Connection document.
        environ: where ``HOLDFAST_CONNECTION`` (a document or its path) is looked up when neither
            is given; ``os.environ`` by default.

    Raises:
        ConfigError: nothing names a store, or what is named cannot be read.
    """
    environment = os.environ if environ is None else environ
    if stack is not None:
        return Connection.from_json(_stack_output(stack, environment))
    if file is not None:
        return Connection.from_json(_read("--connection", file))
    value = environment.get(ENVIRONMENT_VARIABLE, "")
    if not value.strip():
        raise ConfigError(
            "connection",
            "nothing",
            f"--stack NAME, --connection FILE or {ENVIRONMENT_VARIABLE}",
            "give one of them, for example --stack local",
        )
    if value.lstrip().startswith("{"):
        return Connection.from_json(value)
    return Connection.from_json(_read(ENVIRONMENT_VARIABLE, value))


def _read(field: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            field,
            path,
            "a readable file that holds a Connection document",
            f"check the path ({error.strerror or type(error).__name__})",
        ) from None


def _stack_output(stack: str, environment: Mapping[str, str]) -> str:
    pulumi = shutil.which("pulumi", path=environment.get("PATH"))
    if pulumi is None:
        raise ConfigError(
            "--stack",
            stack,
            "the pulumi command on PATH",
            'run eval "$(make -s env)" first, or use --connection FILE',
        )
    try:
        done = subprocess.run(
            [
                *(pulumi, "stack", "output", _OUTPUT, "--stack", stack),
                *("--show-secrets", "--json", "--non-interactive"),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=STACK_TIMEOUT_SECONDS,
            check=False,
            env={**environment, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(
            "--stack",
            stack,
            f"an answer of pulumi within {STACK_TIMEOUT_SECONDS:.0f} s",
            "check the backend (pulumi whoami --verbose)",
        ) from None
    if done.returncode != 0:
        raise ConfigError(
            "--stack",
            stack,
            f"a stack with the output '{_OUTPUT}'",
            f"deploy it from the project's folder (make up); pulumi says: {_reason(done.stderr)}",
        )
    try:
        value = json.loads(done.stdout)
    except ValueError:
        # The text may hold the secret, so it is not quoted.
        value = None
    if not isinstance(value, str):
        raise ConfigError(
            "--stack", stack, f"an output '{_OUTPUT}' that is a text", "deploy it again (make up)"
        )
    return value


def _reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error:")]
    return (errors or lines or ["nothing"])[0].removeprefix("error:").strip()
