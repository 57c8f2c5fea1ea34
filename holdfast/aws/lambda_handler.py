"""What the verifier's function runs: the checks of ``smoke``, from inside the store's network.

``handler`` is what Lambda calls. It reads the secret of each role that the function's environment
names, makes the checks, and answers as :mod:`holdfast.aws.lambda_protocol` says. Progress goes to
its log. Nothing here needs more than the standard library, redis-py and the runtime's own boto3.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from holdfast.aws import api
from holdfast.aws.gathered import gather
from holdfast.aws.lambda_protocol import RESERVE_SECONDS, SECRETS_VARIABLE, Answer, Request
from holdfast.aws.secret_value import SecretValue, read_value, region_of
from holdfast.cluster.edition import edition
from holdfast.connection import Connection
from holdfast.errors import ConfigError, HoldfastError, StoreUnavailable
from holdfast.roles import Role
from holdfast.verify.catalogue import select
from holdfast.verify.result import ExitCode, NotChecked, Outcome, Report
from holdfast.verify.runner import Limits, verify

_MINIMUM_SECONDS: Final = 5.0
_PROGRESS_SECONDS: Final = 2.0
_LOG: Final = logging.getLogger("holdfast.verifier")


class LambdaContext(Protocol):
    """The part of Lambda's context object that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is stopped."""
        ...


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Make the checks; the answer as a JSON object.

    An error that a person can mend is part of the answer, with the exit code that a direct run
    ends with. Any other is a mistake of this program: it ends the invocation as failed.
    """
    # Lambda's runtime has a handler on the root logger, at WARNING.
    logging.getLogger("holdfast").setLevel(logging.INFO)
    answer = run(event, context, os.environ, _read_secrets)
    _LOG.info("ends with exit code %d", answer.exit_code)
    return answer.to_document()


def run(
    event: Mapping[str, Any],
    context: LambdaContext,
    environ: Mapping[str, str],
    read: Callable[[Mapping[Role, str]], Mapping[Role, SecretValue]],
) -> Answer:
    """The same with everything that it depends on.

    Args:
        event: a :class:`Request` as JSON.
        context: says how much time is left.
        environ: where the secrets are named.
        read: gives the value of each role's secret.
    """
    store: Connection | None = None
    try:
        request = Request.of_event(event)
        store = gather(read(_secret_arns(environ)))
        report = _verified(store, request, context)
    except (ConfigError, NotChecked) as error:
        return _refused(error, ExitCode.USAGE, store)
    except HoldfastError as error:
        return _refused(error, ExitCode.NO_CONNECTION, store)
    for result in report.checks:
        if result.outcome is Outcome.FAIL:
            _LOG.warning("FAIL %s: %s", result.check, result.error)
    code = ExitCode.PASS if report.ok else ExitCode.CHECK_FAILED
    return Answer(edition(), code, report=report, store=store)


def _refused(error: HoldfastError, code: ExitCode, store: Connection | None) -> Answer:
    _LOG.error("%s", error)
    return Answer(edition(), code, error=error, store=store)


def _secret_arns(environ: Mapping[str, str]) -> Mapping[Role, str]:
    try:
        named = json.loads(environ.get(SECRETS_VARIABLE, ""))
        return {Role(role): str(arn) for role, arn in named.items()}
    except (ValueError, AttributeError):
        raise ConfigError(
            SECRETS_VARIABLE,
            environ.get(SECRETS_VARIABLE, ""),
            "a JSON object, the ARN of the secret of each role",
            "run pulumi up: the stack sets it",
        ) from None


def _verified(store: Connection, request: Request, context: LambdaContext) -> Report:
    left = context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS
    if left < _MINIMUM_SECONDS:
        raise ConfigError(
            "function timeout",
            f"{left + RESERVE_SECONDS:.0f} s left",
            f"at least {RESERVE_SECONDS + _MINIMUM_SECONDS:.0f} s",
            "raise the function's timeout",
        )
    if left < request.timeout_seconds:
        _LOG.warning("%.0f s were asked for, %.0f s are left", request.timeout_seconds, left)
    _LOG.info("%s store, %s", store.topology, ", ".join(sorted(store.users)))
    return verify(
        store,
        select(request.groups),
        limits=Limits(total_seconds=min(request.timeout_seconds, left)),
        watch=_Progress(),
    )


class _Progress:
    """Says how far it is, every two seconds."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _PROGRESS_SECONDS

    def __call__(self, done: int, total: int, waiting: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _PROGRESS_SECONDS
            _LOG.info("%d of %d checks done, at work: %s", done, total, waiting)


def _read_secrets(arns: Mapping[Role, str]) -> Mapping[Role, SecretValue]:
    try:
        return {
            role: read_value(api.secrets_manager(region_of(arn)), arn) for role, arn in arns.items()
        }
    except StoreUnavailable as error:
        raise StoreUnavailable(
            f"{error}; the function's subnets need an endpoint for Secrets Manager, whose security "
            f"group admits the function, or a NAT"
        ) from None
