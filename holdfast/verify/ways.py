"""From where the checks of smoke are made: from here, from a pod, or from a function."""

from __future__ import annotations

import argparse
import sys
import threading
from dataclasses import dataclass
from typing import Final, Protocol

from holdfast.aws import lambda_via
from holdfast.aws.lambda_errors import Function, FunctionFailed
from holdfast.aws.lambda_protocol import Request
from holdfast.cluster import via
from holdfast.cluster.errors import ClusterUnavailable
from holdfast.cluster.tasks import Smoke
from holdfast.connection import Connection
from holdfast.errors import AccessDenied, StoreUnavailable, TlsFailed
from holdfast.verify.catalogue import select
from holdfast.verify.progress import Progress
from holdfast.verify.result import Report
from holdfast.verify.runner import Limits, describe, verify
from holdfast.verify.target import resolve

_START: Final = "start the store (make up), or see the network and the address"
_OUTSIDE: Final = (
    "nothing outside its network reaches it: have a function in there make the checks "
    "(pulumi config set holdfast:verifier true, then pulumi up), or run this on a host that does"
)


@dataclass(frozen=True, slots=True)
class Verified:
    """A run that was made.

    Attributes:
        store: what was checked; without a login where it was read elsewhere.
        report: what was found.
    """

    store: Connection
    report: Report


class Way(Protocol):
    """Makes the checks from somewhere."""

    @property
    def store(self) -> str:
        """The store in a line, as far as it is known before."""
        ...

    @property
    def fix(self) -> str:
        """What to do where the store does not answer."""
        ...

    def run(
        self, arguments: argparse.Namespace, stop: threading.Event, progress: Progress
    ) -> Verified:
        """Make them. Raises HoldfastError."""
        ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of from where."""
    via.add_arguments(parser, tuple(via.Via))
    lambda_via.add_arguments(parser)


def choose(arguments: argparse.Namespace) -> Way:
    """What was asked for, or suits the store.

    Raises:
        ConfigError: no store or function is named, or it cannot be read.
    """
    asked = None if arguments.via is None else via.Via(arguments.via)
    if asked is via.Via.LAMBDA or (asked is None and arguments.function is not None):
        return _ByFunction(lambda_via.function_of(arguments))
    connection = resolve(stack=arguments.stack, file=arguments.connection)
    if asked is None and connection.target == "aws" and arguments.stack is not None:
        function = lambda_via.function_of_stack(arguments.stack, arguments.region)
        if function is not None:
            return _ByFunction(function)
    if via.chosen(arguments, connection) is via.Via.JOB:
        return _FromPod(connection)
    return _FromHere(connection)


@dataclass(frozen=True, slots=True)
class _FromHere:
    connection: Connection

    @property
    def store(self) -> str:
        return describe(self.connection)

    @property
    def fix(self) -> str:
        return _OUTSIDE if self.connection.target == "aws" else _START

    def run(
        self, arguments: argparse.Namespace, stop: threading.Event, progress: Progress
    ) -> Verified:
        report = verify(
            self.connection,
            select(arguments.only),
            limits=Limits(total_seconds=arguments.timeout_seconds),
            stop=stop,
            watch=lambda done, _, waiting: progress.update(done, waiting),
        )
        return Verified(self.connection, report)


@dataclass(frozen=True, slots=True)
class _FromPod:
    connection: Connection

    @property
    def store(self) -> str:
        return describe(self.connection)

    @property
    def fix(self) -> str:
        return _START

    def run(
        self, arguments: argparse.Namespace, stop: threading.Event, progress: Progress
    ) -> Verified:
        task = Smoke(self.connection, tuple(arguments.only), arguments.timeout_seconds)
        with via.verifier(arguments, self.connection, stop, "smoke") as there:
            try:
                report: Report = there.run(task, {"screen": _Screen(progress)})
            except (StoreUnavailable, TlsFailed, AccessDenied) as error:
                if not isinstance(error, ClusterUnavailable):
                    there.show_store()
                raise
            if not report.ok and not report.interrupted:
                there.show_store()
            return Verified(self.connection, report)


class _Screen:
    """What a verifier shows on the caller's terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def watch(self, done: int, total: int, waiting: str) -> None:
        del total
        self._progress.update(done, waiting)


@dataclass(frozen=True, slots=True)
class _ByFunction:
    function: Function

    @property
    def store(self) -> str:
        return f"aws store, by the function {self.function}"

    @property
    def fix(self) -> str:
        return _START

    def run(
        self, arguments: argparse.Namespace, stop: threading.Event, progress: Progress
    ) -> Verified:
        def say(text: str) -> None:
            for line in text.splitlines():
                sys.stderr.write(f"smoke: {line}\n")

        request = Request(tuple(arguments.only), arguments.timeout_seconds)
        progress.update(0, f"the function {self.function.name}")
        answer = lambda_via.ask(self.function, request, stop, say)
        if answer.report is None or answer.store is None:
            raise FunctionFailed(f"the function {self.function} gave no report")
        return Verified(answer.store, answer.report)
