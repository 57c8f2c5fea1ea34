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
from holdfast.source import is_secret_arn, secret_source

ENVIRONMENT_VARIABLE: Final = "HOLDFAST_CONNECTION"
STACK_TIMEOUT_SECONDS: Final = 60.0
_OUTPUT: Final = "connection"


def resolve(
    *, stack: str | None, file: str | None, environ: Mapping[str, str] | None = None
) -> Connection:
    """The Connection that the arguments name.

    Args:
        stack: a Pulumi stack whose secret output ``connection`` is read.
        file: path of a Connection document, or the ARN of a secret that holds one.
        environ: where ``HOLDFAST_CONNECTION`` (a document, its path, or the ARN of a secret) is
            looked up when neither is given; ``os.environ`` by default.

    Raises:
        ConfigError: nothing names a store, or what is named cannot be read.
    """
    environment = os.environ if environ is None else environ
    if stack is not None:
        return Connection.from_json(_stack_output(stack, environment))
    if file is not None:
        return _named("--connection", file)
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
    return _named(ENVIRONMENT_VARIABLE, value.strip())


def _named(field: str, text: str) -> Connection:
    if is_secret_arn(text):
        return secret_source(text).current()
    return Connection.from_json(_read(field, text))


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


def plain_outputs(stack: str, *, environ: Mapping[str, str] | None = None) -> Mapping[str, object]:
    """A stack's outputs without the secret ones' values.

    Raises:
        ConfigError: the stack cannot be read.
    """
    environment = os.environ if environ is None else environ
    try:
        value = json.loads(_ask_pulumi(stack, environment))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ConfigError("--stack", stack, "a stack with outputs", "deploy it (make up)")
    return value


def _stack_output(stack: str, environment: Mapping[str, str]) -> str:
    text = _ask_pulumi(stack, environment, _OUTPUT, secrets=True)
    try:
        value = json.loads(text)
    except ValueError:
        # The text may hold the secret, so it is not quoted.
        value = None
    if not isinstance(value, str):
        raise ConfigError(
            "--stack", stack, f"an output '{_OUTPUT}' that is a text", "deploy it again (make up)"
        )
    return value


def find_pulumi(stack: str, environment: Mapping[str, str]) -> str:
    """Path of the CLI. Raises ConfigError where PATH has none."""
    pulumi = shutil.which("pulumi", path=environment.get("PATH"))
    if pulumi is None:
        raise ConfigError(
            "--stack",
            stack,
            "the pulumi command on PATH",
            'run eval "$(make -s env)" first, or use --connection FILE',
        )
    return pulumi


def _ask_pulumi(
    stack: str, environment: Mapping[str, str], *names: str, secrets: bool = False
) -> str:
    pulumi = find_pulumi(stack, environment)
    try:
        done = subprocess.run(
            [
                *(pulumi, "stack", "output", *names, "--stack", stack),
                *(("--show-secrets",) if secrets else ()),
                *("--json", "--non-interactive"),
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
            f"deploy it from the project's folder (make up); pulumi says: {reason(done.stderr)}",
        )
    return done.stdout


def reason(stderr: str) -> str:
    """What pulumi says is wrong, in a line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error:")]
    return (errors or lines or ["nothing"])[0].removeprefix("error:").strip()
