"""The operator's Connection, put together from the secrets of the roles.

A target that keeps one secret a role has the whole Connection nowhere as one text. Who may read
several of the secrets gets a Connection with those roles.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from holdfast.connection import Connection, User
from holdfast.errors import ConfigError
from holdfast.roles import Role


def gather(values: Mapping[Role, str]) -> Connection:
    """One Connection with a login for each role.

    Args:
        values: what each role's secret holds: a JSON object with ``username``, ``password``
            (absent for a login by IAM) and ``connection``, the role's narrow Connection.

    Raises:
        ConfigError: no secret at all, one that is not of this form, or secrets of two stores.
            No message has a secret's value.
    """
    if not values:
        raise ConfigError("secrets", "none", "at least one role's secret", "name them")
    found = {role: _narrow(role, text) for role, text in values.items()}
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


def _narrow(role: Role, text: str) -> Connection:
    try:
        value = json.loads(text)
    except ValueError:
        # The text is a secret, so it is not quoted.
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("connection"), dict):
        raise _malformed(role, "a JSON object with a connection")
    narrow = Connection.from_json(json.dumps(value["connection"]))
    if set(narrow.users) != {role}:
        raise _malformed(role, f"the Connection of {role} alone")
    user = narrow.users[role]
    return replace(narrow, users={role: user if user.iam else _login(role, value)})


def _login(role: Role, value: Mapping[str, Any]) -> User:
    name, password = value.get("username"), value.get("password")
    if not isinstance(name, str) or not isinstance(password, str):
        raise _malformed(role, "a username and a password")
    return User(name, password=password)


def _malformed(role: Role, rule: str) -> ConfigError:
    return ConfigError(
        f"secret of {role}", "another form", rule, "run pulumi up, so that it is written anew"
    )
