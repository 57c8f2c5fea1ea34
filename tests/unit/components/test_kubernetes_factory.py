from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

import components.kubernetes_factory
from components.cluster_facts import ClusterFacts, StorageClass
from components.factory import create_store
from components.kubernetes_factory import kubernetes_args
from components.kubernetes_spec import KubernetesSpec
from components.outputs import export_outputs
from config.settings import Settings, load_settings
from holdfast.errors import ConfigError
from k8s.claims import ExistingClaim
from tests.unit.components.clusters import cluster
from tests.unit.components.mocks import Deployment, deploy, refused_fields
from tests.unit.config.strategies import in_cluster, place

ROOT = Path(__file__).parents[3]
PROVIDER = "pulumi:providers:kubernetes"
CLAIM = "data-store-server-0"
ISSUER: dict[str, object] = {
    "certificates": "cert-manager",
    "certificateIssuer": "ClusterIssuer/internal",
}
DIGEST = "valkey/valkey:9.1.2@sha256:" + "a" * 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


def settings(folder: Path, **raw: object) -> Settings:
    values: dict[str, object] = {"target": "kubernetes", "namespace": "agents", **raw}
    return load_settings(values, place(folder))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[ClusterFacts]:
    """What the cluster says; the last one counts."""
    facts = [cluster()]
    monkeypatch.setattr(components.kubernetes_factory, "look_at_cluster", lambda *_: facts[-1])
    return facts


def deployed(folder: Path, **raw: object) -> Deployment:
    def program() -> Mapping[str, pulumi.Output[Any]]:
        export_outputs(create_store(settings(folder, **raw)), preset="dev")
        return {}

    return deploy(program)


def test_every_setting_reaches_the_store(folder: Path) -> None:
    given = settings(
        folder,
        preset="prod",
        image=DIGEST,
        app="shop",
        buckets="128",
        replicas="4",
        sentinels="5",
        quorum="2",
        downAfterMs="3000",
        maxmemory="512mb",
        evictionPolicy="volatile-ttl",
        appendfsync="always",
        expectedSessions="10",
        extraDnsNames='["store.test"]',
        createNamespace="true",
        storeName="chat",
        imagePullSecrets='["registry"]',
        storageClass="fast",
        storage="3gb",
        memoryLimit="2gb",
        serverCpu="500m",
        coldStartGraceSeconds="60",
        clientNamespaces='["apps"]',
        clusterDomain="cluster.example",
        dnsNamespace="dns",
        dnsPorts="5353",
        caRotation="1",
    )
    own = in_cluster(given)
    spec = KubernetesSpec.from_args("store", kubernetes_args(given, own))
    assert (spec.app, spec.buckets, spec.expected_sessions) == ("shop", 128, 10)
    assert (spec.production, spec.create_namespace) == (True, True)
    assert spec.extra_dns_names == ("store.test",)
    assert spec.rotation == given.rotation
    objects = spec.objects
    assert (objects.names.store, objects.names.namespace) == ("chat", "agents")
    assert objects.names.cluster_domain == "cluster.example"
    assert objects.config.shape == given.shape
    assert objects.config.maxmemory_bytes == given.maxmemory_bytes
    assert objects.config.down_after_ms == 3000
    assert objects.config.eviction_policy is given.eviction_policy
    assert objects.config.appendfsync is given.appendfsync
    assert (objects.config.engine, objects.config.version) == (own.engine, own.engine_version)
    assert (objects.image, objects.image_pull_secrets) == (DIGEST, ("registry",))
    assert objects.memory.limit_bytes == 2 * 1024**3
    assert objects.memory.disk_bytes == 3 * 1024**3
    assert (objects.storage_class, objects.server_cpu) == ("fast", "500m")
    assert objects.cold_start_grace_seconds == 60
    assert (objects.share_nodes, objects.spread_zones) == (False, True)
    assert objects.client_namespaces == ("apps",)
    assert (objects.dns_namespace, objects.dns_ports) == ("dns", (5353,))


def test_pods_may_share_nodes_outside_production(folder: Path) -> None:
    given = settings(folder, shareNodes="true")
    args = kubernetes_args(given, in_cluster(given))
    assert KubernetesSpec.from_args("store", args).objects.share_nodes


def test_everything_goes_through_one_provider_that_updates_secrets_in_place(
    folder: Path, seen: list[ClusterFacts]
) -> None:
    made = deployed(folder, kubeconfig="rig/config", context="test")
    providers = [name for name, args in made.created.items() if args.typ == PROVIDER]
    assert providers == ["store-cluster"]
    inputs = made.inputs("store-cluster")
    assert inputs["kubeconfig"] == str(folder / "rig" / "config")
    assert inputs["context"] == "test"
    assert inputs["enableSecretMutable"] == "true"
    # By this another kubeconfig for the same cluster replaces nothing.
    assert inputs["clusterIdentifier"] == "uid-of-kube-system"
    through = {
        (args.provider or "").rpartition("::")[0]
        for args in made.created.values()
        if args.typ.startswith("kubernetes:")
    }
    assert through == {made.urns["store-cluster"]}


