"""The one error of the rig."""

from __future__ import annotations


class RigError(Exception):
    """The cluster cannot be brought up, reached or hurt as asked; the message says why."""
