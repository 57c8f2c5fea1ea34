"""What a smoke run asks of the verifier's function, and what the function answers.

Both are JSON objects that a person can read too: ``aws lambda invoke`` shows the same ``result``
as ``smoke --json``. No field holds a secret. Nothing here needs the AWS SDK: the program that
deploys the function imports it in every preview.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from holdfast.cluster.failures import Failure
from holdfast.cluster.values import WireError, from_wire, to_wire
from holdfast.connection import Connection
from holdfast.errors import ConfigError, HoldfastError
from holdfast.verify.result import ExitCode, Group, Report

VERSION: Final = 1
SECRETS_VARIABLE: Final = "HOLDFAST_SECRETS"
"""Environment variable of the function: a JSON object, the ARN of the secret of each role."""

RESERVE_SECONDS: Final = 20.0
"""What is kept of the function's time for checks that end late and for removing keys."""

_FIELDS: Final = ("version", "groups", "timeout_seconds")


@dataclass(frozen=True, slots=True)
class Request:
    """Which checks, and how long they may take.

    Attributes:
        groups: of the checks; empty for all.
        timeout_seconds: for the whole run.
    """

    groups: tuple[Group, ...] = ()
    timeout_seconds: float = 60.0

    def to_json(self) -> str:
        """The event of the function."""
        return json.dumps(
            {
                "version": VERSION,
                "groups": [group.value for group in self.groups],
                "timeout_seconds": self.timeout_seconds,
            }
        )

    @classmethod
    def of_event(cls, event: Mapping[str, Any]) -> Self:
        """Read the event; an empty one asks for everything.

        Raises:
            ConfigError: an unknown field or version, or a value of another kind.
        """
        unknown = sorted(set(event) - set(_FIELDS))
        if unknown:
            raise ConfigError("event", unknown[0], f"one of {', '.join(_FIELDS)}", "leave it out")
        version = event.get("version", VERSION)
        if version != VERSION:
            raise ConfigError(
                "event.version", version, f"{VERSION}", "run pulumi up: the function is older"
            )
        try:
            groups: tuple[Group, ...] = from_wire(tuple[Group, ...], event.get("groups", []))
            seconds: float = from_wire(float, event.get("timeout_seconds", 60.0))
        except WireError as error:
            raise ConfigError(
                "event", "a value of another kind", str(error), "see Request"
            ) from None
        if not 0 < seconds < float("inf"):
            raise ConfigError("event.timeout_seconds", seconds, "seconds above 0", "raise it")
        return cls(groups, seconds)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the function found.

    Attributes:
        edition: of the Holdfast in the function.
        exit_code: what a direct run would end with.
        report: every result; None where there is an error instead.
        error: why nothing was checked.
        store: the Connection without a login; None where it could not be read.
    """

    edition: str
    exit_code: ExitCode
    report: Report | None = None
    error: HoldfastError | None = None
    store: Connection | None = None

    def to_document(self) -> dict[str, Any]:
        """The function's answer."""
        return {
            "version": VERSION,
            "edition": self.edition,
            "exit_code": int(self.exit_code),
            "result": None if self.report is None else json.loads(self.report.to_json()),
            "report": to_wire(self.report),
            "error": None if self.error is None else to_wire(Failure.of(self.error)),
            "store": None
            if self.store is None
            else json.loads(replace(self.store, users={}).to_json()),
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """Read an answer of a function with the same sources.

        Raises:
            ValueError: it is none.
        """
        try:
            store, error = document["store"], document["error"]
            failure: Failure | None = None if error is None else from_wire(Failure, error)
            report: Report | None = from_wire(Report | None, document["report"])
            return cls(
                edition=str(document["edition"]),
                exit_code=ExitCode(document["exit_code"]),
                report=report,
                error=None if failure is None else failure.error(),
                store=None if store is None else Connection.from_json(json.dumps(store)),
            )
        except (KeyError, TypeError, ValueError) as wrong:
            raise ValueError(f"no answer of the verifier: {wrong}") from None
