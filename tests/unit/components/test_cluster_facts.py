from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import dumps, loads
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from components.cluster_facts import ClusterFacts, StorageClass, look_at, open_cluster
from components.cluster_rules import check_cluster
from components.kubernetes_spec import KubernetesSpec
from config.kubernetes_settings import Issuer
from holdfast.cluster.errors import ClusterUnavailable
from holdfast.errors import ConfigError
from k8s.claims import ExistingClaim

NAMESPACED = "/api/v1/namespaces/agents"
CLAIMS = f"{NAMESPACED}/persistentvolumeclaims"
SETS = "/apis/apps/v1/namespaces/agents/statefulsets"
JOBS = "/apis/batch/v1/namespaces/agents/jobs"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
SYSTEM = "/api/v1/namespaces/kube-system"
ISSUERS = "/apis/cert-manager.io/v1/namespaces/agents/issuers/ca"
GIB = 1024**3


def named(name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"metadata": {"name": name, **more.pop("metadata", {})}, **more}


def node(zone: str, *, ready: bool = True, **spec: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    status = {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
    labels = {"topology.kubernetes.io/zone": zone} if zone else {}
    return named("n", metadata={"labels": labels}, spec=spec, status=status)


def claim(name: str, size: str, manager: str = "kube-controller-manager") -> dict[str, Any]:
    spec = {"resources": {"requests": {"storage": size}}, "storageClassName": "standard"}
    return named(name, metadata={"managedFields": [{"manager": manager}]}, spec=spec)


def answers() -> dict[str, dict[str, Any]]:
    """What a cluster with a store in it says, by path."""
    default = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    tainted = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    return {
        "/version": {"major": "1", "minor": "33+", "gitVersion": "v1.33.0"},
        SYSTEM: named("kube-system", metadata={"uid": "the-id"}),
        NAMESPACED: named("agents", metadata={"annotations": {"holdfast-stack": "a/b"}}),
        CLASSES: {
            "items": [named("standard", metadata=default, allowVolumeExpansion=True), named("slow")]
        },
        CLAIMS: {
            "items": [
                claim("data-chat-server-0", "1Gi"),
                claim("data-chat-server-1", "2Gi", "holdfast-storage"),
                claim("data-chat-server-7", "1Gi"),
                claim("data-other-server-0", "1Gi"),
            ]
        },
        SETS: {
            "items": [
                named("chat-server", metadata={"annotations": {"holdfast-stack": "a/b"}}),
                named("chat-sentinel"),
                named("other-server"),
            ]
        },
        JOBS: {
            "items": [
                named("good", status={"conditions": [{"type": "Complete", "status": "True"}]}),
                named("bad", status={"conditions": [{"type": "Failed", "status": "True"}]}),
                named("running", status={}),
            ]
        },
        "/api/v1/nodes": {
            "items": [
                node("a"),
                node(""),
                node("b", taints=tainted),
                node("c", ready=False),
                node("d", unschedulable=True),
            ]
        },
        ISSUERS: named("ca"),
    }


class ApiServer(ThreadingHTTPServer):
    """Answers like an API server: a stand-in, for what a healthy cluster does not say."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers()
        self.denied: set[str] = set()
        self.status = 200
        self.login_status = 201
        self.reviewed: list[dict[str, str]] = []


class Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        api, path = cast("ApiServer", self.server), self.path.partition("?")[0]
        if api.status != 200:
            self.answer(api.status, {"message": "Unauthorized"})
        elif path in api.denied:
            self.answer(403, {"message": "forbidden"})
        elif path in api.answers:
            self.answer(200, api.answers[path])
        else:
            self.answer(404, {"message": "not found"})

    def do_POST(self) -> None:
        api = cast("ApiServer", self.server)
        body = loads(self.rfile.read(int(self.headers["content-length"])))
        status = 201
        if body["kind"] == "SelfSubjectReview":
            body["status"] = {"userInfo": {"username": "somebody"}}
            status = api.login_status
        else:
            asked = body["spec"]["resourceAttributes"]
            api.reviewed.append(asked)
            body["status"] = {"allowed": f"{asked['verb']} {asked['resource']}" not in api.denied}
        self.answer(api.status if api.status != 200 else status, body)

    def answer(self, status: int, body: Mapping[str, Any]) -> None:
        data = dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server() -> Any:  # noqa: ANN401 - a generator of one server
    with ApiServer() as api:
        thread = threading.Thread(target=api.serve_forever, args=(0.01,))
        thread.start()
        yield api
        api.shutdown()
        thread.join(10)


def config(tmp_path: Path, port: int) -> Path:
    """A kubeconfig for a server on this machine."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "test", "user": {}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


def look(server: ApiServer, tmp_path: Path, issuer: Issuer | None = None) -> ClusterFacts:
    spec = KubernetesSpec.from_args("chat", {"namespace": "agents"})
    if issuer is not None:
        spec = KubernetesSpec.from_args("chat", {"namespace": "agents", "issuer": issuer})
    api = open_cluster(config(tmp_path, server.server_address[1]), None)
    try:
        return look_at(api, spec)
    finally:
        api.close()


def test_what_the_cluster_says_is_what_is_seen(server: ApiServer, tmp_path: Path) -> None:
    facts = look(server, tmp_path)
    assert (facts.version, facts.login, facts.cluster_id) == ((1, 33), "somebody", "the-id")
    assert (facts.namespace_exists, facts.namespace_owner) == (True, "a/b")
    assert facts.classes == {
        "standard": StorageClass(default=True, expandable=True),
        "slow": StorageClass(default=False, expandable=False),
    }
    assert facts.claims == {
        "data-chat-server-0": ExistingClaim(GIB, storage_class="standard"),
        "data-chat-server-1": ExistingClaim(2 * GIB, grown=True, storage_class="standard"),
    }
    assert facts.owners == {"chat-server": "a/b", "chat-sentinel": ""}
    assert facts.jobs == {"good": True, "bad": False, "running": None}
    assert facts.zones == ("a", "")
    assert facts.missing == ()
    assert facts.where.startswith("test (http://127.0.0.1:")


def test_rights_are_asked_for_where_they_are_needed_and_missing_ones_named(
    server: ApiServer, tmp_path: Path
) -> None:
    server.denied = {"create secrets", "patch statefulsets"}
    facts = look(server, tmp_path)
    assert set(facts.missing) == {"create secrets", "patch statefulsets.apps"}
    assert {review.get("namespace") for review in server.reviewed} == {"agents"}


def test_a_login_that_may_see_little_is_no_failure(server: ApiServer, tmp_path: Path) -> None:
    server.denied = {SYSTEM, NAMESPACED, CLASSES, CLAIMS, SETS, JOBS, "/api/v1/nodes", ISSUERS}
    facts = look(server, tmp_path, Issuer("Issuer", "ca"))
    assert (facts.cluster_id, facts.namespace_exists, facts.classes) == (None, None, None)
    assert (facts.claims, facts.owners, facts.zones, facts.issuer) == ({}, {}, None, None)


def test_what_is_not_there_is_seen_not_to_be(server: ApiServer, tmp_path: Path) -> None:
    del server.answers[NAMESPACED], server.answers[ISSUERS]
    facts = look(server, tmp_path, Issuer("Issuer", "ca"))
    assert (facts.namespace_exists, facts.issuer) == (False, False)


def test_an_issuer_is_looked_for_where_it_is(server: ApiServer, tmp_path: Path) -> None:
    assert look(server, tmp_path, Issuer("Issuer", "ca")).issuer is True
    assert look(server, tmp_path, Issuer("ClusterIssuer", "ca")).issuer is False
    server.answers["/apis/cert-manager.io/v1/clusterissuers/ca"] = named("ca")
    assert look(server, tmp_path, Issuer("ClusterIssuer", "ca")).issuer is True


def test_a_login_that_has_expired_is_told_so(server: ApiServer, tmp_path: Path) -> None:
    server.status = 401
    with pytest.raises(ConfigError, match="log in again") as caught:
        look(server, tmp_path)
    assert (caught.value.field, caught.value.value) == ("context", "test")


@pytest.mark.parametrize("status", [404, 403])
def test_a_cluster_too_old_to_say_who_asks_is_refused_for_its_age(
    status: int, server: ApiServer, tmp_path: Path
) -> None:
    server.answers["/version"] = {"major": "1", "minor": "27", "gitVersion": "v1.27.16"}
    server.login_status = status
    facts = look(server, tmp_path)
    assert (facts.version, facts.login) == ((1, 27), "unknown")
    with pytest.raises(ConfigError, match=r"Kubernetes 1\.28 or newer") as caught:
        check_cluster(KubernetesSpec.from_args("chat", {"namespace": "agents"}), facts)
    assert (caught.value.field, caught.value.value) == ("context", "1.27")


def test_a_login_that_expires_in_between_is_told_so(server: ApiServer, tmp_path: Path) -> None:
    server.login_status = 401
    with pytest.raises(ConfigError, match="log in again"):
        look(server, tmp_path)


def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with ApiServer() as gone:
        port = gone.server_address[1]
    spec = KubernetesSpec.from_args("chat", {"namespace": "agents"})
    with pytest.raises(ClusterUnavailable, match=rf"127\.0\.0\.1:{port}"):
        look_at(open_cluster(config(tmp_path, port), None), spec)


def test_a_context_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="test") as caught:
        open_cluster(config(tmp_path, 1), "production")
    assert caught.value.field == "context"
