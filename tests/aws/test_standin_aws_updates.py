"""Updates in place of the stand-in's types against moto's server, without an engine.

Emulation: moto on this machine; the official plugin and AWS were not run.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from provider.resource import Context, Stored
from tests.aws.standin_project import REGION, plain_moto
from tests.standin.aws.package import AwsPackage


@dataclass
class Made:
    """A resource as the engine's state would hold it."""

    package: AwsPackage
    token: str
    stored: Stored

    @property
    def id(self) -> str:
        return self.stored.id

    def changed(self, **wish: object) -> dict[str, Any]:
        """Update it in place; its outputs. Nothing is left to do afterwards."""
        kind, context = self.package.resource(self.token), context_of(self.token)
        given = {key: value for key, value in self.stored.inputs.items() if key != "tagsAll"}
        checked = kind.check(self.stored.inputs, {**given, **wish}, context)
        assert not checked.failures
        change = kind.diff(self.stored, checked.inputs, context)
        assert change
        assert not change.replaces
        outputs = kind.update(self.stored, checked.inputs, context)
        self.stored = Stored(self.id, checked.inputs, outputs)
        assert not kind.diff(self.stored, checked.inputs, context)
        found = kind.read(self.stored, context)
        assert found is not None
        assert found.outputs == outputs
        return outputs

    def gone(self) -> None:
        """Delete it, twice: gone already is success."""
        kind, context = self.package.resource(self.token), context_of(self.token)
        kind.delete(self.stored, context)
        assert kind.read(self.stored, context) is None
        kind.delete(self.stored, context)


@dataclass
class Maker:
    """Makes resources."""

    package: AwsPackage

    def __call__(self, token: str, **wish: object) -> Made:
        kind, context = self.package.resource(token), context_of(token)
        checked = kind.check({}, wish, context)
        assert not checked.failures
        created = kind.create(checked.inputs, context)
        return Made(self.package, token, Stored(created.id, checked.inputs, created.outputs))


def context_of(token: str) -> Context:
    return Context(f"urn:pulumi:s::p::{token}::thing", random_seed=secrets.token_bytes(8))


@pytest.fixture(name="make")
def fixture_make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Maker]:
    with plain_moto() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        package = AwsPackage("7.51.1")
        package.configure({"region": REGION})
        yield Maker(package)


def document(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "lambda.amazonaws.com"},
            }
        ],
    }
)


def test_network_types_change_in_place(make: Maker) -> None:
    vpc = make("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")
    assert vpc.changed(enableDnsHostnames=True)["enableDnsHostnames"] is True
    assert vpc.changed(tags={"a": "b"})["tagsAll"] == {"a": "b"}
    assert vpc.changed(tags={"c": "d"})["tags"] == {"c": "d"}
    subnet = make("aws:ec2/subnet:Subnet", vpcId=vpc.id, cidrBlock="10.0.0.0/24")
    assert subnet.changed(mapPublicIpOnLaunch=True)["mapPublicIpOnLaunch"] is True
    one, other = (make("aws:ec2/routeTable:RouteTable", vpcId=vpc.id) for _ in range(2))
    joined = make(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        subnetId=subnet.id,
        routeTableId=one.id,
    )
    assert joined.changed(routeTableId=other.id)["routeTableId"] == other.id
    group = make("aws:ec2/securityGroup:SecurityGroup", vpcId=vpc.id)
    rule = make(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        securityGroupId=group.id,
        cidrIpv4="10.0.0.0/16",
        ipProtocol="tcp",
        fromPort=6379,
        toPort=6379,
    )
    for item in (rule, group, joined, one, other, subnet, vpc):
        item.gone()


def test_a_flow_log_is_made_and_goes(make: Maker) -> None:
    vpc = make("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")
    role = make("aws:iam/role:Role", assumeRolePolicy=TRUST)
    group = make("aws:cloudwatch/logGroup:LogGroup")
    log = make(
        "aws:ec2/flowLog:FlowLog",
        vpcId=vpc.id,
        trafficType="REJECT",
        iamRoleArn=role.stored.outputs["arn"],
        logDestination=group.stored.outputs["arn"],
    )
    assert log.changed(tags={"a": "b"})["trafficType"] == "REJECT"
    log.gone()


def test_identities_change_in_place(make: Maker) -> None:
    role = make("aws:iam/role:Role", assumeRolePolicy=TRUST)
    assert role.changed(description="More")["description"] == "More"
    assert role.changed(maxSessionDuration=7200)["maxSessionDuration"] == 7200
    inline = make("aws:iam/rolePolicy:RolePolicy", role=role.id, policy=document("a:B"))
    inline.changed(policy=document("a:C"))
    policy = make("aws:iam/policy:Policy", policy=document("a:B"))
    for number in range(7):  # AWS keeps five versions
        policy.changed(policy=document(f"a:N{number}"))
    attached = make(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment", role=role.id, policyArn=policy.id
    )
    for item in (attached, policy, inline, role):
        item.gone()


def test_keys_logs_topics_and_alarms_change_in_place(make: Maker) -> None:
    key, other = (make("aws:kms/key:Key") for _ in range(2))
    assert key.changed(enableKeyRotation=True)["enableKeyRotation"] is True
    assert key.changed(description="Sessions")["description"] == "Sessions"
    assert key.changed(isEnabled=False)["isEnabled"] is False
    alias = make("aws:kms/alias:Alias", targetKeyId=key.id)
    assert alias.changed(targetKeyId=other.id)["targetKeyId"] == other.id
    logs = make("aws:cloudwatch/logGroup:LogGroup")
    assert logs.changed(retentionInDays=30)["retentionInDays"] == 30
    assert logs.changed(retentionInDays=0)["retentionInDays"] == 0
    topic = make("aws:sns/topic:Topic")
    assert topic.changed(displayName="Store")["displayName"] == "Store"
    alarm = make(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        comparisonOperator="GreaterThanThreshold",
        evaluationPeriods=1,
        metricName="Evictions",
        namespace="AWS/ElastiCache",
        period=60,
        statistic="Sum",
        threshold=1,
    )
    assert alarm.changed(threshold=2, alarmActions=[topic.id])["threshold"] == 2
    assert alarm.changed(tags={"a": "b"})["tags"] == {"a": "b"}
    for item in (alarm, topic, logs, alias, key, other):
        item.gone()


def test_a_function_changes_in_place(make: Maker) -> None:
    role = make("aws:iam/role:Role", assumeRolePolicy=TRUST)
    signature = "4dabf18193072939515e22adb298388d"

    def code(text: str) -> dict[str, Any]:
        asset = {signature: "c44067f5952c0a294b673a41bacd8c17", "text": text}
        return {signature: "0def7320c3a5731c473e5ecbe6d01bc7", "assets": {"main.py": asset}}

    function = make(
        "aws:lambda/function:Function",
        role=role.stored.outputs["arn"],
        runtime="python3.12",
        handler="main.handler",
        code=code("one"),
    )
    before = function.stored.outputs["codeSha256"]
    assert function.changed(code=code("two"))["codeSha256"] != before
    assert function.changed(timeout=30)["timeout"] == 30
    variables = {"variables": {"A": "b"}}
    assert function.changed(environment=variables)["environment"] == variables
    function.gone()
