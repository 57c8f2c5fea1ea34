"""What the kit itself makes holds to its own policies, on every target, preset and topology."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

import components.kubernetes_factory
from components.factory import create_store
from config.settings import load_settings
from policy.catalogue import RULES
from policy.pack import default_tags, plain
from policy.rule import Level, Resource
from tests.unit.components.aws.cloud import KEY_ARN, Aws
from tests.unit.components.clusters import cluster
from tests.unit.components.mocks import Cloud, Deployment, deploy, is_secret
from tests.unit.config.strategies import place

DIGEST = "valkey/valkey:9.1.2@sha256:" + "a" * 64
AWS: dict[str, object] = {
    "target": "aws",
    "region": "eu-west-1",
    "engineVersion": "9.1",
    "alarmEmails": ["on-call@example.com"],
}
STACKS: Mapping[str, dict[str, object]] = {
    "dev": {**AWS, "preset": "dev"},
    "staging": {**AWS, "preset": "staging"},
    "prod": {**AWS, "preset": "prod"},
    "prod-cluster": {**AWS, "preset": "prod", "topology": "cluster"},
    "prod-iam": {**AWS, "preset": "prod", "authentication": "iam"},
    "prod-own-key": {**AWS, "preset": "prod", "kmsKeyArn": KEY_ARN},
    "prod-clients": {**AWS, "preset": "prod", "clientCidrs": ["10.1.0.0/16"]},
    "serverless": {
        **AWS,
        "preset": "prod",
        "topology": "serverless",
        "dataStorageGb": 10,
        "ecpuPerSecond": 5000,
    },
}


def bare(value: Any) -> Any:  # noqa: ANN401 - a wire value is anything
    """Without marks of secrets at any depth, as the engine shows them to a pack."""
    if is_secret(value):
        return bare(value["value"])
    if isinstance(value, Mapping):
        return {key: bare(item) for key, item in value.items()}
    return [bare(item) for item in value] if isinstance(value, list) else value


def resources(deployment: Deployment, preset: str) -> list[Resource]:
    made = {name: plain(bare(args.inputs)) for name, args in deployment.created.items()}
    tags = next(
        (
            default_tags(made[name])
            for name, args in deployment.created.items()
            if args.typ == "pulumi:providers:aws"
        ),
        {},
    )
    return [
        Resource(args.typ, name, made[name], default_tags=tags, stack_preset=preset)
        for name, args in deployment.created.items()
    ]


def deployed(folder: Path, cloud: Cloud, raw: Mapping[str, object]) -> Deployment:
    def program() -> Mapping[str, pulumi.Output[Any]]:
        store = create_store(load_settings(raw, place(folder)))
        return {"connection": store.connection}

    return deploy(program, cloud=cloud)


def complaints(found: list[Resource], level: Level) -> list[str]:
    return [
        f"{rule.name}: {resource.name}: {message}"
        for rule in RULES
        if rule.level is level
        for resource, message in rule.judge(found)
    ]


@pytest.fixture(autouse=True)
def _a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.mark.parametrize("stack", STACKS)
def test_a_store_on_aws_holds_to_every_policy(stack: str, tmp_path: Path) -> None:
    raw = STACKS[stack]
    found = resources(deployed(tmp_path, Aws(), raw), str(raw["preset"]))
    assert len(found) > 20
    assert complaints(found, Level.MANDATORY) == []
    assert complaints(found, Level.ADVISORY) == []


def test_every_rule_has_something_to_look_at_in_what_the_kit_makes(tmp_path: Path) -> None:
    kinds = {
        resource.type
        for stack in ("prod", "serverless")
        for resource in resources(deployed(tmp_path, Aws(), STACKS[stack]), "prod")
    }
    idle = {rule.name for rule in RULES if rule.id.startswith("P") and not rule.types & kinds}
    # Nobody makes a single cluster, or rules of the older type.
    assert idle == {"aws-no-single-cluster", "aws-narrow-older-ingress"}


@pytest.mark.parametrize("preset", ["dev", "staging", "prod"])
def test_a_store_in_a_cluster_holds_to_every_policy(
    preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = cluster()
    monkeypatch.setattr(components.kubernetes_factory, "look_at_cluster", lambda *_: facts)
    raw = {"target": "kubernetes", "namespace": "agents", "preset": preset, "image": DIGEST}
    found = resources(deployed(tmp_path, Cloud(), raw), preset)
    assert {"kubernetes:apps/v1:StatefulSet", "kubernetes:core/v1:ConfigMap"} <= {
        resource.type for resource in found
    }
    assert complaints(found, Level.MANDATORY) == []
    assert complaints(found, Level.ADVISORY) == []
