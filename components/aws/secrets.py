"""The secrets of a store in Secrets Manager: one a role, with all that its application needs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

import pulumi
import pulumi_aws as aws

from components.aws.policies import secret_policy
from components.aws.store_spec import Endpoints, StoreSpec
from components.aws.users import Users
from holdfast.connection import Connection, User
from holdfast.roles import APPLICATION_ROLES, Role

_PREFIX: Final = "holdfast"


def secret_value(
    full: Connection, endpoints: Endpoints, role: Role, *, secret_arn: str, user_arn: str
) -> str:
    """What a role's secret holds, as JSON.

    Name and password stand beside the Connection, which refers to the secret in place of a
    password: AWS's own rotation function rewrites ``password`` alone, with the help of
    ``user_arn``, and clients take both from there. A role that logs in by IAM has no password.
    """
    user = full.users[role]
    referring = user if user.iam else User(user.name, secret_arn=secret_arn)
    narrow = replace(full.for_role(role), users={role: referring})
    address = endpoints.first
    value = {
        "username": user.name,
        "user_arn": user_arn,
        "host": address.host,
        "port": address.port,
        "tls": True,
        "reader": None if endpoints.reader is None else str(endpoints.reader),
        "connection": json.loads(narrow.to_json()),
    }
    if user.password is not None:
        value["password"] = user.password
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


class RoleSecrets:
    """A secret for each application role.

    With preset dev a deleted secret is gone at once, so that the stack can be made anew; with the
    others it can be brought back for a week or a month.
    """

    def __init__(
        self,
        name: str,
        spec: StoreSpec,
        key_arn: pulumi.Input[str],
        account: pulumi.Input[str],
        child: pulumi.ResourceOptions,
    ) -> None:
        self._name = name
        self._child = child
        policy = pulumi.Output.from_input(account).apply(secret_policy)
        self._secrets: dict[Role, aws.secretsmanager.Secret] = {}
        for role in APPLICATION_ROLES:
            secret = aws.secretsmanager.Secret(
                f"{name}-secret-{role}",
                # Not a fixed name: a deleted secret keeps its own until it is gone for good.
                name_prefix=f"{_PREFIX}/{spec.aws_name}/{role}-",
                description=f"Login and Connection of {role} for session store {spec.aws_name}",
                kms_key_id=key_arn,
                recovery_window_in_days=spec.recovery_days,
                tags=spec.tags,
                opts=child,
            )
            aws.secretsmanager.SecretPolicy(
                f"{name}-secret-{role}-policy",
                secret_arn=secret.arn,
                policy=policy,
                block_public_policy=True,
                opts=child,
            )
            self._secrets[role] = secret

    @property
    def arns(self) -> dict[str, pulumi.Output[str]]:
        """Of the secrets, by role."""
        return {role.value: secret.arn for role, secret in self._secrets.items()}

    def fill(
        self,
        full: pulumi.Output[tuple[Connection, Endpoints]],
        users: Users,
    ) -> list[aws.secretsmanager.SecretVersion]:
        """Write each role's value, once the store takes its login."""
        return [self._write(role, secret, full, users) for role, secret in self._secrets.items()]

    def _write(
        self,
        role: Role,
        secret: aws.secretsmanager.Secret,
        full: pulumi.Output[tuple[Connection, Endpoints]],
        users: Users,
    ) -> aws.secretsmanager.SecretVersion:
        user = users.of(role)
        value = pulumi.Output.all(full, secret.arn, user.arn).apply(
            lambda known: secret_value(
                known[0][0], known[0][1], role, secret_arn=known[1], user_arn=known[2]
            )
        )
        text: pulumi.Output[str] = pulumi.Output.secret(value)
        return aws.secretsmanager.SecretVersion(
            f"{self._name}-secret-{role}-value",
            secret_id=secret.id,
            secret_string=text,
            opts=pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(depends_on=[user, users.group])
            ),
        )
