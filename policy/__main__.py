"""Serves the pack to the engine; PolicyPack does not return before it is told to end."""

from __future__ import annotations

import sys
from pathlib import Path

# The engine starts this folder, which makes it the first to be searched: its modules are found as
# parts of the package `policy`, and the rest of the checkout beside it.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from pulumi_policy import PolicyPack  # noqa: E402 - as above

from policy.catalogue import RULES  # noqa: E402 - as above
from policy.pack import policies  # noqa: E402 - as above

PolicyPack("holdfast", policies=[*policies(RULES)])
