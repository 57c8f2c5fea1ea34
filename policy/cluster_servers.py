"""Rules for what the servers in a cluster are told: ports and users. No message quotes a line."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from policy.cluster_pods import RULES as POD_RULES
from policy.cluster_pods import containers_of
from policy.rule import Level, Resource, Rule, known

_CONFIG_MAP: Final = "kubernetes:core/v1:ConfigMap"
_SECRET: Final = "kubernetes:core/v1:Secret"  # noqa: S105 - a type
_CONFIGURATION: Final = re.compile(r"(valkey|redis|sentinel)[\w.-]*\.conf")
_PORT: Final = re.compile(r"^\s*port\s+(\S+)", re.MULTILINE)
_TLS_PORT: Final = re.compile(r"^\s*tls-port\s+[1-9]", re.MULTILINE)
_USERS: Final = re.compile(r"^\s*aclfile\s+\S", re.MULTILINE)
_USER: Final = re.compile(r"^\s*user\s+(\S+)(.*)$", re.MULTILINE)
_LAST: Final = {"on": True, "off": False}


def no_plain_port(resource: Resource) -> Iterator[str]:
    """K1: without ``port 0`` a server listens in plain text beside TLS."""
    for name, text in _files(resource).items():
        if not _CONFIGURATION.fullmatch(name):
            continue
        ports = _PORT.findall(text)
        if not ports or ports[-1] != "0":
            yield f"{name}: need port 0, so that nothing is served in plain text"
        if not _TLS_PORT.search(text):
            yield f"{name}: need a tls-port"


def no_plain_argument(resource: Resource) -> Iterator[str]:
    """K1: an argument outdoes the file."""
    for container in containers_of(resource):
        words: list[str] = []
        for key in ("command", "args"):
            value = container.get(key)
            words += [str(word) for word in value] if isinstance(value, list) else []
        for word, value in pairwise(words):
            if word == "--port" and value != "0":
                yield f"container {container.get('name')}: need --port 0"


def users_from_file(resource: Resource) -> Iterator[str]:
    """K2: a server without users lets everybody in as ``default``."""
    for name, text in _files(resource).items():
        if _CONFIGURATION.fullmatch(name) and not (_USERS.search(text) or _USER.search(text)):
            yield f"{name}: need an aclfile, or everybody is let in as default"


def no_anonymous_user(resource: Resource) -> Iterator[str]:
    """K2: ``default`` is off, and nobody is let in without a password."""
    for name, text in _files(resource).items():
        users = {user: rest.split() for user, rest in _USER.findall(text)}
        if name.endswith(".acl") and "default" not in users:
            yield f"{name}: need user default off"
        for user, words in users.items():
            states = [_LAST[word] for word in words if word in _LAST]
            enabled = states[-1] if states else False
            if user == "default" and enabled:
                yield f"{name}: need user default off"
            if "nopass" in words and enabled:
                yield f"{name}: user {user} needs a password"


def _files(resource: Resource) -> Mapping[str, str]:
    """The files of a ConfigMap or Secret that are known, decoded."""
    plain = resource.props.get("stringData" if resource.type == _SECRET else "data")
    files = dict(plain) if isinstance(plain, Mapping) else {}
    coded = resource.props.get("data") if resource.type == _SECRET else None
    for name, value in coded.items() if isinstance(coded, Mapping) else ():
        files.setdefault(name, _decoded(value))
    return {name: text for name, text in files.items() if isinstance(text, str) and known(text)}


def _decoded(value: object) -> str | None:
    try:
        return base64.b64decode(str(value), validate=True).decode() if known(value) else None
    except (binascii.Error, UnicodeDecodeError):
        return None  # no text, so no list of users


RULES: Final = (
    Rule(
        "K1",
        "kubernetes-no-plain-port",
        "servers and Sentinels listen by TLS alone",
        Level.MANDATORY,
        frozenset({_CONFIG_MAP, _SECRET}),
        no_plain_port,
    ),
    Rule(
        "K1",
        "kubernetes-no-plain-argument",
        "no argument opens a plain port",
        Level.MANDATORY,
        POD_RULES[0].types,
        no_plain_argument,
    ),
    Rule(
        "K2",
        "kubernetes-users-from-file",
        "servers and Sentinels read who may log in",
        Level.MANDATORY,
        frozenset({_CONFIG_MAP, _SECRET}),
        users_from_file,
    ),
    Rule(
        "K2",
        "kubernetes-no-anonymous-user",
        "`default` is off, and every user has a password",
        Level.MANDATORY,
        frozenset({_CONFIG_MAP, _SECRET}),
        no_anonymous_user,
    ),
)
