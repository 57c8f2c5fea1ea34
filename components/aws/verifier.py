"""Verification from inside: a function in the store's subnets that makes the checks of smoke."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NotRequired, Self, TypedDict

import pulumi
import pulumi_aws as aws

from components.aws.policies import assume_policy
from components.aws.store_spec import check_aws_name
from components.aws.verifier_code import HANDLER, code_archive
from components.aws.verifier_policy import role_policy
from config.aws_rules import check_log_retention_days, check_region
from holdfast.aws.lambda_protocol import RESERVE_SECONDS, SECRETS_VARIABLE
from holdfast.errors import ConfigError
from holdfast.roles import APPLICATION_ROLES, Role

RUNTIME: Final = "python3.13"
ARCHITECTURE: Final = "arm64"
MEMORY_MB: Final = 1024
"""A share of a processor comes with it: TLS and about 40 checks at once want more than half."""

_SHORTEST_SECONDS: Final = int(RESERVE_SECONDS) + 10
_LONGEST_SECONDS: Final = 900
"""Of any function (Lambda quotas)."""

_UNRESERVED: Final = -1
_PORTS: Final = (6379, 6380)
_HTTPS: Final = 443
_ANYWHERE: Final = ("0.0.0.0/0",)


class VerifierArgs(TypedDict):
    """Where the function stands and what it reads."""

    aws_name: str
    """Prefix of physical names, unique in account and region. A change replaces the function."""

    region: str
    """Of the store."""

    vpc_id: pulumi.Input[str]
    """The store's network. A change replaces the function's security group."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Where the function gets its addresses: private, with a way to Secrets Manager."""

    client_security_group_id: pulumi.Input[str]
    """The group that the store admits."""

    store_security_group_id: pulumi.Input[str]
    """The store's own group: where the function may connect to."""

    secret_arns: Mapping[str, pulumi.Input[str]]
    """The secret of each application role."""

    kms_key_arn: NotRequired[pulumi.Input[str]]
    """What secrets and log are encrypted with; default: the services' own keys."""

    https_cidrs: NotRequired[Sequence[pulumi.Input[str]]]
    """Where Secrets Manager answers: the network's own range where it has an endpoint; none
    (default) for anywhere, which reaches no farther than the subnets' routes."""

    connect_policy_arns: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Policies for logins by IAM, by role of the store; those of the roles in ``secret_arns`` are
    attached. Default: none, all roles have passwords."""

    timeout_seconds: NotRequired[int]
    """Of the function, 30 to 900; default 120: smoke's 60, a start, and removing keys."""

    reserved_concurrency: NotRequired[int]
    """Runs at once; default 1. -1 reserves nothing, for accounts too small to reserve from."""

    log_retention_days: NotRequired[int]
    """Of its log; default 30, one of the numbers that CloudWatch knows."""

    tags: NotRequired[Mapping[str, str]]
    """On everything that takes tags."""


@dataclass(frozen=True, slots=True)
class _Spec:
    args: VerifierArgs
    roles: tuple[Role, ...]
    timeout_seconds: int
    reserved_concurrency: int
    log_retention_days: int
    tags: Mapping[str, str]

    @classmethod
    def from_args(cls, args: VerifierArgs) -> Self:
        """Fill in the defaults and check. Raises ConfigError."""
        roles = tuple(role for role in APPLICATION_ROLES if role in args["secret_arns"])
        unknown = sorted(set(args["secret_arns"]) - set(roles))
        if unknown or not roles:
            raise ConfigError(
                "verifier.secret_arns",
                unknown[0] if unknown else "none",
                f"secrets of {', '.join(APPLICATION_ROLES)}",
                "name these alone",
            )
        timeout = args.get("timeout_seconds", 120)
        if not _SHORTEST_SECONDS <= timeout <= _LONGEST_SECONDS:
            raise ConfigError(
                "verifier.timeout_seconds",
                timeout,
                f"{_SHORTEST_SECONDS} to {_LONGEST_SECONDS} seconds",
                "choose one of them",
            )
        concurrency = args.get("reserved_concurrency", 1)
        if concurrency != _UNRESERVED and concurrency < 1:
            raise ConfigError(
                "verifier.reserved_concurrency",
                concurrency,
                f"1 or more, or {_UNRESERVED}",
                "with 0 the function never runs",
            )
        check_aws_name(args["aws_name"])
        check_region(args["region"])
        return cls(
            args,
            roles,
            timeout,
            concurrency,
            check_log_retention_days(args.get("log_retention_days", 30)),
            args.get("tags", {}),
        )


