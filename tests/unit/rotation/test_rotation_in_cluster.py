"""How Secrets reach the pods of a store whose passwords are rotated."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from holdfast.cluster import via
from holdfast.cluster.resources import PODS, SECRETS
from holdfast.connection import Address, Connection
from holdfast.errors import VerificationFailed
from holdfast.roles import Role
from holdfast.rotation.cli import main
from holdfast.rotation.kubernetes_stack import DELIVERY_SECONDS, KubernetesStack
from holdfast.rotation.pulumi_stack import PulumiStack
from holdfast.rotation.settings import RotationSettings
from holdfast.verify.result import ExitCode
from tests.unit.cluster.fake_api import FakeApi
from tests.unit.verify.fakes import connection

SETTINGS = RotationSettings.from_config({})
STORE = replace(
    connection(),
    target="kubernetes",
    sentinels=(Address("store-sentinel-0.agents.svc.cluster.local", 26379),),
)


def at(minute: int) -> str:
    return f"2026-01-02T03:{minute:02d}:00Z"


def seconds(minute: int) -> float:
    return datetime(2026, 1, 2, 3, minute, tzinfo=UTC).timestamp()


class Deployment:
    """What the engine would do; noted among the calls to the cluster."""

    def __init__(self, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
        self.api = api
        self.failure: Exception | None = None
        monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
        monkeypatch.setattr(PulumiStack, "apply", self._apply)
        monkeypatch.setattr(PulumiStack, "connection", self._connection)

    def stack(self, **more: float) -> KubernetesStack:
        return KubernetesStack(
            "dev",
            self.api,
            stop=threading.Event(),
            seconds_left=lambda: 1.0,
            tick=lambda: None,
            **more,
        )

    def _apply(self, settings: RotationSettings) -> None:
        assert settings is SETTINGS
        self.api.calls.append("deploy")
        if self.failure is not None:
            raise self.failure

    def _connection(self) -> Connection:
        return STORE

    def pod(self, name: str, namespace: str = "agents", store: str = "store") -> None:
        labels = {"app.kubernetes.io/part-of": "holdfast", "app.kubernetes.io/instance": store}
        self.api.put(PODS, {"metadata": {"name": name, "labels": labels}}, namespace)

    def secret(self, **metadata: object) -> None:
        name = {"name": "store-connection-svc", "creationTimestamp": at(10)}
        self.api.put(SECRETS, {"metadata": {**name, **metadata}}, "agents")


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    return Deployment(FakeApi(), monkeypatch)


def test_after_a_deployment_every_pod_of_the_store_is_changed_and_no_other(
    deployment: Deployment,
) -> None:
    deployment.pod("store-server-0")
    deployment.pod("store-sentinel-0")
    deployment.pod("other-server-0", store="other")
    deployment.pod("store-server-9", namespace="elsewhere")
    deployment.stack().apply(SETTINGS)
    assert deployment.api.calls == [
        "deploy",
        "patch pods agents/store-sentinel-0",
        "patch pods agents/store-server-0",
    ]
    metadata = deployment.api.seen(PODS, "store-server-0", "agents")["metadata"]
    (written,) = metadata["annotations"].values()
    assert abs(datetime.fromisoformat(written).timestamp() - datetime.now(UTC).timestamp()) < 60
    assert metadata["labels"]["app.kubernetes.io/instance"] == "store"


@pytest.mark.parametrize("right", ["patch pods", "list pods", "get secrets"])
def test_a_login_that_could_not_finish_a_rotation_is_refused_before_its_first_step(
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    right: str,
) -> None:
    deployment.stack().require_rights()
    deployment.api.denied = {f"{right} in agents"}
    monkeypatch.setattr(via, "open_api", lambda _: deployment.api)
    assert main(["passwords", "--stack", "dev", "--yes"]) == ExitCode.USAGE
    assert f"namespace agents: {right}" in capsys.readouterr().err
    assert deployment.api.calls == []


def test_a_deployment_that_failed_changes_no_pod(deployment: Deployment) -> None:
    deployment.pod("store-server-0")
    deployment.failure = VerificationFailed("pulumi up failed")
    with pytest.raises(VerificationFailed):
        deployment.stack().apply(SETTINGS)
    assert deployment.api.calls == ["deploy"]


def test_a_client_is_told_when_its_secret_was_written_last(deployment: Deployment) -> None:
    written = [{"time": at(30)}, {"time": at(20)}, {"manager": "no time"}]
    deployment.secret(managedFields=written)
    assert deployment.stack().told_at(Role.SVC) == seconds(30)


@pytest.mark.parametrize("fields", [{}, {"managedFields": None}, {"managedFields": []}])
def test_a_secret_that_nobody_changed_was_written_when_it_was_made(
    deployment: Deployment, fields: dict[str, Any]
) -> None:
    deployment.secret(**fields)
    assert deployment.stack().told_at(Role.SVC) == seconds(10)


@pytest.mark.parametrize("role", [Role.REPLICA, Role.SENTINEL, Role.AGENT, Role.PROBE])
def test_a_role_of_no_application_is_told_by_no_secret(deployment: Deployment, role: Role) -> None:
    assert deployment.stack().told_at(role) is None


def test_delivery_takes_what_a_kubelet_takes_unless_somebody_knows_better(
    deployment: Deployment,
) -> None:
    assert deployment.stack().delivery_seconds() == DELIVERY_SECONDS
    assert deployment.stack(delivery_seconds=7.0).delivery_seconds() == 7.0
