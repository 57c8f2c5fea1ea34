"""How a machine gets what Holdfast needs: Python environment, Pulumi CLI, servers.

Standard library alone, any Python from 3.11 on: this runs before anything is installed. Each
command is a module: ``python3 -m toolchain.up``. Downloads and builds go to ``cache.cache_dir()``,
keyed by version, never into the tree. Progress goes to stderr, results to stdout; exit code 2 means
that the machine or its configuration lacks something, and the message says what to do.
"""

import sys

# Here and not in a function: older Pythons cannot even import the modules of this package.
if sys.version_info < (3, 11):  # noqa: UP036 - this is what says so
    sys.stderr.write(
        f"error: python3 is {sys.version.split()[0]}, need 3.11 or newer; "
        "install it and name it: make PYTHON=python3.12 ...\n"
    )
    raise SystemExit(2)
