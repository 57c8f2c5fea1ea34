"""Whether this process has an AWS login at all. AWS is not asked whether the login is good."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from holdfast.errors import ConfigError

_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_SOURCES: Final = (
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_FILES: Final = {"AWS_SHARED_CREDENTIALS_FILE": "credentials", "AWS_CONFIG_FILE": "config"}
_INSTANCE: Final = ("169.254.169.254", 80)
_INSTANCE_SECONDS: Final = 1.0


def on_an_instance() -> bool:
    """Whether the metadata of an EC2 instance, where its role's login is, can be reached."""
    try:
        socket.create_connection(_INSTANCE, timeout=_INSTANCE_SECONDS).close()
    except OSError:
        return False
    return True


def check_login(
    environment: Mapping[str, str], instance: Callable[[], bool] = on_an_instance
) -> None:
    """Refuse to begin where AWS's plugin would find no login, in any place that it looks at.

    Each resource and each question to AWS would fail of its own otherwise. What a file holds is
    for the plugin to judge.

    Args:
        environment: variables of the process.
        instance: see :func:`on_an_instance`; asked last.

    Raises:
        ConfigError: there is none.
    """
    if all(environment.get(name) for name in _KEYS) or any(map(environment.get, _SOURCES)):
        return
    home = Path(environment.get("HOME", "/"))
    if any(
        Path(environment.get(name) or home / ".aws" / usual).is_file()
        for name, usual in _FILES.items()
    ):
        return
    if environment.get("AWS_EC2_METADATA_DISABLED", "").lower() != "true":
        elsewhere = any(name.startswith("AWS_EC2_METADATA_SERVICE") for name in environment)
        if elsewhere or instance():
            return
    raise ConfigError(
        "AWS credentials",
        "none",
        "a login in the environment, in ~/.aws, or of the instance or container",
        "log in (`aws sso login`) and set AWS_PROFILE, or set "
        f"{' and '.join(_KEYS)}; docs/targets.md says how to preview without an account",
    )
