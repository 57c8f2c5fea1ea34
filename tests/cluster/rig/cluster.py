"""A cluster as tests see it: a kubeconfig and a kubectl, whoever runs it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from tests.cluster.rig.errors import RigError

KUBECONFIG_VARIABLE: Final = "HOLDFAST_TEST_KUBECONFIG"
_COMMAND_SECONDS: Final = 90.0
_POLL_SECONDS: Final = 0.1

T = TypeVar("T")


def wait_until(what: str, seconds: float, ready: Callable[[], T]) -> T:
    """Poll until an answer is true, and return it; what kubectl refuses counts as not yet.

    Raises:
        RigError: the time is over; the last refusal is in the message.
    """
    deadline = time.monotonic() + seconds
    last = ""
    while True:
        try:
            if answer := ready():
                return answer
        except RigError as error:
            last = f": {error}"
        if time.monotonic() > deadline:
            raise RigError(f"{what}: not within {seconds:g} s{last}")
        time.sleep(_POLL_SECONDS)


class Cluster:
    """Any cluster that a kubeconfig leads to.

    Attributes:
        kubeconfig: the administrator's.
        kubectl_program: which kubectl is run.
        has_faults: whether its nodes can be cut off and switched off.
    """

    has_faults = False

    def __init__(self, kubeconfig: Path, kubectl_program: str = "kubectl") -> None:
        self.kubeconfig = kubeconfig
        self.kubectl_program = kubectl_program

    def kubectl(
        self, *arguments: str, stdin: str | None = None, seconds: float = _COMMAND_SECONDS
    ) -> str:
        """Run kubectl and return what it printed.

        Raises:
            RigError: it failed; its message is in the error.
        """
        argv = [self.kubectl_program, "--kubeconfig", str(self.kubeconfig), *arguments]
        try:
            result = subprocess.run(
                argv,
                input="" if stdin is None else stdin,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except FileNotFoundError as error:
            raise RigError(f"{self.kubectl_program} is not installed") from error
        except subprocess.TimeoutExpired as error:
            raise RigError(f"kubectl {arguments[0]} did not end within {seconds:g} s") from error
        if result.returncode != 0:
            said = (result.stderr or result.stdout).strip()
            raise RigError(f"kubectl {' '.join(arguments)[:200]}: {said[-2000:]}")
        return result.stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        """An object or a List, as ``kubectl get -o json`` gives it."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return found

    def apply(self, objects: Iterable[Mapping[str, Any]], namespace: str = "") -> None:
        """Create or change objects, in the namespace given where they do not name theirs."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        where = ["-n", namespace] if namespace else []
        self.kubectl("apply", *where, "-f", "-", stdin=text)

    def node_ready(self, name: str) -> bool:
        """Whether the cluster takes a node for alive."""
        conditions = self.get("node", name)["status"].get("conditions", [])
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def named_by_environment() -> Cluster | None:
    """The cluster that ``HOLDFAST_TEST_KUBECONFIG`` names.

    Raises:
        RigError: there is no such file.
    """
    named = os.environ.get(KUBECONFIG_VARIABLE, "")
    if not named:
        return None
    path = Path(named)
    if not path.is_file():
        raise RigError(f"{KUBECONFIG_VARIABLE}: got {named!r}, need the path of a kubeconfig")
    return Cluster(path)