class Verifier(pulumi.ComponentResource):
    """A function that proves the store from inside its network.

    Creates the function with this project's own installed code, its role, its log group, and a
    security group that lets it out to the store and to Secrets Manager alone. It creates no
    schedule and no way in: who may invoke it is for the account's own policies to say.

    AWS releases the addresses of a deleted function late: to delete the subnets or the security
    groups after it may take 45 minutes.
    """

    function_name: pulumi.Output[str]
    """What ``smoke --via lambda`` invokes."""

    function_arn: pulumi.Output[str]
    """For a policy with ``lambda:InvokeFunction``."""

    function: aws.lambda_.Function
    """For what this component has no argument for."""

    def __init__(
        self, name: str, args: VerifierArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Create it.

        Args:
            name: name in the program.
            args: where it stands and what it reads.
            opts: resource options.

        Raises:
            ConfigError: an argument is refused; nothing was registered.
        """
        spec = _Spec.from_args(args)
        super().__init__("holdfast:index:Verifier", name, {"awsName": args["aws_name"]}, opts)
        child = pulumi.ResourceOptions(parent=self)
        log = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=f"/aws/lambda/{args['aws_name']}-verifier",
            retention_in_days=spec.log_retention_days,
            kms_key_id=args.get("kms_key_arn"),
            tags=spec.tags,
            opts=child,
        )
        role, allowed = _role(name, spec, log, child)
        group, ways_out = _access(name, spec, child)
        self.function = aws.lambda_.Function(
            f"{name}-function",
            name=f"{args['aws_name']}-verifier",
            description="Checks the session store from inside its network (Holdfast)",
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            handler=HANDLER,
            code=code_archive(),
            role=role.arn,
            timeout=spec.timeout_seconds,
            memory_size=MEMORY_MB,
            reserved_concurrent_executions=spec.reserved_concurrency,
            environment={"variables": {SECRETS_VARIABLE: _named(spec)}},
            vpc_config={
                "subnet_ids": args["subnet_ids"],
                "security_group_ids": [args["client_security_group_id"], group.id],
            },
            logging_config={"log_format": "Text", "log_group": log.name},
            tags=spec.tags,
            # Without its rights the function cannot be placed, and without the rules not work.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*allowed, *ways_out]),
        )
        self.function_name = self.function.name
        self.function_arn = self.function.arn
        self.register_outputs(
            {"function_name": self.function_name, "function_arn": self.function_arn}
        )


def _named(spec: _Spec) -> pulumi.Output[str]:
    """The secrets by role, for the function's environment: ARNs, no values."""
    arns = {role.value: spec.args["secret_arns"][role] for role in spec.roles}
    return pulumi.Output.all(**arns).apply(lambda known: json.dumps(known, sort_keys=True))


def _role(
    name: str, spec: _Spec, log: aws.cloudwatch.LogGroup, child: pulumi.ResourceOptions
) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
    args = spec.args
    role = aws.iam.Role(
        f"{name}-role",
        description="What the verifier of a session store may do (Holdfast)",
        assume_role_policy=assume_policy("lambda.amazonaws.com"),
        tags=spec.tags,
        opts=child,
    )
    policy = pulumi.Output.all(
        log_group_arn=log.arn,
        secret_arns=[args["secret_arns"][role] for role in spec.roles],
        kms_key_arn=args.get("kms_key_arn"),
    ).apply(lambda known: role_policy(**known, region=args["region"]))
    allowed: list[pulumi.Resource] = [
        aws.iam.RolePolicy(f"{name}-policy", role=role.id, policy=policy, opts=child)
    ]
    allowed += [
        aws.iam.RolePolicyAttachment(
            f"{name}-connect-{login}", role=role.name, policy_arn=policy_arn, opts=child
        )
        for login, policy_arn in args.get("connect_policy_arns", {}).items()
        if login in spec.roles
    ]
    return role, allowed


def _access(
    name: str, spec: _Spec, child: pulumi.ResourceOptions
) -> tuple[aws.ec2.SecurityGroup, list[pulumi.Resource]]:
    """The group that lets the function out; what admits it is the clients' group."""
    args = spec.args
    group = aws.ec2.SecurityGroup(
        f"{name}-access",
        description="Lets the verifier out to the store and to Secrets Manager (Holdfast)",
        vpc_id=args["vpc_id"],
        revoke_rules_on_delete=True,
        tags=spec.tags,
        opts=child,
    )
    to_store = aws.vpc.SecurityGroupEgressRule(
        f"{name}-to-store",
        security_group_id=group.id,
        description="To the store",
        ip_protocol="tcp",
        from_port=_PORTS[0],
        to_port=_PORTS[1],
        referenced_security_group_id=args["store_security_group_id"],
        tags=spec.tags,
        opts=child,
    )
    rules: list[pulumi.Resource] = [to_store]
    given = tuple(args.get("https_cidrs", ()))
    for number, cidr in enumerate(given if given else _ANYWHERE):
        rules.append(
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-to-secrets-{number}",
                security_group_id=group.id,
                description="To Secrets Manager",
                ip_protocol="tcp",
                from_port=_HTTPS,
                to_port=_HTTPS,
                cidr_ipv4=cidr,
                tags=spec.tags,
                opts=child,
            )
        )
    return group, rules
