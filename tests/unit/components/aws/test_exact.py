"""Every variant of a stack asks for exactly what is written out, when deployed and in its preview.

Names, types and all inputs; what AWS decides is known to a deployment alone, and passwords travel
as secrets. ``exact/`` has what is expected.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.unit.components.aws.cloud import ACCOUNT, KEY_ARN, REGION, TOPIC_ARN
from tests.unit.components.aws.exact.case import (
    MEDIUM,
    NAME,
    SMALL,
    XLARGE,
    Case,
    Children,
    child,
)
from tests.unit.components.aws.exact.network import network
from tests.unit.components.aws.exact.store import store
from tests.unit.components.aws.exact.verifier import verifier
from tests.unit.components.aws.test_factory import SERVERLESS, deployed
from tests.unit.components.aws.wire import sent

DEV: Final = Case()
STAGING: Final = Case(
    raw={"preset": "staging"},
    preset="staging",
    node=SMALL,
    replicas=1,
    sessions=5_000,
    zones=3,
    snapshot_days=3,
    recovery_days=7,
    verifier=True,
)
PROD: Final = Case(
    raw={"preset": "prod"},
    preset="prod",
    node=MEDIUM,
    replicas=2,
    sessions=11_000,
    zones=3,
    snapshot_days=7,
    recovery_days=30,
    at_once=False,
    verifier=True,
)


def but(case: Case, raw: dict[str, Any], **facts: Any) -> Case:  # noqa: ANN401 - of any type
    """A case with more settings, and what follows from them."""
    return replace(case, raw={**case.raw, **raw}, **facts)


CIDR: Final = ("10.1.0.0-16", "cidrIpv4", "10.1.0.0/16", "10.1.0.0/16")
SUBNETS: Final = '["subnet-0000000a", "subnet-0000000b"]'
CASES: Final = {
    "dev": DEV,
    "staging": STAGING,
    "prod": PROD,
    "cluster": but(
        DEV, {"topology": "cluster", "primaries": "3", "replicas": "0"}, shards=3, replicas=0
    ),
    "prod cluster": but(
        PROD,
        {"topology": "cluster", "primaries": "2", "replicas": "1"},
        node=SMALL,
        shards=2,
        replicas=1,
    ),
    "serverless": but(DEV, SERVERLESS, node=None),
    "prod serverless": but(
        PROD,
        {**SERVERLESS, "clientCidrs": '["10.1.0.0/16"]'},
        node=None,
        replicas=0,
        sources=(CIDR,),
    ),
    "six nodes": but(DEV, {"replicas": "5"}, replicas=5),
    "brought network": but(PROD, {"vpcId": "vpc-00000001", "subnetIds": SUBNETS}, zones=0),
    "both logins": but(DEV, {"authentication": "password-and-iam"}, ways=("password", "iam")),
    "iam": but(STAGING, {"authentication": "iam"}, ways=("iam",)),
    "everything said": but(
        DEV,
        {
            "nodeType": "cache.r7g.xlarge",
            "engineVersion": "8.2",
            "evictionPolicy": "volatile-ttl",
            "kmsKeyArn": KEY_ARN,
            "alarmTopicArn": TOPIC_ARN,
            "clientSecurityGroupIds": '["sg-0000000a"]',
            "clientCidrs": '["10.1.0.0/16"]',
            "snapshotRetentionDays": "14",
            "snapshotWindow": "01:00-02:00",
            "maintenanceWindow": "mon:03:00-mon:04:00",
            "restoreSnapshot": "before",
            "logRetentionDays": "90",
        },
        node=XLARGE,
        version="8.2",
        eviction="volatile-ttl",
        own_key=True,
        own_topic=True,
        sources=(
            ("sg-0000000a", "referencedSecurityGroupId", "sg-0000000a", "sg-0000000a"),
            CIDR,
        ),
        snapshot_days=14,
        windows=("01:00-02:00", "mon:03:00-mon:04:00"),
        snapshot="before",
        log_days=90,
    ),
    "mails": but(
        DEV,
        {"alarmEmails": '["a@example.org", "b@example.org"]'},
        mails=("a@example.org", "b@example.org"),
    ),
}


def provider(case: Case) -> Children:
    """Through which everything goes."""
    tags = {"project": "holdfast", "stack": "test", "preset": case.preset, "managed-by": "pulumi"}
    return {
        f"{NAME}-aws": child(
            "pulumi:providers:aws",
            region=REGION,
            allowedAccountIds=[ACCOUNT],
            defaultTags={"tags": tags},
            # The SDK's own defaults.
            skipCredentialsValidation="false",
            skipRegionValidation="true",
        )
    }


@pytest.mark.parametrize("preview", [False, True], ids=["deployed", "previewed"])
@pytest.mark.parametrize("name", CASES)
def test_a_stack_asks_for_exactly_what_is_written_out(
    name: str, tmp_path: Path, *, preview: bool
) -> None:
    case = replace(CASES[name], preview=preview)
    made = deployed(tmp_path, preview=preview, accountIds=json.dumps([ACCOUNT]), **case.raw)
    expected = provider(case) | network(case) | store(case) | verifier(case)
    assert {found: args.typ for found, args in made.created.items()} == {
        written: token for written, (token, _) in expected.items()
    }
    for written, (_, inputs) in expected.items():
        assert sent(made, written) == inputs, written
