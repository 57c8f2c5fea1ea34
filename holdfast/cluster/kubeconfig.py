"""Which cluster is meant: a kubeconfig and a context, or the pod that this runs in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import urllib3
import yaml
from kubernetes import client, config

from holdfast.errors import ConfigError

VARIABLE: Final = "KUBECONFIG"
_DEFAULT: Final = Path("~/.kube/config")
_IN_POD: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Login:
    """How to reach an API server, and as whom.

    Attributes:
        client: holds the credentials; its pool makes the requests.
        server: the API server's address.
        context: its name in the kubeconfig; ``in-cluster`` inside a pod.
        namespace: what the context names; ``default`` where it names none.
    """

    client: Any
    server: str
    context: str
    namespace: str


def load(
    kubeconfig: str | Path | None,
    context: str | None,
    environ: Mapping[str, str] | None = None,
) -> Login:
    """Read the credentials; nobody is asked yet.

    Args:
        kubeconfig: path; else the variable KUBECONFIG (paths joined by ``:``), else
            ``~/.kube/config``, else the service account of the pod that this runs in.
        context: its name; the current one by default.
        environ: ``os.environ`` by default.

    Raises:
        ConfigError: the file cannot be read, or has no such context.
    """
    environment = os.environ if environ is None else environ
    named = str(kubeconfig) if kubeconfig else environment.get(VARIABLE, "")
    settings = client.Configuration()
    loader: Any = config  # its functions bring no types
    if not named and not _DEFAULT.expanduser().exists() and (_IN_POD / "token").exists():
        loader.load_incluster_config(client_configuration=settings)
        namespace = (_IN_POD / "namespace").read_text(encoding="utf-8").strip()
        return _login(settings, "in-cluster", namespace)
    paths = named or str(_DEFAULT.expanduser())
    field = "kubeconfig" if kubeconfig or not named else VARIABLE
    entry = _entry(field, paths, context)
    try:
        loader.load_kube_config(
            config_file=paths,
            context=entry["name"],
            client_configuration=settings,
            persist_config=False,
        )
    except (config.ConfigException, OSError, ValueError, KeyError, TypeError) as error:
        # The loader's words may quote a credential's contents; its class says enough.
        raise ConfigError(
            field,
            paths,
            f"a usable entry for the context {entry['name']}",
            f"see that `kubectl --context {entry['name']} version` works ({_words(error)})",
        ) from None
    return _login(settings, entry["name"], entry.get("context", {}).get("namespace") or "default")


def _login(settings: Any, context: str, namespace: str) -> Login:  # noqa: ANN401 - untyped library
    # A cluster that is down is to be said so soon: urllib3 would try four times.
    settings.retries = urllib3.Retry(total=1, redirect=0, status=0)
    return Login(client.ApiClient(settings), str(settings.host), context, namespace)


def _entry(field: str, paths: str, wanted: str | None) -> dict[str, Any]:
    """The context's entry, looked up before the library does for a better answer."""
    contexts: dict[str, dict[str, Any]] = {}
    current = ""
    for path in filter(None, paths.split(os.pathsep)):
        document = _document(field, Path(path).expanduser())
        for entry in document.get("contexts") or ():
            if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                contexts.setdefault(entry["name"], entry)
        current = current or str(document.get("current-context") or "")
    name = wanted or current
    if name not in contexts:
        known = ", ".join(sorted(contexts)) or "none"
        raise ConfigError(
            "context",
            name or "nothing",
            f"a context of {paths} (it has {known})",
            "name one of them" if contexts else "name another kubeconfig",
        )
    return contexts[name]


def _document(field: str, path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        document = yaml.safe_load(text)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            field, str(path), "a kubeconfig that can be read", f"check the path ({reason})"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        document = None
    if not isinstance(document, dict):
        raise ConfigError(
            field, str(path), "a kubeconfig (YAML)", "write it anew with your cluster's own tool"
        )
    return document


def _words(error: Exception) -> str:
    first = str(error).splitlines()[0] if isinstance(error, config.ConfigException) else ""
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
