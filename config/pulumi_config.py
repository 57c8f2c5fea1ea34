"""Settings out of a running Pulumi program: the one place in this room that knows Pulumi."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pulumi
from pulumi.runtime import config as runtime_config

from config.place import Place, machine_memory_bytes
from config.schema import BY_NAME, NAMESPACE
from config.settings import Settings, load_settings
from holdfast.errors import ConfigError, HoldfastError


def load_stack_settings(root: Path) -> Settings:
    """The settings of the stack that this program runs for.

    Args:
        root: the project's folder.

    Raises:
        pulumi.RunError: a setting is wrong. The engine shows its text without a trace.
    """
    with plain_errors():
        settings = load_settings(
            _plain_settings(),
            Place(
                project=pulumi.get_project(),
                stack=pulumi.get_stack(),
                root=root,
                environment=os.environ,
                memory_bytes=machine_memory_bytes(),
            ),
        )
    if settings.advice is not None:
        pulumi.warn(settings.advice)
    return settings


@contextmanager
def plain_errors() -> Iterator[None]:
    """What is wrong for a person to read, without a trace.

    Raises:
        pulumi.RunError: instead of any error of ours.
    """
    try:
        yield
    except HoldfastError as error:
        raise pulumi.RunError(str(error)) from None


def _plain_settings() -> dict[str, object]:
    """Every key of our namespace, the unknown ones too: ``pulumi.Config`` cannot list them."""
    everything = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    prefix = f"{NAMESPACE}:"
    ours = {
        key.removeprefix(prefix): value
        for key, value in everything.items()
        if key.startswith(prefix)
    }
    for name, value in ours.items():
        setting = BY_NAME.get(name)
        is_secret = runtime_config.is_config_secret(f"{prefix}{name}")
        if setting is not None and setting.secret:
            if not is_secret and value != setting.default:
                raise ConfigError(
                    setting.key,
                    "a plain value",
                    "a secret",
                    f"`pulumi config rm {setting.key}`, then `pulumi config set --secret "
                    f"{setting.key} < FILE`; change what stood there, as the file of the stack "
                    "held it for all to read",
                )
        elif is_secret:
            # Settings stand in plain outputs and files; a secret among them would leak.
            raise ConfigError(
                f"{prefix}{name}", "a secret", "a plain value", "set it again without --secret"
            )
    return ours
