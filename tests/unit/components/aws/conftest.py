from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _outputs_in_texts_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "1")


@pytest.fixture(autouse=True)
def _a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
