"""From the provider's configuration to a client: the order is that of the official plugin."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes.client import ApiClient
from kubernetes.config import ConfigException, new_client_from_config_dict

from provider.values import is_known
from tests.standin.kubernetes.errors import ClusterUnreachable

_DEFAULT: Final = "~/.kube/config"
_POOL: Final = 32
_LISTS: Final = ("clusters", "contexts", "users")
_PATHS: Final = frozenset(
    {"certificate-authority", "client-certificate", "client-key", "tokenFile"}
)
_GUIDE: Final = "unable to load Kubernetes client configuration from kubeconfig file"


@dataclass(frozen=True)
class Access:
    """A client, and the namespace of objects that name none."""

    client: ApiClient
    namespace: str


def load(config: Mapping[str, Any]) -> Access:
    """Read ``kubeconfig`` (a path or the contents), else $KUBECONFIG, else the usual file.

    Args:
        config: the provider's; ``context``, ``cluster`` and ``namespace`` override the file's.

    Raises:
        ClusterUnreachable: there is no usable kubeconfig.
    """
    given = config.get("kubeconfig")
    try:
        document = _parse(str(given)) if given else _merge(_usual())
    except (OSError, yaml.YAMLError, ConfigException, KeyError) as error:
        where = "failed to parse kubeconfig data in `kubernetes:config:kubeconfig`"
        raise ClusterUnreachable(f"{where if given else _GUIDE}: {_first_line(error)}") from error
    name = config.get("context") or document.get("current-context")
    context = _context(document, name)
    if config.get("cluster"):
        context["cluster"] = config["cluster"]
    try:
        client = new_client_from_config_dict(document, context=name, persist_config=False)
    except (OSError, ConfigException, TypeError, KeyError) as error:
        raise ClusterUnreachable(f"{_GUIDE}: {_first_line(error)}") from error
    client.configuration.connection_pool_maxsize = _POOL
    client.rest_client = type(client.rest_client)(client.configuration)
    namespace = config.get("namespace") or context.get("namespace") or "default"
    return Access(client, str(namespace))


def address(config: Mapping[str, Any]) -> str | None:
    """The server that a configuration leads to; None where that cannot be said."""
    if not is_known(config):
        return None
    try:
        host = load(config).client.configuration.host
    except ClusterUnreachable:
        return None
    return str(host)


def _usual() -> str:
    return os.environ.get("KUBECONFIG") or _DEFAULT


def _parse(path_or_contents: str) -> dict[str, Any]:
    if "\n" not in path_or_contents:
        path = Path(path_or_contents).expanduser()
        if path.is_file():
            return _merge(str(path))
    document = yaml.safe_load(path_or_contents)
    if not isinstance(document, dict):
        raise ConfigException("neither the path of a file that is there nor a kubeconfig")
    return document


def _merge(paths: str) -> dict[str, Any]:
    """Several files, as in $KUBECONFIG: of entries with one name the first counts."""
    merged: dict[str, Any] = {}
    files = [Path(path).expanduser() for path in paths.split(os.pathsep) if path]
    for file in files:
        if not file.is_file():
            continue
        document = yaml.safe_load(file.read_text())
        if not isinstance(document, dict):
            raise ConfigException(f"{file}: not a kubeconfig")
        for name in _LISTS:
            found = document.get(name) or []
            known = {item["name"] for item in merged.get(name, ())}
            new = [_absolute(item, file.parent) for item in found if item["name"] not in known]
            merged[name] = merged.get(name, []) + new
        merged = {**document, **merged}
    if not merged:
        raise ConfigException(f"no file at {paths}")
    return merged


def _absolute(item: dict[str, Any], folder: Path) -> dict[str, Any]:
    def resolved(inner: object) -> object:
        if not isinstance(inner, dict):
            return inner
        return {
            key: str(folder / value) if key in _PATHS and value else value
            for key, value in inner.items()
        }

    return {key: resolved(inner) for key, inner in item.items()}


def _context(document: dict[str, Any], name: object) -> dict[str, Any]:
    for item in document.get("contexts") or ():
        if item.get("name") == name and isinstance(item.get("context"), dict):
            found: dict[str, Any] = item["context"]
            return found
    raise ClusterUnreachable(f'{_GUIDE}: context "{name}" does not exist')


def _first_line(error: Exception) -> str:
    # Of a document that is no YAML the rest of the message shows lines, secrets among them.
    return str(error).splitlines()[0] if str(error) else type(error).__name__
