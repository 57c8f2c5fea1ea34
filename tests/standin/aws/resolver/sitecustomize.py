"""Put on PYTHONPATH, this answers the names in the file ``HOLDFAST_AWS_NAMES`` (see aws_names.py).

Without the variable nothing is imported and nothing changes.
"""

import os
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec


def _run_the_next_one() -> None:
    """Python imports one sitecustomize alone; a machine's own is not to be lost over ours."""
    # No Path objects: importing them costs every Python of the shell some milliseconds.
    here = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
    others = [entry for entry in sys.path if os.path.realpath(entry or ".") != here]
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


if os.environ.get("HOLDFAST_AWS_NAMES"):
    import_module("aws_names").install(os.environ["HOLDFAST_AWS_NAMES"])
_run_the_next_one()
