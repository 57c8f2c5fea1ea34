"""What a store of nodes gives back."""

from __future__ import annotations

from config.aws_settings import Authentication
from holdfast.connection import Address, Connection, Topology
from holdfast.roles import APPLICATION_ROLES
from tests.unit.components.aws.cloud import DIGITS, KEY_ARN
from tests.unit.components.aws.stores import CLUSTER, GROUP, nodes


def test_clients_are_told_the_primary_and_the_replicas() -> None:
    connection = Connection.from_json(nodes(replicas=1).outputs["connection"].value)
    host = f"{GROUP}.example.cache.amazonaws.com"
    assert connection.target == "aws"
    assert connection.topology is Topology.REPLICATION_GROUP
    assert connection.primary == Address(f"master.{host}", 6379)
    assert connection.reader == Address(f"replica.{host}", 6379)
    assert connection.seeds == ()
    assert connection.tls.ca == "system"
    assert (connection.engine, connection.engine_version) == ("valkey", "9.1")
    assert connection.capabilities == {"wait", "psubscribe", "client-list"}
    assert connection.capacity.maxmemory_bytes == 1_029_718_409


def test_one_node_has_no_reader_and_a_cluster_one_seed() -> None:
    alone = Connection.from_json(nodes().outputs["connection"].value)
    assert alone.reader is None
    cluster = Connection.from_json(nodes(**CLUSTER).outputs["connection"].value)
    assert cluster.topology is Topology.CLUSTER
    assert cluster.seeds == (Address(f"clustercfg.{GROUP}.example.cache.amazonaws.com", 6379),)
    assert cluster.primary is None


def test_the_outputs_for_people_and_programs_are_plain() -> None:
    outputs = nodes(authentication=Authentication.IAM).outputs
    assert outputs["connection"].secret
    assert outputs["connections"].secret
    plain = {name: seen for name, seen in outputs.items() if not name.startswith("connection")}
    assert not [name for name, seen in plain.items() if seen.secret]
    values = {name: seen.value for name, seen in plain.items()}
    assert values == {
        "target": "aws",
        "topology": "replication-group",
        "engine": "valkey 9.1",
        "endpoints": [f"master.{GROUP}.example.cache.amazonaws.com:6379"],
        "app": "agent",
        "roles": list(APPLICATION_ROLES),
        "ca_file": "",
        "certificate_serials": {},
        "resources": {
            "region": "eu-west-1",
            "replication_group_id": GROUP,
            "user_group_id": "chat-test-users",
            "client_security_group_id": "s-client-group-id",
            "store_security_group_id": "s-security-group-id",
            "parameter_group": f"s-parameters-{DIGITS}",
            "kms_key_arn": KEY_ARN,
            "alarm_topic_arn": "arn:aws:sns:eu-west-1:123456789012:s-alarms",
            "connect_policy_arns": {
                role: f"arn:aws:iam:eu-west-1:123456789012:s-connect-{role}"
                for role in ("svc", "worker")
            },
            "vpc_id": "vpc-00000001",
        },
    }
    secrets = outputs["connection_secrets"]
    assert not secrets.secret
    assert secrets.value["svc"].startswith("arn:aws:secretsmanager:")
    assert set(secrets.value) == set(APPLICATION_ROLES)
    assert outputs["connection_files"].value == {}


def test_a_preview_knows_what_does_not_depend_on_aws() -> None:
    outputs = nodes(preview=True).outputs
    known = {name for name, seen in outputs.items() if seen.known}
    assert known >= {"target", "topology", "engine", "app", "roles"}
    assert outputs["connection"].secret
    assert not outputs["connection"].known
