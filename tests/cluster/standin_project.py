"""A throw-away project on a real cluster, in a namespace of its own, through the stand-in."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, Final

import pytest

from tests.engine import Engine
from tests.standin.kubernetes.api import Api
from tests.standin.kubernetes.install import is_standin
from tests.standin.kubernetes.kubeconfig import load
from tests.standin.kubernetes.objects import Kind, Object

NAMESPACE: Final = Kind("", "v1", "Namespace")
CONFIG_MAP: Final = Kind("", "v1", "ConfigMap")
SECRET: Final = Kind("", "v1", "Secret")
SERVICE: Final = Kind("", "v1", "Service")
STATEFUL_SET: Final = Kind("apps", "v1", "StatefulSet")
DEPLOYMENT: Final = Kind("apps", "v1", "Deployment")
CLAIM: Final = Kind("", "v1", "PersistentVolumeClaim")

_HEAD: Final = """\
import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

NAMESPACE = {namespace!r}


def metadata(name, **more):
    return {{"name": name, "namespace": NAMESPACE, **more}}


def stateful_set(replicas=0, labels=None, **opts):
    pods = {{"app": "x"}}
    return kubernetes.apps.v1.StatefulSet(
        "set",
        metadata=metadata("set", labels=labels or {{}}),
        spec={{
            "replicas": replicas,
            "serviceName": "none",
            "selector": {{"matchLabels": pods}},
            "template": {{
                "metadata": {{"labels": pods}},
                "spec": {{
                    "nodeSelector": {{"no-such": "node"}},
                    "containers": [{{"name": "c", "image": "no.such/image:1"}}],
                }},
            }},
        }},
        opts=ResourceOptions(**opts),
    )


"""


@dataclass(frozen=True)
class Project:
    """An engine, the cluster that it deploys into, and the namespace for what it makes."""

    engine: Engine
    api: Api
    namespace: str

    def write(self, program: str) -> None:
        """Replace the program; ``metadata(name)`` and ``stateful_set()`` are there for it."""
        self.engine.write_program(_HEAD.format(namespace=self.namespace) + dedent(program))

    def get(self, kind: Kind, name: str) -> Object:
        """An object of the namespace."""
        return self.api.get(kind, self.namespace, name)

    def find(self, kind: Kind, name: str) -> Object | None:
        """An object of the namespace, or None."""
        return self.api.find(kind, self.namespace, name)

    def make(self, kind: Kind, name: str, **fields: object) -> Object:
        """Make an object beside the engine."""
        return self.api.create(self._item(kind, name, fields), manager="somebody")

    def take(self, kind: Kind, name: str, **fields: object) -> Object:
        """Take fields of an object away from whoever owns them."""
        return self.api.apply(self._item(kind, name, fields), manager="somebody", force=True)

    def stored(self, name: str) -> dict[str, Any]:
        """A resource in the state, secrets in plain."""
        found = [item for item in self.engine.resources() if item["urn"].endswith(f"::{name}")]
        assert len(found) == 1, f"{name}: {found}"
        return found[0]

    def _item(self, kind: Kind, name: str, fields: dict[str, Any]) -> Object:
        metadata = {"name": name, "namespace": self.namespace, **fields.pop("metadata", {})}
        head = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata}
        return {**head, **fields}


@contextmanager
def project(request: pytest.FixtureRequest, folder: Path) -> Iterator[Project]:
    """A project whose namespace goes at the end, and everything in it."""
    engine = Engine(folder, "")
    kubeconfig = Path(request.getfixturevalue("cluster").kubeconfig)
    engine.use_cluster(kubeconfig)
    if not is_standin(engine.plugin):
        pytest.skip("the official plugin is here: nothing stands in for it")
    api = Api(load({"kubeconfig": str(kubeconfig)}).client)
    name = f"standin-{secrets.token_hex(4)}"
    api.create(_named(name), manager="somebody")
    try:
        yield Project(engine, api, name)
    finally:
        api.delete(NAMESPACE, "", name, propagation="Background")


def _named(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def until(what: str, holds: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait for something that happens by itself."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)
