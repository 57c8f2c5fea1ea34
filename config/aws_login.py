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


def has_login(
    environment: Mapping[str, str], instance: Callable[[], bool] = on_an_instance
) -> bool:
    """Whether AWS's plugin finds a login, in any place that it looks at.

    What a file holds is for the plugin to judge.

    Args:
        environment: variables of the process.
        instance: see :func:`on_an_instance`; asked last.
    """
    if all(environment.get(name) for name in _KEYS) or any(map(environment.get, _SOURCES)):
        return True
    home = Path(environment.get("HOME", "/"))
    if any(
        Path(environment.get(name) or home / ".aws" / usual).is_file()
        for name, usual in _FILES.items()
    ):
        return True
    if environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return False
    return any(name.startswith("AWS_EC2_METADATA_SERVICE") for name in environment) or instance()


def no_login() -> ConfigError:
    """To begin without one: each resource and each question to AWS would fail of its own."""
    return ConfigError(
        "AWS credentials",
        "none",
        "a login in the environment, in ~/.aws, or of the instance or container",
        "log in (`aws sso login`) and set AWS_PROFILE, or set "
        f"{' and '.join(_KEYS)}; `pulumi preview` of a stack that adopts nothing needs none",
    )
