"""A CA's certificates out of a file that a setting names."""

from __future__ import annotations

from config.place import Place
from config.schema import BY_NAME
from holdfast.errors import ConfigError


def read_ca(name: str, setting: str, place: Place) -> str:
    """The file's text.

    Args:
        name: of the setting.
        setting: its value, a path.
        place: where relative paths begin.

    Raises:
        ConfigError: it cannot be read, holds no certificate, or holds a private key.
    """
    try:
        text = place.path(name, setting).read_text("utf-8")
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "not a text"
        raise ConfigError(BY_NAME[name].key, setting, "a file that can be read", problem) from None
    if "-----BEGIN CERTIFICATE-----" not in text or "PRIVATE KEY" in text:
        raise ConfigError(
            BY_NAME[name].key,
            setting,
            "certificates as PEM, and no private key",
            "give the CA's certificate alone",
        )
    return text
