from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from components.local import LocalSessionStore
from components.local_spec import LocalSessionStoreArgs
from components.outputs import OUTPUT_NAMES
from config.schema import Engine
from holdfast.acl import password_hash
from holdfast.connection import Connection, Topology
from holdfast.errors import ConfigError
from holdfast.roles import APPLICATION_ROLES, Role
from tests.unit.components.mocks import COMPONENT, Deployment, deploy, password_of, serial_of

SERVERS = {Topology.STANDALONE: 1, Topology.SENTINEL: 3, Topology.CLUSTER: 6}
TOPOLOGIES = list(SERVERS)


@pytest.fixture(autouse=True)
def _outputs_in_texts_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "1")


def arguments(topology: Topology, **changes: object) -> LocalSessionStoreArgs:
    args: LocalSessionStoreArgs = {
        "owner": "holdfast/test",
        "server_path": "/opt/valkey-server",
        "engine": Engine.VALKEY,
        "engine_version": "9.1.2",
        "data_dir": "/state/test",
        "topology": topology,
    }
    return {**args, **changes}  # type: ignore[typeddict-item]  # the test says what it changes


def store(topology: Topology, *, preview: bool = False, **changes: object) -> Deployment:
    def program() -> Mapping[str, pulumi.Output[Any]]:
        made = LocalSessionStore("s", arguments(topology, **changes))
        return {name: getattr(made, name) for name in OUTPUT_NAMES}

    return deploy(program, preview=preview)


def expected_children(topology: Topology) -> dict[str, str]:
    nodes = {f"s-server-{i}": "ServerProcess" for i in range(SERVERS[topology])}
    kinds = ["server"]
    if topology is Topology.SENTINEL:
        nodes |= {f"s-sentinel-{i}": "ServerProcess" for i in range(3)}
        kinds.append("sentinel")
    if topology is Topology.CLUSTER:
        nodes["s-cluster"] = "ClusterFormation"
    return (
        {f"s-password-{role}": "Password" for role in Role}
        | {f"s-certificate-{kind}": "Certificate" for kind in kinds}
        | {f"s-connection-{role}": "SecretFile" for role in APPLICATION_ROLES}
        | {"s-ca": "CertificateAuthority", "s-ca-file": "SecretFile"}
        | nodes
    )


@pytest.mark.parametrize("preview", [False, True])
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_topology_has_exactly_its_children(topology: Topology, *, preview: bool) -> None:
    created = store(topology, preview=preview).created
    children = {name: args.typ for name, args in created.items() if args.custom}
    assert children == {
        name: f"holdfast:index:{noun}" for name, noun in expected_children(topology).items()
    }
    assert {name: a.typ for name, a in created.items() if not a.custom} == {"s": COMPONENT}


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_every_child_is_parented_to_the_component(topology: Topology) -> None:
    urns = store(topology).urns
    for name, noun in expected_children(topology).items():
        assert urns[name].split("::")[2] == f"{COMPONENT}$holdfast:index:{noun}"


def test_options_of_the_caller_reach_the_component_and_its_children_inherit() -> None:
    def program() -> Mapping[str, pulumi.Output[Any]]:
        parent = pulumi.ComponentResource("test:index:Parent", "p")
        opts = pulumi.ResourceOptions(parent=parent)
        LocalSessionStore("s", arguments(Topology.STANDALONE), opts)
        return {}

    urns = deploy(program).urns
    # A child that took the caller's options itself would hang below the parent alone.
    assert urns["s"].split("::")[2] == f"test:index:Parent${COMPONENT}"
    assert urns["s-server-0"].split("::")[2] == f"{COMPONENT}$holdfast:index:ServerProcess"


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_every_process_gets_loopback_tls_and_its_acl(topology: Topology) -> None:
    made = store(topology)
    processes = [n for n, noun in expected_children(topology).items() if noun == "ServerProcess"]
    for name in processes:
        inputs = made.inputs(name)
        kind = "sentinel" if "sentinel" in name else "server"
        assert inputs["kind"] == kind
        assert inputs["node"] == name.removeprefix("s-")
        assert inputs["groupDir"] == "/state/test"
        assert inputs["owner"] == "holdfast/test"
        assert inputs["executable"] == "/opt/valkey-server"
        assert inputs["address"] == "127.0.0.1"
        assert inputs["tlsCertificatePem"] == f"CERT-s-certificate-{kind}"
        assert inputs["tlsPrivateKeyPem"] == f"KEY-s-certificate-{kind}"
        assert inputs["tlsCaPem"] == "CA-BUNDLE"
        assert inputs["adminUsername"] == "admin"
        assert inputs["adminPassword"] == password_of("s-password-admin")
        assert inputs["keepData"] is False
        assert inputs["acl"].startswith("user default off ")
        assert f"#{password_hash(password_of('s-password-admin'))}" in inputs["acl"]


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_ports_follow_each_other_in_the_order_of_the_nodes(topology: Topology) -> None:
    made = store(topology, base_port=8000)
    ports = [made.inputs(f"s-server-{i}")["port"] for i in range(SERVERS[topology])]
    assert ports == [8000 + i for i in range(SERVERS[topology])]
    if topology is Topology.SENTINEL:
        assert [made.inputs(f"s-sentinel-{i}")["port"] for i in range(3)] == [8100, 8101, 8102]


