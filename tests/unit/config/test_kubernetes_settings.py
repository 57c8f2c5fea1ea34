from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from config.kubernetes_settings import KubernetesSettings
from config.schema import SETTINGS, Engine, Kind, Preset, Target
from config.settings import Settings, load_settings
from holdfast.errors import ConfigError
from tests.unit.config.strategies import in_cluster, place

ROOT = Path(__file__).parents[3]
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
CERT_MANAGER = {"certificates": "cert-manager", "certificateIssuer": "ClusterIssuer/internal"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


def load(folder: Path, **raw: object) -> Settings:
    def run(_path: Path) -> str:
        pytest.fail("a program of this machine was run")

    values: dict[str, object] = {"target": "kubernetes", "namespace": "agents", **raw}
    return load_settings(values, place(folder, run_server=run, environment={}))


def own(folder: Path, **raw: object) -> KubernetesSettings:
    return in_cluster(load(folder, **raw))


def test_a_namespace_is_enough_and_no_program_of_this_machine_is_asked_for(folder: Path) -> None:
    settings = load(folder)
    found = in_cluster(settings)
    assert settings.target is Target.KUBERNETES
    assert (found.namespace, found.store, found.create_namespace) == ("agents", "store", False)
    assert (found.image, found.engine_version) == ("valkey/valkey:9.1.2", "9.1.2")
    assert found.engine is Engine.VALKEY
    assert (found.kubeconfig, found.context, found.issuer) == (None, None, None)
    assert (found.storage, found.storage_class, found.memory_limit) == (None, None, None)
    assert (found.dns_namespace, found.dns_ports) == ("kube-system", (53,))


def test_what_is_set_is_taken_over(folder: Path) -> None:
    found = own(
        folder,
        createNamespace="true",
        storeName="chat",
        context="staging",
        imagePullSecrets='["registry"]',
        storageClass="fast",
        storage="3gb",
        memoryLimit="1gb",
        serverCpu="500m",
        coldStartGraceSeconds="60",
        shareNodes="true",
        clientNamespaces='["apps"]',
        clusterDomain="cluster.example",
        dnsNamespace="openshift-dns",
        dnsPorts="53, 5353",
    )
    assert (found.create_namespace, found.store, found.context) == (True, "chat", "staging")
    assert found.image_pull_secrets == ("registry",)
    assert (found.storage_class, found.storage, found.memory_limit) == ("fast", "3gb", "1gb")
    assert (found.server_cpu, found.cold_start_grace_seconds) == ("500m", 60)
    assert (found.share_nodes, found.client_namespaces) == (True, ("apps",))
    assert (found.cluster_domain, found.dns_namespace) == ("cluster.example", "openshift-dns")
    assert found.dns_ports == (53, 5353)


def test_a_kubeconfig_is_relative_to_the_project_and_may_begin_at_home(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert own(folder, kubeconfig="rig/config").kubeconfig == folder / "rig" / "config"
    assert own(folder, kubeconfig="~/c").kubeconfig == Path("/home/somebody/c")
    assert own(folder, kubeconfig="/etc/c").kubeconfig == Path("/etc/c")


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("valkey/valkey:8.0.1", "8.0.1"),
        ("registry.example:5000/mirror/valkey:9.1.2-alpine", "9.1.2"),
        ("valkey/valkey:9.2.0@sha256:" + "a" * 64, "9.2.0"),
    ],
)
def test_the_version_is_the_one_in_the_tag(image: str, version: str, folder: Path) -> None:
    assert own(folder, image=image).engine_version == version
    assert own(folder, image=image, engineVersion="9.9.9").engine_version == "9.9.9"


@pytest.mark.parametrize("preset", list(Preset))
def test_presets_apply(preset: Preset, folder: Path) -> None:
    settings = load(folder, preset=preset.value)
    assert settings.preset is preset
    assert settings.shape.sentinels == 3


def test_the_memory_of_this_machine_says_nothing_about_a_cluster(folder: Path) -> None:
    raw: dict[str, object] = {"target": "kubernetes", "namespace": "agents", "maxmemory": "100gb"}
    settings = load_settings(raw, place(folder, memory_bytes=1024**3))
    assert settings.maxmemory_bytes == 100 * 1024**3


