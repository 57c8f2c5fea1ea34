"""Smoke by the verifier's function: it is invoked, and its answer is told as if made here.

boto3, of the extra ``aws``, is imported only when a function is asked for.
"""

from __future__ import annotations

import argparse
import base64
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from holdfast.aws.lambda_errors import Function, FunctionFailed, error_code, judged
from holdfast.aws.lambda_protocol import Answer, Request
from holdfast.cluster.edition import compare
from holdfast.errors import ConfigError
from holdfast.verify.target import plain_outputs

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import InvocationResponseTypeDef

OUTPUT: Final = "resources"
KEY: Final = "verifier_function"
REGION_KEY: Final = "region"
ANSWER_SECONDS: Final = 60.0
"""For what the function does beside the checks: start, secrets, removing keys."""

BUSY_SECONDS: Final = 120.0
"""How long to wait for a function that is at work for somebody else, or is being woken."""

_POLL_SECONDS: Final = 1.0
_CONNECT_SECONDS: Final = 10.0
_WAIT: Final = frozenset({"TooManyRequestsException", "ResourceNotReadyException"})
"""One run at a time; and after weeks without one the function's network has to be made anew."""

Invoke = Callable[[str], Mapping[str, Any]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a store on AWS."""
    group = parser.add_argument_group("a store on AWS, by its verifier (--via lambda)")
    group.add_argument(
        "--function",
        metavar="NAME",
        help=f"of the verifier (default: {OUTPUT}.{KEY} of the stack); no Connection is needed",
    )
    group.add_argument(
        "--region", metavar="REGION", help="of the function (default: the stack's, or boto3's own)"
    )


def function_of(arguments: argparse.Namespace) -> Function:
    """The function that the arguments name.

    Raises:
        ConfigError: they name none, and no stack that has one.
    """
    if arguments.function is not None:
        return Function(arguments.function, arguments.region)
    if arguments.stack is None:
        raise ConfigError(
            "--via", "lambda", "the verifier's function", "give --stack NAME or --function NAME"
        )
    found = function_of_stack(arguments.stack, arguments.region)
    if found is None:
        raise ConfigError(
            "--stack",
            arguments.stack,
            f"a stack with a verifier (output {OUTPUT}.{KEY})",
            "pulumi config set holdfast:verifier true, then pulumi up; or --via direct from a "
            "host inside the network",
        )
    return found


def function_of_stack(stack: str, region: str | None = None) -> Function | None:
    """The verifier of a stack; None where it has none. Raises ConfigError."""
    resources = plain_outputs(stack).get(OUTPUT)
    if not isinstance(resources, Mapping) or not resources.get(KEY):
        return None
    return Function(str(resources[KEY]), region or resources.get(REGION_KEY) or None)


def ask(
    function: Function,
    request: Request,
    stop: threading.Event,
    say: Callable[[str], None],
    *,
    invoke: Invoke | None = None,
    busy_seconds: float = BUSY_SECONDS,
) -> Answer:
    """Have the function make the checks.

    Args:
        function: which.
        request: what it is to do.
        stop: set when the person wants an end; the function then ends by itself.
        say: told what goes wrong, in lines for stderr.
        invoke: makes the call, for tests.
        busy_seconds: how long to wait for it while it is at work for somebody else.

    Raises:
        ConfigError: no such function, no right to invoke it, or it holds another Holdfast.
        FunctionFailed: it broke off, or the API does not answer.
        HoldfastError: what it ran into there.
    """
    call = invoke or _Invocation(function, request)
    response = _Waiting(call, request.to_json(), stop).result(function, say, busy_seconds)
    log = _log(response)
    document = _document(response, function, log, say)
    warning = compare(
        str(document.get("edition")),
        field="function",
        holder="function",
        fix="run pulumi up with this version, or use the version that was deployed",
    )
    if warning:
        say(warning)
    try:
        answer = Answer.of_document(document)
    except ValueError as error:
        raise FunctionFailed(f"the function {function}: {error}") from None
    if answer.exit_code:
        say(log)
    if answer.error is not None:
        raise answer.error
    return answer


class _Invocation:
    """One synchronous call, never repeated by the library: each would be a run of its own."""

    def __init__(self, function: Function, request: Request) -> None:
        try:
            import boto3  # noqa: PLC0415 - an extra
            from botocore.config import Config  # noqa: PLC0415
            from botocore.exceptions import NoRegionError  # noqa: PLC0415
        except ImportError as error:
            raise ConfigError(
                "--via",
                "lambda",
                "the AWS SDK",
                f"install Holdfast with the extra aws ({error.name} is missing)",
            ) from None
        # It says where it found each setting, among what a person asked to see of the checks.
        logging.getLogger("botocore").setLevel(logging.WARNING)
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=request.timeout_seconds + ANSWER_SECONDS,
            tcp_keepalive=True,
            retries={"mode": "standard", "total_max_attempts": 1},
        )
        try:
            self._client: LambdaClient = boto3.client(
                "lambda", region_name=function.region, config=config
            )
        except NoRegionError:
            raise ConfigError(
                "--region", "nothing", "the function's region", "give it, or set AWS_REGION"
            ) from None
        self._name = function.name

    def __call__(self, payload: str) -> Mapping[str, Any]:
        response: InvocationResponseTypeDef = self._client.invoke(
            FunctionName=self._name,
            InvocationType="RequestResponse",
            LogType="Tail",
            Payload=payload.encode(),
        )
        return {**response, "Payload": response["Payload"].read()}


class _Waiting:
    """The call on a thread of its own, so that Ctrl-C is heard meanwhile."""

    def __init__(self, invoke: Invoke, payload: str, stop: threading.Event) -> None:
        self._invoke = invoke
        self._payload = payload
        self._stop = stop

    def result(
        self, function: Function, say: Callable[[str], None], busy_seconds: float
    ) -> Mapping[str, Any]:
        """What the call came to. Raises ConfigError, FunctionFailed."""
        deadline = time.monotonic() + busy_seconds
        told = False
        while True:
            outcome = self._once()
            if not isinstance(outcome, Exception):
                return outcome
            code = error_code(outcome)
            if code not in _WAIT or time.monotonic() > deadline:
                raise judged(outcome, function) from None
            if not told:
                say(f"the function {function} is busy or being woken ({code}); waiting for it")
                told = True
            if self._stop.wait(_POLL_SECONDS):
                raise FunctionFailed("stopped while the function was busy")

    def _once(self) -> Mapping[str, Any] | Exception:
        outcome: list[Mapping[str, Any] | Exception] = []

        def call() -> None:
            try:
                outcome.append(self._invoke(self._payload))
            except Exception as error:  # noqa: BLE001 - judged by the caller
                outcome.append(error)

        # A daemon: a call that nobody waits for any more must not hold the process.
        worker = threading.Thread(target=call, name="invoke", daemon=True)
        worker.start()
        while worker.is_alive():
            worker.join(0.1)
            if self._stop.is_set() and worker.is_alive():
                raise FunctionFailed(
                    "stopped; the function ends by itself and removes the keys that it wrote"
                )
        return outcome[0]


def _log(response: Mapping[str, Any]) -> str:
    """The end of the function's log, at most 4 KB, as AWS gives it."""
    text = base64.b64decode(response.get("LogResult") or "").decode("utf-8", errors="replace")
    return "\n".join(f"log  {line}" for line in text.splitlines() if line.strip())


def _document(
    response: Mapping[str, Any], function: Function, log: str, say: Callable[[str], None]
) -> Mapping[str, Any]:
    try:
        document = json.loads(response["Payload"])
    except ValueError:
        document = None
    kind = response.get("FunctionError")
    if kind is None and isinstance(document, dict):
        return document
    say(log)
    what = document.get("errorMessage", "no message") if isinstance(document, dict) else "no JSON"
    raise FunctionFailed(f"the function {function} broke off ({kind or 'its answer'}): {what}")
