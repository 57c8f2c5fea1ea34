"""The operator's Connection, put together from the secrets of the roles.

A target that keeps one secret a role has the whole Connection nowhere as one text. Who may read
several of the secrets gets a Connection with those roles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from holdfast.aws.secret_value import SecretValue
from holdfast.connection import Connection
from holdfast.errors import ConfigError
from holdfast.roles import Role


def gather(values: Mapping[Role, SecretValue]) -> Connection:
    """One Connection with a login for each role.

    Args:
        values: what each role's secret holds.

    Raises:
        ConfigError: no secret at all, one without the role's Connection, or secrets of two stores.
    """
    if not values:
        raise ConfigError("secrets", "none", "at least one role's secret", "name them")
    found = {role: _narrow(role, value) for role, value in values.items()}
    first_role, first = next(iter(found.items()))
    for role, narrow in found.items():
        if replace(narrow, users={}) != replace(first, users={}):
            raise ConfigError(
                "secrets",
                f"those of {first_role} and {role}",
                "secrets of one store, written by one deployment",
                "run pulumi up again, so that all of them are written anew",
            )
    return replace(first, users={role: narrow.users[role] for role, narrow in found.items()})


def _narrow(role: Role, value: SecretValue) -> Connection:
    narrow = value.connection
    if narrow is None or set(narrow.users) != {role}:
        raise ConfigError(
            f"secret of {role}",
            "another form",
            f"the Connection of {role} alone beside its login",
            "run pulumi up, so that it is written anew",
        )
    return replace(narrow, users={role: value.user(narrow.users[role])})