@pytest.mark.parametrize(
    ("raw", "blamed"),
    [
        ({"namespace": ""}, "namespace"),
        ({"topology": "cluster"}, "topology"),
        ({"topology": "standalone"}, "topology"),
        ({"sentinels": "4"}, "sentinels"),
        ({"dnsPorts": ""}, "dnsPorts"),
        ({"dnsPorts": "53,"}, "dnsPorts"),
        ({"dnsPorts": "0"}, "dnsPorts"),
        ({"dnsPorts": "65536"}, "dnsPorts"),
        ({"dnsPorts": "123456"}, "dnsPorts"),
        ({"engineVersion": "9.1"}, "engineVersion"),
        ({"image": "valkey/valkey@sha256:" + "a" * 64}, "engineVersion"),
        ({"image": "valkey/valkey:9"}, "engineVersion"),
        ({"image": "valkey/valkey"}, "image"),
        ({"image": "registry.example:5000/valkey"}, "image"),
        ({"kubeconfig": "~nobody-at-all/c"}, "kubeconfig"),
        ({"certificates": "letsencrypt"}, "certificates"),
        ({"certificates": "cert-manager"}, "certificateIssuer"),
        ({**CERT_MANAGER, "certificateIssuer": "internal"}, "certificateIssuer"),
        ({**CERT_MANAGER, "certificateIssuer": "Secret/internal"}, "certificateIssuer"),
        ({"certificateIssuer": "Issuer/internal"}, "certificateIssuer"),
        ({"certificateCaFile": "ca.pem"}, "certificateCaFile"),
        ({**CERT_MANAGER, "certificateCaFile": "absent.pem"}, "certificateCaFile"),
        ({**CERT_MANAGER, "certificateRotation": "1"}, "certificateRotation"),
        ({**CERT_MANAGER, "caRotation": "1"}, "caRotation"),
        ({**CERT_MANAGER, "caStage": "trust-both"}, "caStage"),
    ],
)
def test_bad_settings_are_refused_by_name(
    raw: dict[str, object], blamed: str, folder: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(folder, **raw)
    assert caught.value.field == f"holdfast:{blamed}"
    assert caught.value.rule
    assert caught.value.fix


def test_an_issuer_is_taken_with_the_ca_that_clients_are_to_trust(folder: Path) -> None:
    (folder / "ca.pem").write_text(CERTIFICATE)
    found = own(folder, **CERT_MANAGER, certificateCaFile="ca.pem").issuer
    assert found is not None
    assert (found.kind, found.name, found.ca_pem) == ("ClusterIssuer", "internal", CERTIFICATE)
    found = own(folder, **{**CERT_MANAGER, "certificateIssuer": "Issuer/store.ca"}).issuer
    assert found is not None
    assert (found.kind, found.name, found.ca_pem) == ("Issuer", "store.ca", None)


@pytest.mark.parametrize("text", ["", "no PEM", CERTIFICATE + "-----BEGIN PRIVATE KEY-----\n"])
def test_a_ca_file_holds_certificates_and_no_key(text: str, folder: Path) -> None:
    (folder / "wrong.pem").write_text(text)
    with pytest.raises(ConfigError, match="holdfast:certificateCaFile") as caught:
        load(folder, **CERT_MANAGER, certificateCaFile="wrong.pem")
    assert "PRIVATE KEY" not in str(caught.value).replace("no private key", "")


@pytest.mark.parametrize("target", list(Target))
def test_a_setting_of_another_target_is_refused(target: Target, folder: Path) -> None:
    foreign = [s for s in SETTINGS if not s.suits(target)]
    assert foreign
    values = {Kind.STRING: "x", Kind.INTEGER: 7, Kind.ARRAY: ("x",)}
    for setting in foreign:
        value = not setting.default if setting.kind is Kind.BOOLEAN else values[setting.kind]
        raw = {"target": target.value, setting.name: value}
        with pytest.raises(ConfigError, match=f"need holdfast:target {setting.only[0]}") as caught:
            load_settings(raw, place(folder))
        assert caught.value.field == setting.key


def test_the_example_is_valid(folder: Path) -> None:
    example = yaml.safe_load((ROOT / "config" / "kubernetes.example.yaml").read_text())["config"]
    raw = {key.removeprefix("holdfast:"): value for key, value in example.items()}
    found = in_cluster(load_settings(raw, place(folder)))
    assert (found.namespace, found.create_namespace) == ("agents", True)
