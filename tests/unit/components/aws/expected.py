"""The children that a store on AWS has, written out."""

from __future__ import annotations

from components.aws.alarm_table import node_alarms, serverless_alarms
from holdfast.aws.nodes import find_node
from holdfast.roles import APPLICATION_ROLES
from tests.unit.components.aws.stores import NAME


def surroundings(*ports: int) -> dict[str, str]:
    """What both kinds of store have with default arguments."""
    made = {
        "s-key": "aws:kms/key:Key",
        "s-key-alias": "aws:kms/alias:Alias",
        "s-security-group": "aws:ec2/securityGroup:SecurityGroup",
        "s-client-group": "aws:ec2/securityGroup:SecurityGroup",
        "s-users": "aws:elasticache/userGroup:UserGroup",
        "s-alarms": "aws:sns/topic:Topic",
        "s-alarms-policy": "aws:sns/topicPolicy:TopicPolicy",
    }
    for port in ports:
        made[f"s-clients-out-{port}"] = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
        made[f"s-from-clients-{port}"] = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    for role in APPLICATION_ROLES:
        made |= {
            f"s-password-{role}": "holdfast:index:Password",
            f"s-user-{role}": "aws:elasticache/user:User",
            f"s-secret-{role}": "aws:secretsmanager/secret:Secret",
            f"s-secret-{role}-policy": "aws:secretsmanager/secretPolicy:SecretPolicy",
            f"s-secret-{role}-value": "aws:secretsmanager/secretVersion:SecretVersion",
        }
    return made


def store_of_nodes(count: int, node_type: str = "cache.t4g.small") -> dict[str, str]:
    """A store of so many nodes with default arguments."""
    made = surroundings(6379) | {
        NAME: "aws:elasticache/replicationGroup:ReplicationGroup",
        "s-subnets": "aws:elasticache/subnetGroup:SubnetGroup",
        "s-parameters": "aws:elasticache/parameterGroup:ParameterGroup",
        "s-slow-log": "aws:cloudwatch/logGroup:LogGroup",
        "s-engine-log": "aws:cloudwatch/logGroup:LogGroup",
    }
    for node in range(count):
        for alarm in node_alarms(find_node(node_type)):
            made[f"s-alarm-{node}-{alarm.key}"] = "aws:cloudwatch/metricAlarm:MetricAlarm"
    return made


def serverless_store() -> dict[str, str]:
    """A serverless store with default arguments."""
    made = surroundings(6379, 6380) | {NAME: "aws:elasticache/serverlessCache:ServerlessCache"}
    for alarm in serverless_alarms(5, 10_000):
        made[f"s-alarm-{alarm.key}"] = "aws:cloudwatch/metricAlarm:MetricAlarm"
    return made
