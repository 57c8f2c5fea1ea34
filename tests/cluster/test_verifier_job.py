"""The verifier's Job on a real cluster, without a store: what it leaves, and what is refused."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from holdfast.cluster.api import ClusterApi
from holdfast.cluster.errors import ClusterUnavailable
from holdfast.cluster.near_side import run_task
from holdfast.cluster.resources import JOBS, PODS
from holdfast.cluster.store import StoreName
from holdfast.cluster.tasks import Smoke
from holdfast.cluster.verifier import Verifier
from holdfast.cluster.verifier_job import default_image, verifier_labels
from holdfast.connection import Address, Connection, Tls, Topology, User
from holdfast.errors import ConfigError, StoreUnavailable
from holdfast.roles import Role
from tests.cluster.rig.cluster import Cluster

_PROJECT = Path(__file__).parent.parent.parent
_GONE_SECONDS = 90.0


class _Screen:
    def watch(self, done: int, total: int, waiting: str) -> None: ...


@pytest.fixture
def store(cluster: Cluster) -> Iterator[StoreName]:
    """A namespace of its own that admits restricted pods alone; no store is in it."""
    namespace = f"verifier-{secrets.token_hex(3)}"
    cluster.kubectl("create", "namespace", namespace)
    cluster.kubectl("label", "ns", namespace, "pod-security.kubernetes.io/enforce=restricted")
    yield StoreName("store", namespace, "svc.cluster.local")
    cluster.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture
def api(cluster: Cluster) -> Iterator[ClusterApi]:
    made = ClusterApi.load(cluster.kubeconfig)
    yield made
    made.close()


def _connection(store: StoreName) -> Connection:
    """Of a store that is not there: nobody listens at the address."""
    sentinel = Address(store.fqdn("store-sentinel-0"), 26379)
    return Connection(
        target="kubernetes",
        topology=Topology.SENTINEL,
        engine="valkey",
        engine_version="9.1.2",
        app="app",
        users={role: User(role.value, password="a-password") for role in (Role.SVC, Role.ADMIN)},
        tls=Tls(),
        sentinels=(sentinel,),
        sentinel_service=f"{store.namespace}-store",
        dial={sentinel.host: "127.0.0.1"},
    )


def _until(holds: Callable[[], bool], seconds: float = _GONE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.25)


def test_an_error_seen_in_the_pod_is_raised_here_and_the_job_is_gone_afterwards(
    api: ClusterApi, store: StoreName, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The image was packed when the cluster came up; the checkout may have moved on.
    monkeypatch.setenv("HOLDFAST_VERIFY_ANY_SOURCES", "1")
    with Verifier(api, store, image=default_image()) as verifier:
        (pod,) = api.pods(store.namespace, verifier_labels(store))
        assert pod["spec"]["nodeName"] == verifier.node
        task = Smoke(_connection(store), (), 20.0)
        with pytest.raises(StoreUnavailable, match="store-sentinel-0"):
            run_task(verifier.channel(), task, {"screen": _Screen()}, threading.Event())
        assert "a-password" not in json.dumps(api.select(JOBS, store.namespace))
        assert "a-password" not in json.dumps(api.select(PODS, store.namespace))
    _until(lambda: not api.select(JOBS, store.namespace))
    _until(lambda: not api.pods(store.namespace, verifier_labels(store)))


def test_a_report_shows_log_events_and_that_there_is_no_store(
    api: ClusterApi, store: StoreName
) -> None:
    with Verifier(api, store, image=default_image()) as verifier:
        _until(lambda: "waiting for a caller" in verifier.report(), 30)
        report = verifier.report()
    assert "Scheduled: " in report
    assert f"no pod of store in the namespace {store.namespace}" in report


def test_an_image_that_cannot_be_had_is_refused_before_the_time_is_over(
    api: ClusterApi, store: StoreName
) -> None:
    with (
        pytest.raises(ConfigError, match=r"--image: got 'localhost:1/absent:1', need .*Err"),
        Verifier(api, store, image="localhost:1/absent:1"),
    ):
        pass
    _until(lambda: not api.select(JOBS, store.namespace))


def test_a_namespace_that_is_not_there_is_refused(api: ClusterApi) -> None:
    nowhere = StoreName("store", "verifier-absent", "svc.cluster.local")
    with (
        pytest.raises(ConfigError, match="got 'namespace verifier-absent'"),
        Verifier(api, nowhere, image=default_image()),
    ):
        pass


def test_missing_rights_are_named_before_anything_is_created(
    cluster: Cluster, api: ClusterApi, store: StoreName, tmp_path: Path
) -> None:
    cluster.kubectl("create", "serviceaccount", "weak", "-n", store.namespace)
    token = cluster.kubectl("create", "token", "weak", "-n", store.namespace).strip()
    document = json.loads(cluster.kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    document["users"][0]["user"] = {"token": token}
    kubeconfig = tmp_path / "weak"
    kubeconfig.write_text(json.dumps(document))
    kubeconfig.chmod(0o600)
    weak = ClusterApi.load(kubeconfig)
    with (
        pytest.raises(ConfigError, match=r"weak', need .*create jobs\.batch.*create pods/exec"),
        Verifier(weak, store, image=default_image()),
    ):
        pass
    weak.close()
    assert api.select(JOBS, store.namespace) == []


def test_a_stop_while_the_pod_starts_leaves_no_job(api: ClusterApi, store: StoreName) -> None:
    with (
        pytest.raises(ClusterUnavailable, match="stopped"),
        Verifier(api, store, image=default_image(), stopped=lambda: True),
    ):
        pass
    _until(lambda: not api.select(JOBS, store.namespace))


def test_a_command_in_the_pod_takes_input_and_gives_its_output_and_code(
    api: ClusterApi, store: StoreName
) -> None:
    echo = "import sys; d = sys.stdin.buffer.read(100000); sys.stdout.buffer.write(d); sys.exit(7)"
    with Verifier(api, store, image=default_image()):
        (pod,) = api.pods(store.namespace, verifier_labels(store))
        name = pod["metadata"]["name"]
        data = secrets.token_bytes(100_000)
        done = api.run(name, store.namespace, ["python", "-c", echo], stdin=data)
    assert (done.code, done.stdout) == (7, data)


@pytest.mark.whole
def test_a_caller_that_is_killed_leaves_a_pod_that_ends_by_itself(
    cluster: Cluster, api: ClusterApi, store: StoreName
) -> None:
    """SIGKILL: nobody deletes the Job, and the cluster has it removed when it is done."""
    waits = f"""
import time
from holdfast.cluster.api import ClusterApi
from holdfast.cluster.store import StoreName
from holdfast.cluster.verifier import Verifier
store = StoreName({store.name!r}, {store.namespace!r}, "svc.cluster.local")
with Verifier(ClusterApi.load({str(cluster.kubeconfig)!r}), store, image={default_image()!r}) as v:
    channel = v.channel()
    channel.receive(60)
    print("begun", flush=True)
    time.sleep(600)
"""
    caller = subprocess.Popen(
        [sys.executable, "-c", waits], stdout=subprocess.PIPE, text=True, cwd=_PROJECT
    )
    assert caller.stdout is not None
    assert caller.stdout.readline() == "begun\n"
    caller.kill()
    caller.communicate()

    def complete() -> bool:
        return all(
            job.get("status", {}).get("succeeded") for job in api.select(JOBS, store.namespace)
        )

    assert not complete()
    _until(complete, 180)
