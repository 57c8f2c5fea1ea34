"""From where a command speaks to its store: from here, or from a pod beside the store.

Options of the command line, shared by smoke, drill and rotate. The client of Kubernetes is
imported only when a pod is asked for. What a function on AWS does is in
:mod:`holdfast.aws.lambda_via`.
"""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from holdfast.cluster.errors import ClusterUnavailable
from holdfast.cluster.near_side import run_task
from holdfast.cluster.store import StoreName
from holdfast.cluster.verifier_job import default_image
from holdfast.connection import Connection
from holdfast.errors import ConfigError

if TYPE_CHECKING:
    from holdfast.cluster.api import ClusterApi
    from holdfast.cluster.tasks import Task
    from holdfast.cluster.verifier import Verifier


class Via(StrEnum):
    """Where the checks are made."""

    DIRECT = "direct"
    JOB = "job"
    LAMBDA = "lambda"


_PLACES: Final = {
    Via.DIRECT: "from here (direct)",
    Via.JOB: "from a pod beside it (job; the default for the target kubernetes)",
    Via.LAMBDA: "from a function in its network (lambda; the default for the target aws where the "
    "stack has one)",
}


def add_arguments(
    parser: argparse.ArgumentParser, ways: Sequence[Via] = (Via.DIRECT, Via.JOB)
) -> None:
    """The options of from where, and of a store in a cluster.

    Args:
        parser: of the command.
        ways: that the command knows.
    """
    parser.add_argument(
        "--via",
        choices=[via.value for via in ways],
        help=f"speak to the store {', or '.join(_PLACES[via] for via in ways)}",
    )
    group = parser.add_argument_group("a store in a Kubernetes cluster")
    group.add_argument(
        "--kubeconfig", metavar="FILE", help="of the store's cluster (default: as kubectl does)"
    )
    group.add_argument("--context", metavar="NAME", help="in the kubeconfig (default: its own)")
    group.add_argument("--image", metavar="IMAGE", help=f"of that pod (default {default_image()})")
    group.add_argument(
        "--pull-secret",
        metavar="NAME",
        action="append",
        default=[],
        help="a Secret to pull the image with; may be repeated",
    )


def chosen(arguments: argparse.Namespace, connection: Connection) -> Via:
    """What was asked for, or suits the target."""
    if arguments.via is not None:
        return Via(arguments.via)
    return Via.JOB if connection.target == "kubernetes" else Via.DIRECT


def open_api(arguments: argparse.Namespace) -> ClusterApi:
    """The cluster that the arguments name.

    Raises:
        ConfigError: the kubeconfig cannot be read, or the client of Kubernetes is not installed.
    """
    try:
        from holdfast.cluster.api import ClusterApi  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            "--via",
            "job",
            "the Python client of Kubernetes",
            f"install Holdfast with the extra kubernetes ({error.name} is missing)",
        ) from None
    # Its pool warns of each attempt; the error that follows says it once and better.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    return ClusterApi.load(arguments.kubeconfig, arguments.context)


class There:
    """A verifier at work.

    Args:
        verifier: its Job.
        stop: set when the person wants an end.
        say: told what goes wrong, in lines for stderr.
    """

    def __init__(
        self, verifier: Verifier, stop: threading.Event, say: Callable[[str], None]
    ) -> None:
        self._verifier = verifier
        self._stop = stop
        self._say = say

    def run(self, task: Task, hands: Mapping[str, object]) -> Any:  # noqa: ANN401 - of the task
        """Have a task done there; what it comes to. Raises what the task raises.

        Raises:
            FarSideLost: the verifier is gone; its state has been shown.
        """
        try:
            return run_task(self._verifier.channel(), task, hands, self._stop, warn=self._say)
        except ClusterUnavailable:
            if not self._stop.is_set():
                self._say(self._verifier.report())
            raise

    def show_store(self) -> None:
        """Show how the store's pods are."""
        self._say(self._verifier.store_report())


@contextmanager
def verifier(
    arguments: argparse.Namespace, connection: Connection, stop: threading.Event, program: str
) -> Iterator[There]:
    """A verifier beside the store, for as long as the block lasts.

    Args:
        arguments: with those of :func:`add_arguments`.
        connection: the store.
        stop: set when the person wants an end.
        program: begins each line on stderr.

    Raises:
        ConfigError: an argument is wrong, a right is missing, or the image cannot be had.
        ClusterUnavailable: the API server does not answer, or the pod does not come to run.
    """

    def say(text: str) -> None:
        for line in text.splitlines():
            sys.stderr.write(f"{program}: {line}\n")

    store = StoreName.of(connection)
    api = open_api(arguments)
    from holdfast.cluster.verifier import Verifier  # noqa: PLC0415 - an extra

    try:
        with Verifier(
            api,
            store,
            image=arguments.image if arguments.image is not None else default_image(),
            pull_secrets=arguments.pull_secret,
            stopped=stop.is_set,
            say=say,
        ) as made:
            yield There(made, stop, say)
    finally:
        api.close()
