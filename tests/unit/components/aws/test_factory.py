from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.aws.factory import network_args, nodes_args, serverless_args
from components.aws.spec import NodesSpec, ServerlessSpec
from components.factory import create_store
from components.outputs import OUTPUT_NAMES, export_outputs
from config.aws_settings import Authentication, AwsSettings
from config.schema import Preset
from config.settings import Settings, load_settings
from holdfast.connection import Topology
from tests.unit.components.aws.cloud import ACCOUNT, KEY_ARN, REGION, SUBNETS, TOPIC_ARN, Aws
from tests.unit.components.aws.stores import children
from tests.unit.components.mocks import Deployment, deploy, refused_fields
from tests.unit.config.strategies import place

PROVIDER = "pulumi:providers:aws"
SERVERLESS: dict[str, Any] = {
    "topology": "serverless",
    "dataStorageGb": "5",
    "ecpuPerSecond": "10000",
}
OWN_NETWORK: dict[str, Any] = {"vpcId": "vpc-00000001", "subnetIds": json.dumps(SUBNETS)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


def settings(folder: Path, **raw: object) -> Settings:
    required = {"target": "aws", "region": REGION, "engineVersion": "9.1"}
    return load_settings({**required, **raw}, place(folder))


def on_aws(given: Settings) -> AwsSettings:
    assert isinstance(given.own, AwsSettings)
    return given.own


def deployed(
    folder: Path, *, preview: bool = False, cloud: Aws | None = None, **raw: object
) -> Deployment:
    def program() -> Mapping[str, pulumi.Output[Any]]:
        store = create_store(settings(folder, **raw))
        export_outputs(store, preset="dev")
        return {name: getattr(store, name) for name in OUTPUT_NAMES}

    return deploy(program, preview=preview, cloud=cloud or Aws())


def components(made: Deployment) -> dict[str, str]:
    return {name: args.typ for name, args in made.created.items() if not args.custom}


@pytest.mark.parametrize("preview", [False, True])
@pytest.mark.parametrize(
    ("raw", "kind", "verified"),
    [
        ({}, "ElastiCacheSessionStore", False),
        ({"preset": "staging"}, "ElastiCacheSessionStore", True),
        ({"preset": "prod"}, "ElastiCacheSessionStore", True),
        ({"topology": "cluster"}, "ElastiCacheSessionStore", False),
        (SERVERLESS, "ServerlessSessionStore", False),
        (OWN_NETWORK, "ElastiCacheSessionStore", False),
    ],
)
def test_settings_make_a_network_a_store_and_its_verifier(
    raw: dict[str, Any], kind: str, folder: Path, *, verified: bool, preview: bool
) -> None:
    made = deployed(folder, preview=preview, **raw)
    expected = {
        "store-network": "holdfast:index:PrivateNetwork",
        "store": f"holdfast:index:{kind}",
    }
    if verified:
        expected["store-verifier"] = "holdfast:index:Verifier"
    assert components(made) == expected


def test_everything_goes_through_one_provider_of_the_region_and_the_accounts(folder: Path) -> None:
    made = deployed(folder, preset="prod", accountIds=f'["{ACCOUNT}"]', awsTags='["team=chat"]')
    providers = [name for name, args in made.created.items() if args.typ == PROVIDER]
    assert providers == ["store-aws"]
    inputs = made.inputs("store-aws")
    assert inputs["region"] == REGION
    assert json.loads(inputs["allowedAccountIds"]) == [ACCOUNT]
    assert json.loads(inputs["defaultTags"])["tags"] == {
        "project": "holdfast",
        "stack": "test",
        "preset": "prod",
        "managed-by": "pulumi",
        "team": "chat",
    }
    through = {
        (args.provider or "").rpartition("::")[0]
        for args in made.created.values()
        if args.typ.startswith("aws:")
    }
    assert through == {made.urns["store-aws"]}


def test_no_account_is_named_where_none_was_set(folder: Path) -> None:
    assert "allowedAccountIds" not in deployed(folder).inputs("store-aws")


def test_a_store_in_ones_own_network_makes_none(folder: Path) -> None:
    cloud = Aws()
    made = deployed(folder, cloud=cloud, **OWN_NETWORK)
    assert not [name for name in children(made) if name.startswith("store-network-")]
    assert made.inputs("store-subnets")["subnetIds"] == list(SUBNETS)
    assert made.inputs("store-security-group")["vpcId"] == "vpc-00000001"
    assert "aws:ec2/getSubnet:getSubnet" in cloud.calls


def test_the_store_stands_in_the_subnets_that_were_made(folder: Path) -> None:
    made = deployed(folder, preset="prod")
    subnets = [f"store-network-subnet-{number}-id" for number in range(3)]
    assert made.inputs("store-subnets")["subnetIds"] == subnets
    assert made.outputs["resources"].value["vpc_id"] == "store-network-vpc-id"


def test_the_verifier_joins_the_clients_and_is_named_for_programs(folder: Path) -> None:
    made = deployed(folder, preset="prod")
    (function,) = (
        name for name, token in children(made).items() if token == "aws:lambda/function:Function"
    )
    groups = made.inputs(function)["vpcConfig"]["securityGroupIds"]
    assert "store-client-group-id" in groups
    assert made.outputs["resources"].value["verifier_function"]
    assert "verifier_function" not in deployed(folder).outputs["resources"].value


def test_the_verifier_may_log_in_by_iam_as_every_role_that_does(folder: Path) -> None:
    made = deployed(folder, preset="prod", authentication="iam")
    for role in ("svc", "worker"):
        policy = made.inputs(f"store-verifier-connect-{role}")["policyArn"]
        assert policy.endswith(f"store-connect-{role}")


def test_every_setting_reaches_the_component(folder: Path) -> None:
    given = settings(
        folder,
        preset="prod",
        storeName="chat",
        app="shop",
        buckets="128",
        topology="cluster",
        primaries="2",
        replicas="1",
        engineVersion="8.2",
        nodeType="cache.r7g.large",
        evictionPolicy="volatile-ttl",
        expectedSessions="10",
        accountIds=f'["{ACCOUNT}"]',
        clientSecurityGroupIds='["sg-0000000a"]',
        clientCidrs='["10.1.0.0/16"]',
        kmsKeyArn=KEY_ARN,
        authentication="iam",
        snapshotRetentionDays="14",
        snapshotWindow="01:00-02:00",
        maintenanceWindow="mon:03:00-mon:04:00",
        restoreSnapshot="before",
        autoMinorVersionUpgrade="false",
        applyImmediately="true",
        alarmTopicArn=TOPIC_ARN,
        logRetentionDays="90",
        passwordRotations="admin=2",
        vpcCidr="10.9.0.0/20",
        availabilityZones="2",
    )
    own = on_aws(given)
    spec = NodesSpec.from_args(nodes_args(given, own, "vpc", ("a", "b")))
    store = spec.store
    assert (store.aws_name, store.region, store.account_id) == ("chat-test", REGION, ACCOUNT)
    assert (store.preset, store.app, store.buckets) == (Preset.PROD, "shop", 128)
    assert (store.topology, spec.shape) == (Topology.CLUSTER, given.shape)
    assert (store.engine_version, spec.node.name) == ("8.2", "cache.r7g.large")
    assert spec.eviction_policy == "volatile-ttl"
    assert store.expected_sessions == 10
    assert store.client_security_group_ids == ("sg-0000000a",)
    assert store.client_cidrs == ("10.1.0.0/16",)
    assert (store.kms_key_arn, store.alarm_topic_arn) == (KEY_ARN, TOPIC_ARN)
    assert store.authentication is Authentication.IAM
    assert (store.snapshot_retention_days, store.snapshot_window) == (14, "01:00-02:00")
    assert spec.maintenance_window == "mon:03:00-mon:04:00"
    assert store.restore_from == "before"
    assert (spec.auto_minor_version_upgrade, spec.apply_immediately) == (False, True)
    assert spec.final_snapshot
    assert store.log_retention_days == 90
    assert store.rotation == given.rotation
    network = network_args(own)
    assert (network["cidr"], network["zones"]) == ("10.9.0.0/20", 2)
    assert network["log_retention_days"] == 90


def test_a_group_to_adopt_reaches_the_component(folder: Path) -> None:
    given = settings(folder, importId="legacy")
    spec = NodesSpec.from_args(nodes_args(given, on_aws(given), "vpc", ("a", "b")))
    assert spec.import_id == "legacy"
    given = settings(folder, replicationGroupId="legacy")
    spec = NodesSpec.from_args(nodes_args(given, on_aws(given), "vpc", ("a", "b")))
    assert (spec.import_id, spec.replication_group_id) == (None, "legacy")


def test_the_maximums_of_a_serverless_store_reach_it(folder: Path) -> None:
    given = settings(folder, **SERVERLESS)
    spec = ServerlessSpec.from_args(serverless_args(given, on_aws(given), "vpc", ("a", "b")))
    assert (spec.data_storage_gb, spec.ecpu_per_second) == (5, 10_000)


@pytest.mark.parametrize(
    ("raw", "blamed"),
    [
        ({"certificateRotation": "1"}, "certificateRotation"),
        ({"caRotation": "1"}, "caRotation"),
        ({"passwordRotations": "replica=1"}, "passwordRotations"),
        ({"nodeType": "cache.x"}, "nodeType"),
        ({"storeName": "s" * 30}, "storeName"),
    ],
)
def test_a_setting_is_refused_by_its_key_and_nothing_is_made(
    raw: dict[str, object], blamed: str, folder: Path
) -> None:
    refused = refused_fields(lambda: create_store(settings(folder, **raw)), cloud=Aws())
    assert refused == [f"holdfast:{blamed}"]


def test_a_stack_on_aws_imports_no_client_of_aws_which_every_preview_would_wait_for() -> None:
    program = (
        "import sys, components.aws.factory\n"
        "sys.exit(any(name.split('.')[0] in ('boto3', 'botocore') for name in sys.modules))"
    )
    root = Path(__file__).resolve().parents[4]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0
