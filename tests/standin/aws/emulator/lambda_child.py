"""Runs one handler, as Lambda's runtime for Python does. A script: it has its process to itself.

    python lambda_child.py FOLDER HANDLER RESULT    (the invocation as JSON on stdin)

What the handler prints and logs goes to stdout. ``RESULT`` is a file: ``{"payload": ...}`` or
``{"error": ...}``, the latter as Lambda shows it to who invoked the function.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import logging
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Final

_PR_SET_PDEATHSIG: Final = 1
_ARGUMENTS: Final = 4


class Context:
    """The part of Lambda's context object that is known before a handler runs."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.function_name: str = facts["function_name"]
        self.function_version = "$LATEST"
        self.invoked_function_arn: str = facts["arn"]
        self.memory_limit_in_mb = str(facts["memory"])
        self.aws_request_id: str = facts["request_id"]
        self.log_group_name = f"/aws/lambda/{self.function_name}"
        self.log_stream_name = self.aws_request_id
        self.identity = None
        self.client_context = None
        self._ends = time.monotonic() + float(facts["timeout"])

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is stopped."""
        return max(0, int(1000 * (self._ends - time.monotonic())))


def main() -> int:
    """Run it; the exit code is 0 also where the handler raised."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    folder, name, result = sys.argv[1:_ARGUMENTS]
    invocation = json.load(sys.stdin)
    os.chdir(folder)
    sys.path[0] = folder
    facts = invocation["facts"]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        logging.Formatter(f"[%(levelname)s]\t%(asctime)s\t{facts['request_id']}\t%(message)s")
    )
    logging.getLogger().addHandler(handler)
    try:
        module, _, function = name.rpartition(".")
        found = getattr(importlib.import_module(module.replace("/", ".")), function)
        answer = {"payload": found(invocation["event"], Context(facts))}
        text = json.dumps(answer)
    except BaseException as error:  # noqa: BLE001 - whatever it is goes to who invoked the function
        traceback.print_exc(file=sys.stdout)
        stack = traceback.format_tb(error.__traceback__)
        shown = {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "requestId": facts["request_id"],
            "stackTrace": stack,
        }
        text = json.dumps({"error": shown})
    sys.stdout.flush()
    Path(result).write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
