"""What the policy pack says of the kit's own stores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from policy.catalogue import RULES
from policy.rule import Resource
from tests.unit.components.aws.stores import children
from tests.unit.components.aws.test_factory import SERVERLESS, deployed
from tests.unit.components.mocks import Deployment


def whole(value: Any) -> Any:  # noqa: ANN401 - a wire value is anything
    """A value as the pack is given it: the wire knows no whole numbers."""
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def planned(made: Deployment, preset: str) -> list[Resource]:
    tags = {"project": "holdfast", "stack": "test", "preset": preset}
    return [
        Resource(token, name, whole(made.inputs(name)), made.urns[name], tags, preset)
        for name, token in children(made).items()
    ]


@pytest.mark.parametrize("preset", ["dev", "staging", "prod"])
@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"topology": "cluster", "primaries": "2"},
        SERVERLESS,
        {"authentication": "iam"},
        {"vpcId": "vpc-00000001", "subnetIds": '["subnet-0000000a", "subnet-0000000b"]'},
        {"passwordRotations": "svc=1", "passwordStage": "accept-both"},
    ],
)
def test_no_rule_has_anything_to_say_of_what_the_kit_makes(
    raw: dict[str, Any], preset: str, tmp_path: Path
) -> None:
    resources = planned(deployed(tmp_path, preset=preset, **raw), preset)
    said = {
        (rule.id, resource.name, message)
        for rule in RULES
        for resource, message in rule.judge(resources)
    }
    assert said == set()
