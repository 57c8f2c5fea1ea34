"""The one error of the toolchain, and how a command ends with it."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable

EXIT_FAILED = 1
EXIT_CONFIGURATION = 2
EXIT_INTERRUPTED = 130


class ToolchainError(Exception):
    """The machine lacks something, or a tool failed; the message says what to do about it.

    Attributes:
        exit_code: what the command exits with.
    """

    def __init__(self, message: str, *, exit_code: int = EXIT_CONFIGURATION) -> None:
        self.exit_code = exit_code
        super().__init__(message)


def run_command(main: Callable[[], int]) -> int:
    """Run a command's body and turn its errors into a message on stderr and an exit code."""
    try:
        return main()
    except ToolchainError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(f"error: no space left on the disk{where}; free some and run again", file=sys.stderr)
        return EXIT_CONFIGURATION
