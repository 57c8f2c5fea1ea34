"""How long ``pulumi up`` of the local Sentinel stack takes: from nothing, unchanged, and down.

``python -m bench.stack`` copies the checkout, deploys it under the real engine to ports of its own,
and prints Markdown. Run it in a shell that has evaluated ``make env``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from holdfast.connection import Topology
from tests.local.stack import LocalStack
from tests.servers import newest_install

NOTHING = "up from nothing"
UNCHANGED = "up --refresh, unchanged"
DESTROY = "destroy"


def timed(act: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    begin = time.monotonic()
    act()
    return time.monotonic() - begin


def main(argv: Sequence[str] | None = None) -> int:
    """Deploy and destroy several times and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(argv)
    install = newest_install()
    if install is None:
        raise SystemExit("no server found: run `make env` once, it fetches one")
    seconds: dict[str, list[float]] = {NOTHING: [], UNCHANGED: [], DESTROY: []}
    with tempfile.TemporaryDirectory() as folder:
        stack = LocalStack.prepare(Path(folder), Topology.SENTINEL, install)
        for _ in range(options.rounds):
            try:
                seconds[NOTHING].append(timed(stack.up))
                seconds[UNCHANGED].append(timed(lambda: stack.up_unchanged("--refresh")))
            finally:
                seconds[DESTROY].append(timed(stack.engine.destroy))
    print(f"{install.engine} {install.version}, Sentinel topology, {options.rounds} rounds\n")
    print("| | median s | lowest | highest |\n|---|---|---|---|")
    for name, values in seconds.items():
        low, median, high = min(values), statistics.median(values), max(values)
        print(f"| {name} | {median:.1f} | {low:.1f} | {high:.1f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
