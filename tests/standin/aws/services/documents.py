"""JSON texts that AWS hands back as objects, or encoded."""

from __future__ import annotations

import json
from urllib.parse import unquote


def document_text(value: object) -> str | None:
    """A policy as a text; IAM's client hands it over as an object, other ways encoded."""
    if value is None:
        return None
    if isinstance(value, str):
        return unquote(value) if value.startswith("%7B") else value
    return json.dumps(value)
