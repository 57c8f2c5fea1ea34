"""The program that ``pulumi up`` runs: settings, one store, its outputs."""

from __future__ import annotations

from pathlib import Path

from components.factory import create_store
from components.outputs import export_outputs
from config.pulumi_config import load_stack_settings, plain_errors

settings = load_stack_settings(Path(__file__).resolve().parent)
with plain_errors():
    export_outputs(create_store(settings), preset=settings.preset.value)
