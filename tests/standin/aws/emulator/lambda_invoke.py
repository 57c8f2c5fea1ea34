"""Runs Lambda functions without containers: each invocation in a Python process of its own.

The zip of the function is unpacked, and its handler runs with the function's environment and the
emulator's, so that it finds every service and the stores here. Its networks are not emulated: it
reaches everything on this machine.
"""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import uuid
import zipfile
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from moto.awslambda.models import LambdaFunction

from tests.standin.aws.emulator.environment import exports
from tests.standin.aws.emulator.layout import Layout, State

_CHILD: Final = Path(__file__).with_name("lambda_child.py")
_TAIL_BYTES: Final = 4096
"""Of the log that a caller gets who asks for it."""
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Function:
    """What is run."""

    name: str
    arn: str
    handler: str
    code: bytes = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    timeout_seconds: float
    memory_mb: int


@dataclass(frozen=True)
class Outcome:
    """What an invocation gives back.

    Attributes:
        payload: JSON; of an error, what Lambda says of it.
        failed: whether ``FunctionError`` is set.
        log: everything that the handler printed.
    """

    payload: bytes
    failed: bool
    log: bytes


def run(
    function: Function, event: bytes, *, folder: Path, environment: Mapping[str, str]
) -> Outcome:
    """Run a function once.

    Args:
        function: with its code as a zip.
        event: JSON.
        folder: where it is unpacked; what was there of it is gone afterwards.
        environment: of the emulator, below the function's own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f"{function.name}-", dir=folder))
    request_id = str(uuid.uuid4())
    try:
        code = place / "task"
        with zipfile.ZipFile(io.BytesIO(function.code)) as archive:
            archive.extractall(code)
        return _run(function, event, place, code, request_id, environment)
    finally:
        shutil.rmtree(place)


def _run(
    function: Function,
    event: bytes,
    place: Path,
    code: Path,
    request_id: str,
    environment: Mapping[str, str],
) -> Outcome:
    result = place / "result"
    facts = {
        "function_name": function.name,
        "arn": function.arn,
        "memory": function.memory_mb,
        "request_id": request_id,
        "timeout": function.timeout_seconds,
    }
    given = json.dumps({"facts": facts, "event": json.loads(event or b"null")}).encode()
    try:
        child = subprocess.run(
            [sys.executable, str(_CHILD), str(code), function.handler, str(result)],
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=code,
            env=_environment(function, code, environment),
            timeout=function.timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        message = f"{now} {request_id} Task timed out after {function.timeout_seconds:.2f} seconds"
        return _failed({"errorMessage": message}, error.stdout or b"")
    if not result.exists():
        message = f"RequestId: {request_id} Error: Runtime exited with {child.returncode}"
        shown = {"errorType": "Runtime.ExitError", "errorMessage": message}
        return _failed(shown, child.stdout)
    answer = json.loads(result.read_text())
    if "error" in answer:
        return _failed(answer["error"], child.stdout)
    return Outcome(json.dumps(answer["payload"]).encode(), failed=False, log=child.stdout)


def _failed(shown: Mapping[str, Any], log: bytes) -> Outcome:
    return Outcome(json.dumps(shown).encode(), failed=True, log=log)


def _environment(function: Function, code: Path, environment: Mapping[str, str]) -> dict[str, str]:
    base = {name: os.environ[name] for name in _KEPT if name in os.environ}
    own = {
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "LAMBDA_TASK_ROOT": str(code),
        "_HANDLER": function.handler,
        "TZ": ":UTC",
    }
    return base | dict(environment) | own | dict(function.environment)


def install(layout: Layout, state: State) -> None:
    """Let moto's functions run this way."""
    environment = exports(layout, state, base={})

    def invoke(
        function: LambdaFunction,
        body: str | bytes,
        headers: Mapping[str, str],
        response_headers: MutableMapping[str, str],
    ) -> bytes:
        event = body.encode() if isinstance(body, str) else body
        kind = headers.get("X-Amz-Invocation-Type", "RequestResponse")
        response_headers["x-amz-executed-version"] = str(function.version)
        if kind == "DryRun":
            return b""
        what = _of(function)
        if kind == "Event":
            threading.Thread(
                target=run,
                args=(what, event),
                kwargs={"folder": layout.functions, "environment": environment},
                daemon=True,
            ).start()
            return b""
        outcome = run(what, event, folder=layout.functions, environment=environment)
        if outcome.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        tail = base64.b64encode(outcome.log[-_TAIL_BYTES:]).decode()
        response_headers["x-amz-log-result"] = tail
        return outcome.payload

    LambdaFunction.invoke = invoke  # type: ignore[method-assign,assignment]


def _of(function: LambdaFunction) -> Function:
    if function.package_type != "Zip" or not function.handler:
        message = f"{function.function_name}: the emulator runs functions of a zip alone"
        raise NotImplementedError(message)
    return Function(
        name=function.function_name,
        arn=function.function_arn,
        handler=function.handler,
        code=function.code_bytes,
        environment={name: str(value) for name, value in function.environment_vars.items()},
        timeout_seconds=float(function.timeout),
        memory_mb=int(function.memory_size),
    )
