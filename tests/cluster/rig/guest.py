"""What runs inside a guest's namespaces: its first process, and the one that keeps its services up.

``python -m tests.cluster.rig.guest RUN_FOLDER NAME``. Outside such namespaces it does nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_RESTART_SECONDS: Final = 0.3
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Service:
    """A program that is started again whenever it ends.

    Attributes:
        name: of its log file, without the guest's name.
        argv: program and arguments.
        env: variables added to the guest's own.
        pass_fds: descriptors that it inherits.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    pass_fds: tuple[int, ...] = ()


class Keeper:
    """Starts services and keeps them up.

    Args:
        logs: folder of their output.
        prefix: of the names of their log files.
    """

    def __init__(self, logs: Path, prefix: str) -> None:
        self._logs = logs
        self._prefix = prefix

    def start(self, service: Service) -> None:
        """Start a service, from now on until the guest ends."""
        threading.Thread(target=self._keep, args=(service,), name=service.name).start()

    def _keep(self, service: Service) -> None:
        path = self._logs / f"{self._prefix}{service.name}.log"
        while True:
            with path.open("ab") as log:
                code = subprocess.run(
                    list(service.argv),
                    env={**os.environ, **service.env},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=service.pass_fds,
                    check=False,
                ).returncode
            say(f"{service.name} ended with exit code {code}, starting it again")
            time.sleep(_RESTART_SECONDS)


def say(message: str) -> None:
    """Write a line into the guest's log."""
    print(f"{time.strftime('%H:%M:%S')} {message}", flush=True)


def run(*argv: str | Path, env: Mapping[str, str] | None = None) -> None:
    """Run a program that has to succeed; its output goes into the guest's log."""
    subprocess.run(
        [str(part) for part in argv],
        env={**os.environ, **(env or {})},
        check=True,
        stdin=subprocess.DEVNULL,
    )


def wait_for(what: str, ready: Callable[[], bool], seconds: float) -> None:
    """Poll for a state.

    Raises:
        TimeoutError: it did not come.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} within {seconds:g} s")
        time.sleep(_POLL_SECONDS)
    say(f"{what}: there")


def main(arguments: Sequence[str]) -> int:
    """Be the first process of a guest: bury what is orphaned, end when the keeper ends."""
    root, name = Path(arguments[0]), arguments[1]
    if os.getpid() != 1:
        print("this runs as the first process of a namespace, started by the rig", file=sys.stderr)
        return 2
    keeper = os.fork()
    if keeper == 0:
        _keep(root, name)
    while True:
        pid, status = os.wait()
        if pid == keeper:
            say(f"the keeper ended ({status}): this guest is switched off")
            return 1


def _keep(root: Path, name: str) -> None:
    # Here and not above: the first process stays small.
    from tests.cluster.rig import control_plane, node
    from tests.cluster.rig.layout import CONTROL_PLANE, Layout

    try:
        layout = Layout.load(root)
        if name == CONTROL_PLANE:
            control_plane.boot(layout, Keeper(layout.logs, ""))
        else:
            node.boot(layout, name, Keeper(layout.logs, f"{name}-"))
    except BaseException:  # noqa: BLE001 - whatever it is, this process ends here
        traceback.print_exc()
        # Not sys.exit: threads of services that run already would hold it up.
        os._exit(1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
