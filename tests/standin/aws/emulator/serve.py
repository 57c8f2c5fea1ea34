"""The emulator's process: moto's server with our ElastiCache, and the servers behind it."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Final

from tests.standin.aws.dataplane.absent import NoDataPlane
from tests.standin.aws.dataplane.api import DataPlane
from tests.standin.aws.emulator.environment import write_ca_bundle
from tests.standin.aws.emulator.layout import REGION, Layout, State
from tests.standin.aws.emulator.lifetime import Options

_HOST: Final = "127.0.0.1"
_PR_SET_PDEATHSIG: Final = 1


def serve(folder: Path, options: Options) -> int:
    """Serve until a termination; everything that was started or written is gone after it.

    Raises:
        EmulatorError: one runs in this folder already.
    """
    ended = _Termination()
    if options.die_with_parent:
        _die_with_parent()
    layout = Layout(folder.resolve())
    with layout.hold():
        layout.clear(log=False)  # it is written to already
        layout.aws_config.touch()
        plane = _open_data_plane(layout, options)
        try:
            _serve(layout, options, plane, ended)
        finally:
            plane.close()
            layout.clear()
    return 0


def _open_data_plane(layout: Layout, options: Options) -> DataPlane:
    if not options.data_plane:
        return NoDataPlane()
    from tests.standin.aws.dataplane.valkey import open_data_plane

    layout.data.mkdir()
    return open_data_plane(layout.data)


def _serve(layout: Layout, options: Options, plane: DataPlane, ended: _Termination) -> None:
    # moto reads its settings when it is imported.
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    from tests.standin.aws.emulator.install import install

    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    write_ca_bundle(layout, plane.ca_file)
    server = make_server(
        _HOST,
        options.port,
        DomainDispatcherApplication(create_backend_app),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
    state = State(
        pid=os.getpid(),
        port=server.server_port,
        region=REGION,
        ca_file=str(plane.ca_file) if plane.ca_file else None,
        names_file=str(plane.names_file) if plane.names_file else None,
    )
    install(plane, layout, state, delay_seconds=options.delay_seconds)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        layout.write_state(state)
        ended.wait()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Termination:
    """Waits for SIGTERM or SIGINT, whenever it comes and whichever thread gets it.

    The interpreter's own handler writes into a pipe. A handler in Python would run only between
    two instructions, and not at all where the signal comes just before a wait begins.
    """

    def __init__(self) -> None:
        self._seen, self._tell = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(self._seen, True)
        signal.set_wakeup_fd(self._tell, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)

    def wait(self) -> None:
        """Return after the first signal, also where it came before."""
        os.read(self._seen, 1)


def _die_with_parent() -> None:
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:  # it ended before the kernel knew
        raise SystemExit(1)
