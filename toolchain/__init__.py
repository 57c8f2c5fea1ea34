"""How a machine gets what Holdfast needs: Python environment, Pulumi CLI, servers.

Standard library alone, any Python from 3.11 on: this runs before anything is installed. Each
command is a module: ``python3 -m toolchain.up``. Downloads and builds go to ``cache.cache_dir()``,
keyed by version, never into the tree. Progress goes to stderr, results to stdout; exit code 2 means
that the machine or its configuration lacks something, and the message says what to do.
"""