def test_the_acl_of_servers_has_every_role_and_that_of_sentinels_only_theirs() -> None:
    made = store(Topology.SENTINEL)
    servers = made.inputs("s-server-0")["acl"]
    for role in Role:
        digest = password_hash(password_of(f"s-password-{role}"))
        assert f"user {role} on #{digest} " in servers
    sentinels = made.inputs("s-sentinel-0")["acl"]
    assert "user svc on #" in sentinels
    assert "user replica " not in sentinels


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_no_input_but_a_secret_one_holds_a_password_or_key(topology: Topology) -> None:
    made = store(topology)
    for name, args in made.created.items():
        secret = made.secret_inputs(name)
        plain = json.dumps({k: v for k, v in args.inputs.items() if k not in secret})
        assert "plain-text-of" not in plain, name
        assert "KEY" not in plain, name
    process = {"secretDirectives", "acl", "tlsPrivateKeyPem", "adminPassword"}
    assert made.secret_inputs("s-server-0") == process
    assert made.secret_inputs("s-connection-svc") == {"content"}
    assert made.secret_inputs("s-certificate-server") == {"caPrivateKeyPem"}


def test_sentinel_passwords_stand_in_secret_directives_only() -> None:
    made = store(Topology.SENTINEL)
    assert made.inputs("s-sentinel-0")["secretDirectives"] == {
        "sentinel auth-pass holdfast-test": password_of("s-password-sentinel"),
        "sentinel sentinel-pass": password_of("s-password-sentinel"),
    }
    assert made.inputs("s-server-0")["secretDirectives"] == {
        "primaryauth": password_of("s-password-replica")
    }


def test_replicas_are_seeded_and_the_first_primary_is_not() -> None:
    made = store(Topology.SENTINEL)
    assert made.inputs("s-server-0")["seed"] == {}
    assert made.inputs("s-server-1")["seed"] == {"replicaof": "127.0.0.1 7600"}
    assert made.inputs("s-sentinel-2")["seed"] == {
        "sentinel monitor holdfast-test": "127.0.0.1 7600 2"
    }


def test_a_cluster_is_formed_of_all_its_servers() -> None:
    inputs = store(Topology.CLUSTER).inputs("s-cluster")
    assert inputs["nodes"] == [
        {"node": f"server-{i}", "address": "127.0.0.1", "port": 7600 + i} for i in range(6)
    ]
    assert inputs["replicasPerPrimary"] == 1
    assert inputs["tlsCaPem"] == "CA-BUNDLE"


def test_replicas_start_after_the_first_primary_and_sentinels_after_all_servers() -> None:
    waits_for = store(Topology.SENTINEL).waits_for
    servers = {f"s-server-{i}" for i in range(3)}
    assert not waits_for["s-server-0"] & servers
    assert waits_for["s-server-2"] & servers == {"s-server-0"}
    assert waits_for["s-sentinel-1"] & servers == servers


