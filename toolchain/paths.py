"""Where things are: the project, its ignored state folder, its environment."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The checkout."""

STATE = PROJECT / ".holdfast"
"""Ignored folder of the project: Pulumi state, passphrase, data of the local servers."""

VENV = PROJECT / ".venv"
"""The project's Python environment; Pulumi.yaml names it too."""

REQUIREMENTS = PROJECT / "requirements"
"""The lock files."""
