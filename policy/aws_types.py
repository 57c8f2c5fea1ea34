"""Types of resources that the rules look at."""

from __future__ import annotations

from typing import Final

GROUP: Final = "aws:elasticache/replicationGroup:ReplicationGroup"
SERVERLESS: Final = "aws:elasticache/serverlessCache:ServerlessCache"
CLUSTER: Final = "aws:elasticache/cluster:Cluster"
USER: Final = "aws:elasticache/user:User"
USER_GROUP: Final = "aws:elasticache/userGroup:UserGroup"
PARAMETERS: Final = "aws:elasticache/parameterGroup:ParameterGroup"
INGRESS: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS: Final = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
OLDER_RULE: Final = "aws:ec2/securityGroupRule:SecurityGroupRule"
"""In or out, by its property ``type``; several networks in one."""

SECURITY_GROUP: Final = "aws:ec2/securityGroup:SecurityGroup"
SUBNET: Final = "aws:ec2/subnet:Subnet"
LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
SECRET: Final = "aws:secretsmanager/secret:Secret"  # noqa: S105 - a type
KEY: Final = "aws:kms/key:Key"

VALKEY: Final = "valkey"
