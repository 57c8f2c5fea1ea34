from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _outputs_in_texts_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "1")
