from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.aws_rules import check_client_cidrs
from config.aws_settings import Authentication, AwsSettings
from config.schema import Preset, Target
from config.settings import Settings, load_settings
from holdfast.aws.parameters import ENGINE_VERSIONS
from holdfast.connection import Topology
from holdfast.errors import ConfigError
from tests.unit.config.strategies import place

ROOT = Path(__file__).parents[3]
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:on-call"
SERVERLESS = {"topology": "serverless", "dataStorageGb": "10", "ecpuPerSecond": "5000"}
OWN_NETWORK = {
    "vpcId": "vpc-0123456789abcdef0",
    "subnetIds": '["subnet-0a1b2c3d","subnet-0a1b2c3e"]',
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


def load(folder: Path, stack: str = "prod", **raw: str) -> Settings:
    def run(_path: Path) -> str:
        pytest.fail("a program of this machine was run")

    values: dict[str, object] = {
        "target": "aws",
        "region": "eu-west-1",
        "engineVersion": "9.1",
        **raw,
    }
    return load_settings(values, place(folder, stack=stack, run_server=run, environment={}))


def own(folder: Path, stack: str = "prod", **raw: str) -> AwsSettings:
    found = load(folder, stack, **raw).own
    assert isinstance(found, AwsSettings)
    return found


def test_a_region_and_an_engine_version_are_enough_for_a_small_store_of_one_node(
    folder: Path,
) -> None:
    settings = load(folder)
    found = own(folder)
    assert settings.target is Target.AWS
    assert settings.shape.topology is Topology.REPLICATION_GROUP
    assert (settings.shape.primaries, settings.shape.replicas) == (1, 0)
    assert (found.store_id, found.engine_version) == ("store-prod", "9.1")
    assert found.node_type == "cache.t4g.micro"
    assert settings.maxmemory_bytes == 536_870_912 // 2
    assert (found.vpc_cidr, found.vpc_id, found.availability_zones) == ("10.64.0.0/20", None, 2)
    assert found.authentication is Authentication.PASSWORD
    assert found.auto_minor_version_upgrade
    assert found.apply_immediately
    assert not found.final_snapshot
    assert not found.verifier
    assert settings.advice is None


@pytest.mark.parametrize(
    ("preset", "nodes", "zones", "days", "at_once", "last_copy", "verifier"),
    [
        (Preset.DEV, 1, 2, 1, True, False, False),
        (Preset.STAGING, 2, 3, 3, True, False, True),
        (Preset.PROD, 3, 3, 7, False, True, True),
    ],
)
def test_a_stage_says_how_safe_and_how_careful_a_store_is(
    preset: Preset,
    nodes: int,
    zones: int,
    days: int,
    at_once: bool,
    last_copy: bool,
    verifier: bool,
    folder: Path,
) -> None:
    settings = load(folder, preset=preset.value)
    found = own(folder, preset=preset.value)
    assert settings.shape.servers == nodes
    assert found.availability_zones == zones
    assert found.snapshot_retention_days == days
    assert found.apply_immediately is at_once
    assert found.final_snapshot is last_copy
    assert found.verifier is verifier
    assert settings.advice is None


def test_what_is_set_is_taken_over(folder: Path) -> None:
    found = own(
        folder,
        preset="prod",
        accountIds='["111122223333"]',
        storeName="Chat",
        engineVersion="8.2",
        nodeType="cache.r7g.large",
        clientSecurityGroupIds='["sg-0123456789abcdef0"]',
        clientCidrs='["10.1.0.0/16"]',
        kmsKeyArn=KEY,
        authentication="iam",
        snapshotRetentionDays="35",
        snapshotWindow="01:00-02:00",
        maintenanceWindow="Mon:03:00-Mon:05:00",
        restoreSnapshot="automatic.chat-prod-2026-11-01-03-00",
        autoMinorVersionUpgrade="false",
        applyImmediately="true",
        alarmTopicArn=TOPIC,
        logRetentionDays="90",
        verifier="false",
        awsTags='["team=agents", "cost=a b"]',
        **OWN_NETWORK,
    )
    assert found.account_ids == ("111122223333",)
    assert (found.store_name, found.store_id) == ("Chat", "chat-prod")
    assert (found.engine_version, found.node_type) == ("8.2", "cache.r7g.large")
    assert (found.vpc_id, found.vpc_cidr) == ("vpc-0123456789abcdef0", None)
    assert found.subnet_ids == ("subnet-0a1b2c3d", "subnet-0a1b2c3e")
    assert found.client_security_group_ids == ("sg-0123456789abcdef0",)
    assert found.client_cidrs == ("10.1.0.0/16",)
    assert (found.kms_key_arn, found.alarm_topic_arn) == (KEY, TOPIC)
    assert found.authentication is Authentication.IAM
    assert found.snapshot_retention_days == 35
    assert found.maintenance_window == "mon:03:00-mon:05:00"
    assert found.restore_from == "automatic.chat-prod-2026-11-01-03-00"
    assert (found.auto_minor_version_upgrade, found.apply_immediately) == (False, True)
    assert (found.log_retention_days, found.verifier) == (90, False)
    assert found.tags == {"team": "agents", "cost": "a b"}


def test_a_serverless_store_has_no_nodes_and_two_maximums(folder: Path) -> None:
    settings = load(folder, preset="prod", **SERVERLESS)
    found = own(folder, preset="prod", **SERVERLESS)
    assert (found.node, found.node_type) == (None, None)
    assert (found.data_storage_gb, found.ecpu_per_second) == (10, 5000)
    assert settings.maxmemory_bytes == 10 * 10**9
    assert settings.shape.topology is Topology.SERVERLESS


def test_a_cluster_has_as_few_shards_as_the_sessions_ask_for_unless_it_says_more(
    folder: Path,
) -> None:
    assert load(folder, topology="cluster").shape.primaries == 1
    many = load(folder, topology="cluster", preset="prod", expectedSessions="1000000")
    assert many.shape.primaries > 1
    assert many.advice is None
    assert load(folder, topology="cluster", primaries="4", replicas="1").shape.servers == 8


@pytest.mark.parametrize("version", ENGINE_VERSIONS)
def test_every_version_that_the_service_has_is_taken_with_iam_too(
    version: str, folder: Path
) -> None:
    assert own(folder, engineVersion=version, authentication="iam").engine_version == version


@pytest.mark.parametrize(
    ("raw", "blamed", "hint"),
    [
        ({"region": ""}, "region", "set one"),
        ({"region": "eu-west-11"}, "region", "did you mean eu-west-1?"),
        ({"region": "EU-WEST-1"}, "region", "did you mean eu-west-1?"),
        ({"preset": "prods"}, "preset", "did you mean prod?"),
        ({"topology": "sentinel"}, "topology", "set one of them"),
        ({"topology": "standalone"}, "topology", "set one of them"),
        ({"topology": "replication-groups"}, "topology", "did you mean replication-group?"),
        ({"preset": "prod", "replicas": "0"}, "replicas", "set 1"),
        ({"preset": "staging", "replicas": "0"}, "replicas", "nothing can take over"),
        ({"replicas": "6"}, "replicas", "set 5"),
        ({"primaries": "2"}, "primaries", "remove it"),
        ({"topology": "cluster", "primaries": "0"}, "primaries", "set 1"),
        ({"topology": "cluster", "primaries": "50", "replicas": "2"}, "primaries", "set 30"),
        ({"nodeType": "cache.r7g.larg"}, "nodeType", "did you mean cache.r7g.large?"),
        ({"nodeType": "t4g.small"}, "nodeType", "did you mean cache.t4g.small?"),
        ({"region": "me-south-1", "nodeType": "cache.t4g.small"}, "nodeType", "set one of them"),
        ({"engineVersion": ""}, "engineVersion", "`pulumi stack output engine`"),
        ({**SERVERLESS, "engineVersion": ""}, "engineVersion", 'for a new store "9.1"'),
        ({"engineVersion": "7.1"}, "engineVersion", 'set for example "9.1"'),
        ({"engineVersion": "9.1.2"}, "engineVersion", 'set "9.1"'),
        ({"engineVersion": "6.2", "authentication": "iam"}, "engineVersion", "set for example"),
        ({"authentication": "token"}, "authentication", "set one of them"),
        ({"accountIds": '["11112222333"]'}, "accountIds", "quote it"),
        ({"storeName": "a-store-with-a-long-name"}, "storeName", "shorten it by 5"),
        ({"storeName": "1store"}, "storeName", "correct it"),
        ({"storeName": "my_store"}, "storeName", "correct it"),
        ({"storeName": "my--store"}, "storeName", "correct it"),
        ({"vpcId": OWN_NETWORK["vpcId"]}, "vpcId", "set both, or neither"),
        ({"subnetIds": OWN_NETWORK["subnetIds"]}, "subnetIds", "set both, or neither"),
        ({**OWN_NETWORK, "subnetIds": '["subnet-0a1b2c3d"]'}, "subnetIds", "another zone"),
        (
            {**OWN_NETWORK, "subnetIds": '["subnet-0a1b2c3d","subnet-0a1b2c3d"]'},
            "subnetIds",
            "remove the repeated one",
        ),
        ({**OWN_NETWORK, "vpcId": "main"}, "vpcId", "copy it"),
        ({**OWN_NETWORK, "vpcCidr": "10.0.0.0/20"}, "vpcCidr", "remove it"),
        ({**OWN_NETWORK, "availabilityZones": "3"}, "availabilityZones", "remove it"),
        ({"availabilityZones": "1"}, "availabilityZones", "set 2"),
        ({"vpcCidr": "10.0.0.0/8"}, "vpcCidr", "10.64.0.0/20"),
        ({"vpcCidr": "10.0.0.0/28"}, "vpcCidr", "10.64.0.0/20"),
        ({"vpcCidr": "8.8.0.0/16"}, "vpcCidr", "10.64.0.0/20"),
        ({"vpcCidr": "10.64.0.1/20"}, "vpcCidr", "set 10.64.0.0/20"),
        ({"clientCidrs": '["0.0.0.0/0"]'}, "clientCidrs", "whole world"),
        ({"clientCidrs": '["10.0.0.0/15"]'}, "clientCidrs", "security groups"),
        ({"clientCidrs": '["::/0"]'}, "clientCidrs", "no IPv6"),
        ({"clientCidrs": '["10.0.0.1"]'}, "clientCidrs", "set 10.0.0.1/32"),
        ({"clientCidrs": '["office"]'}, "clientCidrs", "correct it"),
        ({"clientSecurityGroupIds": '["default"]'}, "clientSecurityGroupIds", "copy it"),
        ({"kmsKeyArn": "alias/store"}, "kmsKeyArn", "aws kms describe-key --key-id"),
        (
            {"kmsKeyArn": "arn:aws:kms:eu-west-1:111122223333:alias/store"},
            "kmsKeyArn",
            "show as a change for ever",
        ),
        ({"kmsKeyArn": KEY.replace("eu-west-1", "us-east-1")}, "kmsKeyArn", "copy the ARN"),
        ({"alarmTopicArn": "on-call"}, "alarmTopicArn", "list-topics"),
        ({"alarmTopicArn": TOPIC, "alarmEmails": '["a@b.example"]'}, "alarmTopicArn", "subscribe"),
        ({"alarmEmails": '["nobody"]'}, "alarmEmails", "correct it"),
        ({"snapshotRetentionDays": "0"}, "snapshotRetentionDays", "set 1"),
        ({"snapshotRetentionDays": "36"}, "snapshotRetentionDays", "set 35"),
        ({"snapshotWindow": "05:30-06:30"}, "maintenanceWindow", "move one of them"),
        ({"logRetentionDays": "31"}, "logRetentionDays", "set 30"),
        ({"restoreSnapshot": "a snapshot"}, "restoreSnapshot", "describe-snapshots"),
        ({"importId": "Chat"}, "importId", "describe-replication-groups"),
        ({"importId": "chat", "restoreSnapshot": "s"}, "importId", "remove one of the two"),
        ({"importId": "chat", "replicationGroupId": "chat"}, "importId", "in the state already"),
        ({"replicationGroupId": "Chat"}, "replicationGroupId", "describe-replication-groups"),
        ({"applyImmediately": "yes"}, "applyImmediately", "set one of them"),
        ({"verifier": "no"}, "verifier", "set one of them"),
        ({"awsTags": '["team"]'}, "awsTags", "correct it"),
        ({"awsTags": '["aws:team=x"]'}, "awsTags", "correct it"),
        ({"awsTags": '["a=1", "a=2"]'}, "awsTags", "remove one a"),
        ({"topology": "serverless"}, "dataStorageGb", "nothing bounds the bill"),
        ({**SERVERLESS, "ecpuPerSecond": "-1"}, "ecpuPerSecond", "nothing bounds the bill"),
        ({**SERVERLESS, "dataStorageGb": "5001"}, "dataStorageGb", "set 5000"),
        ({**SERVERLESS, "ecpuPerSecond": "999"}, "ecpuPerSecond", "set 1000"),
        ({**SERVERLESS, "nodeType": "cache.t4g.small"}, "nodeType", "remove it"),
        ({**SERVERLESS, "replicas": "1"}, "replicas", "remove it"),
        ({**SERVERLESS, "importId": "chat"}, "importId", "remove it"),
        ({**SERVERLESS, "evictionPolicy": "volatile-ttl"}, "evictionPolicy", "remove it"),
        (
            {**SERVERLESS, "restoreSnapshot": "name"},
            "restoreSnapshot",
            "serverless-cache-snapshots",
        ),
        ({"dataStorageGb": "10"}, "dataStorageGb", "remove it"),
        ({"evictionPolicy": "allkeys-lru"}, "evictionPolicy", "set volatile-lru"),
        ({"maxmemory": "1gb"}, "maxmemory", "remove it"),
        ({"engine": "redis"}, "engine", "remove it"),
        ({"caRotation": "1"}, "caRotation", "remove it"),
        ({"certificateRotation": "1"}, "certificateRotation", "remove it"),
        ({"passwordRotations": "replica=1"}, "passwordRotations", "remove it"),
    ],
)
def test_bad_settings_are_refused_by_name_with_the_way_out(
    raw: dict[str, str], blamed: str, hint: str, folder: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(folder, **raw)
    assert caught.value.field == f"holdfast:{blamed}"
    assert caught.value.rule
    assert hint in caught.value.fix


@pytest.mark.parametrize("stack", ["a_b", "a.b", "ends-"])
def test_a_stack_whose_name_no_id_can_have_is_refused(stack: str, folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"holdfast:storeName.*pulumi stack rename"):
        load(folder, stack)


def test_nodes_too_small_for_the_sessions_are_refused_with_those_that_hold_them(
    folder: Path,
) -> None:
    raw = {"nodeType": "cache.t4g.micro", "expectedSessions": "100000"}
    with pytest.raises(ConfigError) as caught:
        load(folder, preset="prod", **raw)
    assert caught.value.field == "holdfast:expectedSessions"
    assert "holdfast:nodeType cache.t4g.micro" in caught.value.rule
    named = caught.value.fix.partition("holdfast:nodeType to ")[2].partition(",")[0]
    settings = load(folder, preset="prod", **(raw | {"nodeType": named}))
    assert settings.advice is None


def test_nodes_that_hold_the_sessions_to_the_brim_alone_are_advised_on(folder: Path) -> None:
    advice = load(folder, nodeType="cache.t4g.micro", expectedSessions="5000").advice
    assert advice is not None
    assert "is tight" in advice
    assert "cache.t4g.small leaves the usual headroom" in advice


def test_nodes_several_times_too_large_are_advised_on_with_both_costs(folder: Path) -> None:
    advice = load(folder, preset="prod", nodeType="cache.r7g.large", expectedSessions="5000").advice
    assert advice is not None
    assert "more than 4 times" in advice
    assert "3 x cache.t4g.small: about $56 a month" in advice
    assert "3 x cache.r7g.large: about $384 a month" in advice
    assert "read 2026-10-02" in advice
    assert (
        load(folder, preset="prod", nodeType="cache.t4g.micro", expectedSessions="100").advice
        is None
    )


def test_a_serverless_maximum_below_the_sessions_is_refused(folder: Path) -> None:
    raw = {**SERVERLESS, "dataStorageGb": "1", "expectedSessions": "1000000"}
    with pytest.raises(
        ConfigError, match=r"holdfast:expectedSessions.*holdfast:dataStorageGb 1 at"
    ):
        load(folder, **raw)


def test_sessions_that_no_node_holds_are_refused_with_the_way_out(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"holdfast:expectedSessions.*topology cluster"):
        load(folder, expectedSessions="1000000000")


@given(st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_no_range_wider_than_a_sixteenth_gets_through(address: int, prefix: int) -> None:
    masked = address >> (32 - prefix) << (32 - prefix)
    cidr = ".".join(str(masked >> shift & 255) for shift in (24, 16, 8, 0)) + f"/{prefix}"
    if prefix >= 16:
        assert check_client_cidrs((cidr,)) == (cidr,)
    else:
        with pytest.raises(ConfigError, match="holdfast:clientCidrs"):
            check_client_cidrs((cidr,))


def test_the_example_is_valid(folder: Path) -> None:
    example = yaml.safe_load((ROOT / "config" / "aws.example.yaml").read_text())["config"]
    raw = {key.removeprefix("holdfast:"): value for key, value in example.items()}
    settings = load_settings(raw, place(folder))
    assert isinstance(settings.own, AwsSettings)
    assert settings.own.region == "eu-west-1"
