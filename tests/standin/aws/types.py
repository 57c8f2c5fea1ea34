"""All resource types, by their tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.standin.aws.base import AwsResource
from tests.standin.aws.services import cloudwatch, iam, kms, lambda_, logs, secretsmanager, sns
from tests.standin.aws.services import ec2_endpoints as endpoints
from tests.standin.aws.services import ec2_network as network
from tests.standin.aws.services import ec2_security as security
from tests.standin.aws.services import elasticache_groups as groups
from tests.standin.aws.services import elasticache_serverless as serverless
from tests.standin.aws.services import elasticache_store as store
from tests.standin.aws.services import elasticache_users as users

_ALL: Final[tuple[type[AwsResource], ...]] = (
    cloudwatch.MetricAlarm,
    endpoints.FlowLog,
    endpoints.VpcEndpoint,
    groups.ParameterGroup,
    groups.SubnetGroup,
    iam.Policy,
    iam.Role,
    iam.RolePolicy,
    iam.RolePolicyAttachment,
    kms.Alias,
    kms.Key,
    lambda_.Function,
    logs.LogGroup,
    network.RouteTable,
    network.RouteTableAssociation,
    network.Subnet,
    network.Vpc,
    secretsmanager.Secret,
    secretsmanager.SecretPolicy,
    secretsmanager.SecretVersion,
    security.SecurityGroup,
    security.SecurityGroupEgressRule,
    security.SecurityGroupIngressRule,
    serverless.ServerlessCache,
    sns.Topic,
    sns.TopicPolicy,
    sns.TopicSubscription,
    store.ReplicationGroup,
    users.User,
    users.UserGroup,
)
TYPES: Final[Mapping[str, type[AwsResource]]] = {kind.shape.token: kind for kind in _ALL}
