"""Who gets into a store, and by what: users, secrets, the key and the security groups."""

from __future__ import annotations

from typing import Any, Final

from holdfast.aws.access import access_string
from holdfast.aws.names import user_id
from holdfast.roles import APPLICATION_ROLES, Role
from tests.unit.components.aws.exact import policies
from tests.unit.components.aws.exact.case import AWS_NAME, NAME, Case, Children, child, tagged
from tests.unit.components.aws.wire import Secret
from tests.unit.components.mocks import password_of

IAM_ROLES: Final = (Role.SVC, Role.WORKER)
STORE_GROUP: Final = f"{NAME}-security-group"
CLIENT_GROUP: Final = f"{NAME}-client-group"


def key(case: Case) -> Children:
    """The store's own key; none where one was given."""
    if case.own_key:
        return {}
    return {
        f"{NAME}-key": tagged(
            "aws:kms/key:Key",
            description=f"Session store {AWS_NAME}: data, snapshots, secrets and logs",
            enableKeyRotation=True,
            rotationPeriodInDays=365,
            deletionWindowInDays=30,
            policy=policies.key(),
        ),
        f"{NAME}-key-alias": child(
            "aws:kms/alias:Alias",
            name=f"alias/{AWS_NAME}-store",
            targetKeyId=case.later("11111111-2222-3333-4444-555555555555"),
        ),
    }


def gate(case: Case) -> Children:
    """Both security groups with their rules."""
    groups = (
        (STORE_GROUP, "store", "Session store"),
        (CLIENT_GROUP, "clients", "Clients of the session store: members may connect to it"),
    )
    made = {
        name: tagged(
            "aws:ec2/securityGroup:SecurityGroup",
            vpcId=case.vpc,
            namePrefix=f"{AWS_NAME}-{what}-",
            description=description,
            revokeRulesOnDelete=True,
        )
        for name, what, description in groups
    }
    clients = ("clients", "referencedSecurityGroupId", case.id(CLIENT_GROUP), "clients")
    for port in case.ports:
        made[f"{NAME}-clients-out-{port}"] = tagged(
            "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
            securityGroupId=case.id(CLIENT_GROUP),
            referencedSecurityGroupId=case.id(STORE_GROUP),
            ipProtocol="tcp",
            fromPort=port,
            toPort=port,
            description="To the session store",
        )
        for ending, named_by, source, called in (clients, *case.sources):
            made[f"{NAME}-from-{ending}-{port}"] = tagged(
                "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
                securityGroupId=case.id(STORE_GROUP),
                ipProtocol="tcp",
                fromPort=port,
                toPort=port,
                description=f"TLS from {called}",
                **{named_by: source},
            )
    return made


def ways(case: Case, role: Role) -> tuple[str, ...]:
    """How a role logs in, the presented way last."""
    return case.ways if role in IAM_ROLES else ("password",)


def users(case: Case) -> Children:
    """A user for each role and way with its password, and their group."""
    made: Children = {}
    ids = []
    for role in APPLICATION_ROLES:
        if "password" in ways(case, role):
            made[f"{NAME}-password-{role}"] = child(
                "holdfast:index:Password", keepPrevious=False, length=32, rotation=""
            )
        for way in ways(case, role):
            ids.append(user_id(AWS_NAME, role, iam=way == "iam"))
            made[f"{NAME}-user-{role}{'-iam' if way == 'iam' else ''}"] = _user(case, role, way)
    made[f"{NAME}-users"] = tagged(
        "aws:elasticache/userGroup:UserGroup",
        engine="valkey",
        userGroupId=f"{AWS_NAME}-users",
        userIds=ids,
    )
    return made


def _user(case: Case, role: Role, way: str) -> tuple[str, dict[str, Any]]:
    own = user_id(AWS_NAME, role, iam=way == "iam")
    login: dict[str, Any] = {"authenticationMode": {"type": "iam"}}
    if way == "password":
        login = {"passwords": case.later(Secret([password_of(f"{NAME}-password-{role}")]))}
    return tagged(
        "aws:elasticache/user:User",
        engine="valkey",
        userId=own,
        # Who logs in by IAM has to be called as the id is.
        userName=own if way == "iam" else role.value,
        # What each role may do, tests/unit/aws/test_access_strings.py says.
        accessString=access_string(
            role,
            "agent",
            version=case.version,
            cluster=case.shards is not None,
            serverless=case.node is None,
        ),
        **login,
    )


def secrets(case: Case) -> Children:
    """A secret for each role: closed to other accounts, with its login and its Connection."""
    made: Children = {}
    for role in APPLICATION_ROLES:
        name = f"{NAME}-secret-{role}"
        made[name] = tagged(
            "aws:secretsmanager/secret:Secret",
            namePrefix=f"holdfast/{AWS_NAME}/{role}-",
            description=f"Login and Connection of {role} for session store {AWS_NAME}",
            kmsKeyId=case.key,
            recoveryWindowInDays=case.recovery_days,
        )
        made[f"{name}-policy"] = child(
            "aws:secretsmanager/secretPolicy:SecretPolicy",
            secretArn=case.secret_arn(role),
            blockPublicPolicy=True,
            policy=policies.secret(),
        )
        made[f"{name}-value"] = child(
            "aws:secretsmanager/secretVersion:SecretVersion",
            secretId=case.id(name),
            secretString=case.later(Secret(_content(case, role))),
        )
    return made


def _content(case: Case, role: Role) -> dict[str, Any]:
    by_iam = ways(case, role)[-1] == "iam"
    name = user_id(AWS_NAME, role, iam=True) if by_iam else role.value
    user = f"{NAME}-user-{role}{'-iam' if by_iam else ''}"
    host, primary, reader, seeds = _addresses(case)
    login = (
        {"name": name, "iam": True}
        if by_iam
        else {
            "name": name,
            "secret_arn": case.secret_arn(role),
        }
    )
    password = {} if by_iam else {"password": password_of(f"{NAME}-password-{role}")}
    return {
        "username": name,
        **password,
        "user_arn": case.arn("elasticache", user),
        "host": host,
        "port": 6379,
        "tls": True,
        "reader": reader,
        "connection": {
            "version": 1,
            "target": "aws",
            "topology": case.topology,
            "engine": "valkey",
            "engine_version": case.version,
            "app": "agent",
            "buckets": 64,
            "primary": primary,
            "reader": reader,
            "seeds": seeds,
            "sentinels": [],
            "sentinel_service": None,
            "dial": {},
            "tls": {"ca": "system", "minimum_version": "1.2"},
            "users": {role.value: login},
            "capabilities": [] if case.node is None else ["client-list", "psubscribe", "wait"],
            "capacity": {
                "eviction_policy": case.eviction,
                "expected_sessions": case.sessions,
                # Of each server.
                "maxmemory_bytes": 5_000_000_000 if case.node is None else case.node.memory,
            },
            "cold": "none",
        },
    }


def _addresses(case: Case) -> tuple[str, str | None, str | None, list[str]]:
    """The host that is dialled, then primary, reader and seeds as a Connection has them."""
    zone = "example.cache.amazonaws.com"
    if case.node is None:
        host = f"{case.aws_id}.serverless.{zone}"
        return host, f"{host}:6379", f"{host}:6380", []
    if case.shards is not None:
        host = f"clustercfg.{case.aws_id}.{zone}"
        return host, None, None, [f"{host}:6379"]
    host = f"master.{case.aws_id}.{zone}"
    reader = f"replica.{case.aws_id}.{zone}:6379" if case.replicas else None
    return host, f"{host}:6379", reader, []