def test_a_cluster_is_formed_after_all_its_servers_run() -> None:
    assert {f"s-server-{i}" for i in range(6)} <= store(Topology.CLUSTER).waits_for["s-cluster"]


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_files_are_written_only_once_the_store_runs(topology: Topology) -> None:
    made = store(topology)
    children = expected_children(topology)
    running = {n for n, noun in children.items() if noun in {"ServerProcess", "ClusterFormation"}}
    for name, noun in children.items():
        if noun == "SecretFile":
            assert running <= made.waits_for[name]


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_certificates_hold_the_names_that_clients_verify(topology: Topology) -> None:
    inputs = store(topology, extra_dns_names=("store.test",)).inputs("s-certificate-server")
    assert inputs["dnsNames"] == ["localhost", "store.test"]
    assert inputs["ipAddresses"] == ["127.0.0.1"]


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_the_connection_is_secret_and_readable(topology: Topology) -> None:
    made = store(topology)
    full = made.outputs["connection"]
    assert full.secret
    connection = Connection.from_json(full.value)
    assert connection.topology is topology
    assert connection.target == "local"
    assert set(connection.users) == set(Role)
    assert connection.users[Role.SVC].password == password_of("s-password-svc")
    assert connection.tls.ca == "CA-BUNDLE"
    assert connection.capacity.maxmemory_bytes == 256 * 1024**2
    dialled = connection.sentinels or connection.seeds or (connection.primary,)
    assert made.outputs["endpoints"].value == [str(address) for address in dialled]
    if topology is Topology.SENTINEL:
        assert connection.sentinel_service == "holdfast-test"
        assert len(connection.sentinels) == 3


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_each_application_role_gets_its_own_narrow_connection(topology: Topology) -> None:
    made = store(topology)
    narrow = made.outputs["connections"]
    assert narrow.secret
    assert set(narrow.value) == {role.value for role in APPLICATION_ROLES}
    for role in APPLICATION_ROLES:
        assert Connection.from_json(narrow.value[role.value]).sole_role is role
        file = made.inputs(f"s-connection-{role}")
        assert file["content"] == narrow.value[role.value]
        assert file["path"] == f"/state/test/connection-{role}.json"
        assert made.outputs["connection_files"].value[role.value] == file["path"]


def test_the_other_outputs_are_plain_for_people() -> None:
    outputs = store(Topology.SENTINEL).outputs
    plain = {n: o.value for n, o in outputs.items() if n not in {"connection", "connections"}}
    assert not any(outputs[name].secret for name in plain)
    assert plain == {
        "target": "local",
        "topology": "sentinel",
        "engine": "valkey 9.1.2",
        "endpoints": ["127.0.0.1:7700", "127.0.0.1:7701", "127.0.0.1:7702"],
        "app": "agent",
        "roles": ["svc", "worker", "consolidator", "monitor", "admin"],
        "connection_files": {
            role: f"/state/test/connection-{role}.json"
            for role in ("svc", "worker", "consolidator", "monitor", "admin")
        },
        "ca_file": "/state/test/ca.crt",
        "certificate_serials": {
            kind: serial_of(f"s-certificate-{kind}") for kind in ("server", "sentinel")
        },
        "connection_secrets": {},
        "resources": {},
    }


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_preview_knows_no_password_and_keeps_the_connection_secret(topology: Topology) -> None:
    outputs = store(topology, preview=True).outputs
    assert (outputs["connection"].known, outputs["connection"].secret) == (False, True)
    assert (outputs["connections"].known, outputs["connections"].secret) == (False, True)
    assert outputs["topology"].value == topology.value
    assert outputs["endpoints"].known


@pytest.mark.parametrize(
    ("topology", "changes", "field"),
    [
        (Topology.SENTINEL, {"sentinels": 4}, "holdfast:sentinels"),
        (Topology.SENTINEL, {"replicas": 0}, "holdfast:replicas"),
        (Topology.CLUSTER, {"replicas": 0}, "holdfast:replicas"),
        (Topology.STANDALONE, {"eviction_policy": "noeviction"}, "holdfast:evictionPolicy"),
        (Topology.STANDALONE, {"app": "No"}, "holdfast:app"),
    ],
)
def test_arguments_that_break_a_rule_create_no_child(
    topology: Topology, changes: dict[str, Any], field: str
) -> None:
    created: Mapping[str, object] = {}

    def program() -> Mapping[str, pulumi.Output[Any]]:
        with pytest.raises(ConfigError) as caught:
            LocalSessionStore("s", arguments(topology, **changes))
        assert caught.value.field == field
        return {}

    created = deploy(program).created
    assert set(created) <= {"s"}
