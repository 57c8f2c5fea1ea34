from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.factory import create_store
from components.kubernetes_factory import kubernetes_args
from components.kubernetes_spec import KubernetesSpec
from components.outputs import export_outputs
from config.settings import Settings, load_settings
from holdfast.errors import ConfigError
from tests.unit.components.mocks import Deployment, deploy
from tests.unit.config.strategies import in_cluster, place

ROOT = Path(__file__).parents[3]
PROVIDER = "pulumi:providers:kubernetes"
DIGEST = "valkey/valkey:9.1.2@sha256:" + "a" * 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


def settings(folder: Path, **raw: object) -> Settings:
    values: dict[str, object] = {"target": "kubernetes", "namespace": "agents", **raw}
    return load_settings(values, place(folder))


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


def test_everything_goes_through_one_provider_that_updates_secrets_in_place(folder: Path) -> None:
    made = deployed(folder, kubeconfig="rig/config", context="test")
    providers = [name for name, args in made.created.items() if args.typ == PROVIDER]
    assert providers == ["store-cluster"]
    inputs = made.inputs("store-cluster")
    assert inputs["kubeconfig"] == str(folder / "rig" / "config")
    assert inputs["context"] == "test"
    assert inputs["enableSecretMutable"] == "true"
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
    ],
)
def test_an_argument_is_refused_in_the_words_of_the_settings(
    raw: dict[str, object], blamed: str, folder: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        create_store(settings(folder, **raw))
    assert caught.value.field == f"holdfast:{blamed}"


def test_a_local_stack_imports_no_sdk_of_another_target() -> None:
    program = (
        "import sys, components.factory, config.pulumi_config\n"
        "sys.exit(any(name.split('.')[0] in ('pulumi_kubernetes', 'pulumi_aws', 'kubernetes')"
        " for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
