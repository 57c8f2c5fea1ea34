from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockMonitor, MockResourceArgs
from pulumi.runtime.proto.resource_pb2 import RegisterResourceRequest

from components import resources
from components.resources import (
    Certificate,
    CertificateAuthority,
    ClusterFormation,
    Password,
    SecretFile,
    ServerProcess,
)
from tests.unit.components.mocks import deploy, is_secret

_SERVER: dict[str, Any] = {
    "node": "valkey-0",
    "kind": "server",
    "group_dir": "/group",
    "owner": "shop/dev",
    "executable": "/bin/valkey-server",
    "port": 7600,
    "tls_certificate_pem": "PEM",
    "tls_private_key_pem": "PEM",
    "tls_ca_pem": "PEM",
    "acl": "user default off",
    "admin_username": "admin",
    "admin_password": "pw",
    "directives": {"maxmemory": "1gb", "save": ["900 1", "300 10"], "tls_ca_pem": "a key"},
    "secret_directives": {"primaryauth": "pw"},
    "seed": {"replicaof": "127.0.0.1 7601"},
}
_MAKERS: Mapping[str, Callable[[], pulumi.CustomResource]] = {
    "Password": lambda: Password("it"),
    "CertificateAuthority": lambda: CertificateAuthority("it", common_name="CA"),
    "Certificate": lambda: Certificate(
        "it",
        ca_certificate_pem="PEM",
        ca_private_key_pem="PEM",
        common_name="n",
        dns_names=["localhost"],
    ),
    "SecretFile": lambda: SecretFile("it", path="/x", content="hidden"),
    "ServerProcess": lambda: ServerProcess("it", **_SERVER),
    "ClusterFormation": lambda: ClusterFormation(
        "it",
        nodes=[{"node": "valkey-0", "address": "127.0.0.1", "port": 7600}],
        admin_username="admin",
        admin_password="pw",
        tls_ca_pem="PEM",
    ),
}


def _made(noun: str) -> MockResourceArgs:
    def program() -> Mapping[str, pulumi.Output[Any]]:
        return {"urn": _MAKERS[noun]().urn}

    return deploy(program).created["it"]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The additional secret outputs of each registration, which the mock engine ignores."""
    register = MockMonitor.RegisterResource
    seen: list[list[str]] = []

    def recording(monitor: MockMonitor, request: RegisterResourceRequest) -> object:
        if request.custom:
            seen.append(sorted(request.additionalSecretOutputs))
        return register(monitor, request)  # type: ignore[no-untyped-call]  # so in the SDK

    monkeypatch.setattr(MockMonitor, "RegisterResource", recording)
    return seen


@pytest.mark.parametrize("noun", _MAKERS)
def test_the_token_names_the_package_and_the_noun(noun: str) -> None:
    assert _made(noun).typ == f"holdfast:index:{noun}"


@pytest.mark.parametrize(
    ("noun", "names"),
    [
        ("Password", {"length", "rotation", "keepPrevious"}),
        ("CertificateAuthority", {"commonName", "validityDays", "rotation", "stage"}),
        (
            "Certificate",
            {
                "caCertificatePem",
                "caPrivateKeyPem",
                "commonName",
                "dnsNames",
                "ipAddresses",
                "validityDays",
                "rotation",
            },
        ),
        ("SecretFile", {"path", "content"}),
        (
            "ServerProcess",
            {
                "node",
                "kind",
                "groupDir",
                "owner",
                "executable",
                "port",
                "tlsCertificatePem",
                "tlsPrivateKeyPem",
                "tlsCaPem",
                "acl",
                "adminUsername",
                "adminPassword",
                "address",
                "directives",
                "seed",
                "secretDirectives",
                "keepData",
                "startTimeoutSeconds",
            },
        ),
        (
            "ClusterFormation",
            {"nodes", "adminUsername", "adminPassword", "tlsCaPem", "replicasPerPrimary"},
        ),
    ],
)
def test_inputs_have_their_wire_names(noun: str, names: set[str]) -> None:
    assert set(_made(noun).inputs) == names


@pytest.mark.parametrize(
    ("noun", "secret"),
    [
        ("Password", set()),
        ("CertificateAuthority", set()),
        ("Certificate", {"caPrivateKeyPem"}),
        ("SecretFile", {"content"}),
        ("ServerProcess", {"acl", "adminPassword", "tlsPrivateKeyPem", "secretDirectives"}),
        ("ClusterFormation", {"adminPassword"}),
    ],
)
def test_secret_inputs_are_secret_though_the_caller_did_not_say_so(
    noun: str, secret: set[str]
) -> None:
    inputs = _made(noun).inputs
    assert {name for name, value in inputs.items() if is_secret(value)} == secret


def test_the_keys_of_a_map_are_the_users_own() -> None:
    inputs = _made("ServerProcess").inputs
    assert inputs["directives"] == _SERVER["directives"]


def test_outputs_come_back_under_their_python_names() -> None:
    def program() -> Mapping[str, pulumi.Output[Any]]:
        authority = CertificateAuthority("authority", common_name="CA")
        formation = _MAKERS["ClusterFormation"]()
        assert isinstance(formation, ClusterFormation)
        return {"bundle": authority.bundle_pem, "slots": formation.slots_covered}

    outputs = deploy(program).outputs
    assert outputs["bundle"].value == "CA-BUNDLE"
    assert outputs["slots"].value == 16384


@pytest.mark.parametrize(
    ("noun", "secret"),
    [
        ("Password", ["previous", "value"]),
        ("CertificateAuthority", ["newest", "previous", "privateKeyPem"]),
        ("Certificate", ["privateKeyPem"]),
        ("SecretFile", ["content"]),
        ("ServerProcess", ["acl", "adminPassword", "secretDirectives", "tlsPrivateKeyPem"]),
        ("ClusterFormation", ["adminPassword"]),
    ],
)
def test_the_engine_is_told_which_outputs_are_secret(
    told: list[list[str]], noun: str, secret: list[str]
) -> None:
    _made(noun)
    assert told == [secret]


def test_the_callers_options_are_kept(told: list[list[str]]) -> None:
    def program() -> Mapping[str, pulumi.Output[Any]]:
        parent = pulumi.ComponentResource("shop:index:Parent", "parent")
        options = pulumi.ResourceOptions(parent=parent, additional_secret_outputs=["sha256"])
        return {"urn": Password("child", opts=options).urn}

    urn = deploy(program).outputs["urn"].value
    assert "shop:index:Parent$holdfast:index:Password" in urn
    assert told == [["previous", "sha256", "value"]]


def test_every_resource_of_the_module_is_tested_here() -> None:
    nouns = {
        name
        for name, item in vars(resources).items()
        if isinstance(item, type)
        and issubclass(item, pulumi.CustomResource)
        and item.__module__ == resources.__name__
        and not name.startswith("_")
    }
    assert nouns == set(_MAKERS)
