"""Who logs into a store that somebody else runs, and with what. No password is in any message."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from config.place import Place
from config.reader import ConfigReader
from config.schema import BY_NAME
from holdfast.connection import User
from holdfast.errors import ConfigError
from holdfast.roles import APPLICATION_ROLES, Role

ANY_ROLE: Final = "*"
VARIABLE: Final = "HOLDFAST_PASSWORD_"
_HIDDEN: Final = "(hidden)"
_LINE: Final = re.compile(rf"(export\s+)?{VARIABLE}(?P<role>[A-Z]+)=(?P<value>.*)\Z")
_USER: Final = re.compile(r"[^\s=\"',]{1,128}\Z")


def load_logins(reader: ConfigReader, place: Place) -> Mapping[Role, User]:
    """The users of a store by role; svc is among them.

    Raises:
        ConfigError: a role is unknown, has no password, or the passwords cannot be read.
    """
    names = _names(reader.texts("users"))
    source, passwords = _passwords(reader, place)
    others = passwords.pop(ANY_ROLE, None)
    known = {_role(source, role): password for role, password in passwords.items()}
    if others is not None:
        known = dict.fromkeys(names, others) | known
    for role in names:
        if role not in known:
            raise ConfigError(
                BY_NAME["users"].key,
                role.value,
                f"a password of that role in {BY_NAME[source].key}",
                f'add it, or "{ANY_ROLE}" for all that have none of their own',
            )
    if Role.SVC not in known:
        raise ConfigError(
            BY_NAME[source].key,
            f"passwords of {', '.join(sorted(known)) or 'nobody'}",
            "one of svc, which is the application",
            "add it",
        )
    return {
        role: User(names.get(role, role.value), known[role])
        for role in APPLICATION_ROLES
        if role in known
    }


def _names(texts: tuple[str, ...]) -> dict[Role, str]:
    names: dict[Role, str] = {}
    for text in texts:
        role, separator, name = text.partition("=")
        if not separator or not _USER.match(name):
            raise ConfigError(
                BY_NAME["users"].key, text, "role=name", "write for example svc=default"
            )
        names[_role("users", role)] = name
    return names


def _role(name: str, text: str) -> Role:
    allowed = [role.value for role in APPLICATION_ROLES]
    if text not in allowed:
        raise ConfigError(
            BY_NAME[name].key, text, f"a role: {', '.join(allowed)}", "name one of them"
        )
    return Role(text)


def _passwords(reader: ConfigReader, place: Place) -> tuple[str, dict[str, str]]:
    """The setting that has them, and the passwords by role."""
    document, file = reader.optional_text("passwords"), reader.optional_text("passwordsFile")
    if document is not None and file is not None:
        raise ConfigError(
            BY_NAME["passwordsFile"].key,
            file,
            f"no {BY_NAME['passwords'].key} beside it",
            "remove one of the two",
        )
    if document is not None:
        return "passwords", _from_document(document)
    if file is not None:
        return "passwordsFile", _from_file(place.path("passwordsFile", file), file)
    key = BY_NAME["passwords"].key
    raise ConfigError(
        key,
        "nothing",
        f"a password for each role, here or in {BY_NAME['passwordsFile'].key}",
        f"`pulumi config set --secret {key} < FILE` with a JSON object in the file",
    )


def _from_document(text: str) -> dict[str, str]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not all(
        isinstance(value, str) and value for value in document.values()
    ):
        raise ConfigError(
            BY_NAME["passwords"].key,
            _HIDDEN,
            'a JSON object of texts, {"svc": "..."}',
            "set it again, with --secret",
        )
    return dict(document)


def _from_file(path: Path, setting: str) -> dict[str, str]:
    key = BY_NAME["passwordsFile"].key
    try:
        text = path.read_text("utf-8")
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "not a text"
        raise ConfigError(key, setting, "a file that can be read", problem) from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            key, setting, "a file that its owner alone can read", f"chmod 600 {setting}"
        )
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        match = _LINE.match(entry)
        value = "" if match is None else _unquoted(match["value"])
        if match is None or not value:
            raise ConfigError(
                key,
                f"line {number} of {setting}",
                f"{VARIABLE}<ROLE>=<password>, a comment or nothing",
                f"write for example {VARIABLE}SVC=...",
            )
        found[match["role"].lower()] = value
    return found


def _unquoted(value: str) -> str:
    """Without the quotes around it that a shell would take off."""
    for quote in ("'", '"'):
        if len(value) > 1 and value[0] == value[-1] == quote:
            return value[1:-1]
    return value