@pytest.mark.parametrize(
    ("raw", "blamed"),
    [
        ({"preset": "prod"}, "image"),
        ({"image": "valkey/valkey:latest", "engineVersion": "9.1.2"}, "image"),
        ({"preset": "prod", "image": DIGEST, "shareNodes": "true"}, "shareNodes"),
        ({"memoryLimit": "300mb"}, "memoryLimit"),
        ({"storage": "100mb"}, "storage"),
        ({"storage": "much"}, "storage"),
        ({"engineVersion": "7.0.0"}, "engineVersion"),
        ({"coldStartGraceSeconds": "1"}, "coldStartGraceSeconds"),
        ({"namespace": "Agents"}, "namespace"),
        ({"storeName": "a" * 40}, "storeName"),
        ({"clusterDomain": "-"}, "clusterDomain"),
        ({"serverCpu": "0m"}, "serverCpu"),
        ({"serverCpu": "much"}, "serverCpu"),
        ({"clientNamespaces": '["Apps"]'}, "clientNamespaces"),
        ({"dnsNamespace": "-"}, "dnsNamespace"),
        ({"imagePullSecrets": '["a_b"]'}, "imagePullSecrets"),
    ],
)
def test_an_argument_is_refused_in_the_words_of_the_settings(
    raw: dict[str, object], blamed: str, folder: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        create_store(settings(folder, **raw))
    assert caught.value.field == f"holdfast:{blamed}"


@pytest.mark.parametrize(
    ("facts", "raw", "blamed"),
    [
        (cluster(version=(1, 20)), {}, "context"),
        (cluster(missing=("create secrets",)), {}, "context"),
        (cluster(namespace_exists=False), {}, "namespace"),
        (cluster(), {"createNamespace": "true"}, "createNamespace"),
        (cluster(classes={}), {}, "storageClass"),
        (cluster(owners={"store-server": "x/y"}), {}, "storeName"),
        (cluster(issuer=False), ISSUER, "certificateIssuer"),
        (cluster(claims={CLAIM: ExistingClaim(2 * 1024**3)}), {"storage": "1gb"}, "storage"),
        (
            cluster(
                claims={CLAIM: ExistingClaim(1, storage_class="rigid")},
                classes={"rigid": StorageClass(default=True, expandable=False)},
            ),
            {},
            "storage",
        ),
    ],
)
def test_a_cluster_that_will_not_do_is_refused_in_the_words_of_the_settings_and_nothing_is_made(
    facts: ClusterFacts,
    raw: dict[str, object],
    blamed: str,
    folder: Path,
    seen: list[ClusterFacts],
) -> None:
    seen.append(facts)
    refused = refused_fields(lambda: create_store(settings(folder, **raw)))
    assert refused == [f"holdfast:{blamed}"]


def test_errors_and_warnings_speak_of_settings_and_not_of_arguments(
    folder: Path, seen: list[ClusterFacts], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen.append(cluster(namespace_exists=False))
    with pytest.raises(ConfigError, match="set holdfast:createNamespace true"):
        create_store(settings(folder))
    warned: list[str] = []
    monkeypatch.setattr(pulumi, "warn", warned.append)
    seen.append(cluster(zones=("a",)))
    deployed(folder)
    assert len(warned) == 2
    assert all("holdfast:shareNodes" in text and "share_nodes" not in text for text in warned)


def test_a_second_store_of_the_same_name_is_not_judged_by_its_volumes(
    folder: Path, seen: list[ClusterFacts]
) -> None:
    foreign = {CLAIM: ExistingClaim(9 * 1024**3)}
    seen.append(cluster(owners={"store-server": "x/y"}, claims=foreign))
    with pytest.raises(ConfigError, match="holdfast:storeName"):
        create_store(settings(folder, storage="1gb"))


def test_claims_that_exist_and_are_too_small_are_grown_before_the_pods_change(
    folder: Path, seen: list[ClusterFacts]
) -> None:
    assert not [name for name in deployed(folder).created if name.endswith("-claim")]
    seen.append(cluster(claims={CLAIM: ExistingClaim(1024**3, storage_class="standard")}))
    made = deployed(folder, storage="3gb")
    patches = [name for name in made.created if name.endswith("-claim")]
    assert patches == ["store-server-0-claim"]
    assert made.created[patches[0]].typ == "kubernetes:core/v1:PersistentVolumeClaimPatch"
    inputs = made.inputs(patches[0])
    assert inputs["metadata"]["name"] == CLAIM
    assert inputs["spec"] == {"resources": {"requests": {"storage": "3Gi"}}}
    assert patches[0] in made.waits_for["store-server"]


def test_without_an_answer_of_the_cluster_there_is_one_error_and_no_trace(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = tmp_path / "absent"

    def program() -> Mapping[str, pulumi.Output[Any]]:
        values = {
            "holdfast:target": "kubernetes",
            "holdfast:namespace": "agents",
            "holdfast:kubeconfig": str(absent),
        }
        pulumi.runtime.set_all_config(values)
        with pytest.raises(pulumi.RunError, match=r"holdfast:kubeconfig: got '.*absent'"):
            runpy.run_path(str(ROOT / "__main__.py"))
        return {}

    assert deploy(program).created == {}


def test_a_local_stack_imports_no_sdk_of_another_target() -> None:
    program = (
        "import sys, components.factory, config.pulumi_config\n"
        "sys.exit(any(name.split('.')[0] in ('pulumi_kubernetes', 'pulumi_aws', 'kubernetes')"
        " for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
