"""Previews where nobody is logged in to AWS, and deployments, which then end before they begin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.factory import create_store
from tests.unit.components.aws.cloud import ACCOUNT, REGION, SUBNETS, Aws
from tests.unit.components.aws.stores import children, network
from tests.unit.components.aws.test_factory import OWN_NETWORK, SERVERLESS, deployed, settings
from tests.unit.components.aws.wire import UNKNOWN, sent
from tests.unit.components.mocks import Deployment, refused_fields

ONE_ACCOUNT: dict[str, Any] = {"accountIds": json.dumps([ACCOUNT])}


@pytest.fixture(autouse=True)
def _nobody_is_logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(name="warnings")
def fixture_warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(pulumi, "warn", told.append)
    return told


def previewed(folder: Path, **raw: object) -> Deployment:
    """A preview of these settings, which must ask AWS nothing."""
    cloud = Aws()
    made = deployed(folder, preview=True, cloud=cloud, **raw)
    assert cloud.calls == []
    return made


def refusal(folder: Path, *, preview: bool, **raw: object) -> str:
    """What is blamed; nothing may have been registered or asked."""
    cloud = Aws()
    refused = refused_fields(
        lambda: create_store(settings(folder, **raw)), preview=preview, cloud=cloud
    )
    assert cloud.calls == []
    return "".join(refused)


@pytest.mark.parametrize("raw", [{}, {"preset": "prod"}, SERVERLESS, OWN_NETWORK, ONE_ACCOUNT])
def test_a_preview_asks_nothing_and_plans_the_same_children(
    raw: dict[str, Any], tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    offline = previewed(tmp_path, **raw)
    assert len(warnings) == 1
    monkeypatch.setenv("AWS_PROFILE", "chat")
    online = deployed(tmp_path, preview=True, **raw)
    assert len(warnings) == 1
    assert children(offline) == children(online)


def test_the_warning_names_what_is_not_checked(tmp_path: Path, warnings: list[str]) -> None:
    previewed(tmp_path)
    assert warnings.pop() == (
        "No AWS login: this preview asks AWS nothing. Not checked: the account, its rights and its "
        "quotas; whether names are free; the zones of eu-west-1. What is deployed is taken from "
        "the state. Policies that name the account are unknown: name one in holdfast:accountIds "
        "to see them. `pulumi up` needs a login."
    )
    previewed(tmp_path, **OWN_NETWORK, **ONE_ACCOUNT)
    (told,) = warnings
    assert "that the subnets of vpc-00000001 exist, in zones of their own" in told
    assert "accountIds" not in told


def test_the_provider_is_told_to_ask_nobody_and_gets_keys_of_nobody(tmp_path: Path) -> None:
    made = previewed(tmp_path, **ONE_ACCOUNT)
    inputs = made.inputs("store-aws")
    tags = json.loads(inputs.pop("defaultTags"))["tags"]
    assert tags["preset"] == "dev"
    assert inputs == {
        "region": REGION,
        "accessKey": "nobody-is-logged-in",
        "secretKey": "nobody-is-logged-in",
        "skipCredentialsValidation": "true",
        "skipRequestingAccountId": "true",
        "skipMetadataApiCheck": "true",
        "skipRegionValidation": "true",
    }


def test_what_aws_alone_knows_is_unknown_and_an_account_that_was_said_is_used(
    tmp_path: Path,
) -> None:
    made = previewed(tmp_path)
    assert sent(made, "store-network-subnet-0")["availabilityZone"] == UNKNOWN
    assert sent(made, "store-key")["policy"] == UNKNOWN
    assert sent(made, "store-network-endpoint-kms")["policy"] == UNKNOWN
    said = previewed(tmp_path, **ONE_ACCOUNT)
    for name in ("store-key", "store-network-endpoint-kms", "store-secret-svc-policy"):
        assert ACCOUNT in said.inputs(name)["policy"]


def test_a_deployment_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    assert refusal(tmp_path, preview=False) == "AWS credentials"


def test_a_group_to_adopt_has_to_be_read_so_its_preview_needs_a_login(tmp_path: Path) -> None:
    assert refusal(tmp_path, preview=True, importId="legacy") == "AWS credentials"


def test_a_deployment_asks_aws_whatever_a_component_was_told() -> None:
    cloud = Aws()
    network(cloud=cloud, offline=True)
    network(cloud=cloud, offline=True, vpc_id="vpc-00000001", subnet_ids=SUBNETS)
    assert set(cloud.calls) == {
        "aws:index/getAvailabilityZones:getAvailabilityZones",
        "aws:index/getCallerIdentity:getCallerIdentity",
        "aws:ec2/getSubnet:getSubnet",
    }
