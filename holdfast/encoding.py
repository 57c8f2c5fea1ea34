"""JSON in and out: values are encoded once, on the way in, and decoded only when looked at."""

from __future__ import annotations

import json
from typing import Any, Final

from holdfast.errors import ConfigError

_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def encode_json(field: str, value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """A value as compact JSON; bytes are taken for JSON already and pass unchanged.

    Raises:
        ConfigError: not a JSON value (NaN, a set, a lone surrogate, a cycle).
    """
    if isinstance(value, bytes):
        return value
    try:
        return _encode(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        # The content may be confidential: the message names its type alone.
        raise ConfigError(
            field,
            type(value).__name__,
            f"a JSON value or bytes that are JSON ({type(error).__name__})",
            "convert what JSON cannot hold",
        ) from None


def decode_json(raw: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """The value of JSON bytes. Raises ValueError where bytes that are not JSON were stored."""
    return json.loads(raw)
