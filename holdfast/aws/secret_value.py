"""What a secret of a role holds in AWS Secrets Manager, and how it is read.

The value is a JSON object: ``username``, ``password`` (absent where the role logs in by IAM), and
``connection``, the role's Connection with a reference in place of the password. Name and password
stand beside it because AWS's own rotation function writes ``password`` alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from holdfast.aws import api
from holdfast.connection import Connection, User
from holdfast.errors import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CURRENT: Final = "AWSCURRENT"
PREVIOUS: Final = "AWSPREVIOUS"
_ARN_PARTS: Final = 7
_FIELD: Final = "secret"


@dataclass(frozen=True, slots=True)
class SecretValue:
    """What a secret holds.

    Attributes:
        username: the login's name.
        password: None where the login is by IAM.
        connection: the role's, without the password; None in a secret that holds a login alone.
    """

    username: str
    password: str | None = field(default=None, repr=False)
    connection: Connection | None = None

    def user(self, known: User) -> User:
        """A user of a Connection with what this says about its login."""
        if self.password is None:
            return known if known.secret_arn is None else User(self.username, iam=True)
        return User(self.username, self.password)


def region_of(arn: str) -> str:
    """The region that a secret's ARN names.

    Raises:
        ConfigError: it is no ARN of a secret.
    """
    parts = arn.split(":")
    if len(parts) != _ARN_PARTS or parts[2] != "secretsmanager" or not parts[3]:
        raise ConfigError(
            _FIELD,
            arn,
            "an ARN such as arn:aws:secretsmanager:<region>:<account>:secret:<name>",
            "take it from the stack's output connection_secrets",
        )
    return parts[3]


def parse_value(arn: str, text: str | None) -> SecretValue:
    """Read a secret's value. Raises ConfigError; no message shows any of the value."""
    try:
        document = json.loads(text or "")
    except ValueError:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("username"), str):
        raise malformed(arn, "a JSON object with a username")
    password, narrow = document.get("password"), document.get("connection")
    if password is not None and (not isinstance(password, str) or not password):
        raise malformed(arn, "a password that is a text, or none")
    if narrow is not None and not isinstance(narrow, dict):
        raise malformed(arn, "a connection that is an object, or none")
    connection = Connection.from_json(json.dumps(narrow)) if narrow is not None else None
    return SecretValue(document["username"], password, connection)


def malformed(arn: str, rule: str) -> ConfigError:
    """The error of a secret that does not hold what it should."""
    return ConfigError(_FIELD, arn, rule, "deploy the stack again, or see who changed the secret")


def read_value(client: SecretsManagerClient, arn: str, *, stage: str = CURRENT) -> SecretValue:
    """Ask the service for a secret.

    Args:
        client: of Secrets Manager.
        arn: which secret.
        stage: which of its versions. Always named: what an answer without it holds just after a
            change is not to be relied on.

    Raises:
        ConfigError: there is no such secret or version, it may not be read, or it is malformed.
        StoreUnavailable: the service does not answer.
    """
    try:
        answer = client.get_secret_value(SecretId=arn, VersionStage=stage)
    except api.API_ERRORS as error:
        raise api.refused(error, _FIELD, arn, "a secret that this process may read") from None
    return parse_value(arn, answer.get("SecretString"))


def written_at(client: SecretsManagerClient, arn: str) -> float:
    """When the current version of a secret was written, seconds since the epoch.

    Raises:
        ConfigError, StoreUnavailable: as for :func:`read_value`.
    """
    try:
        answer = client.get_secret_value(SecretId=arn, VersionStage=CURRENT)
    except api.API_ERRORS as error:
        raise api.refused(error, _FIELD, arn, "a secret that this process may read") from None
    return answer["CreatedDate"].timestamp()


def resolve_user(user: User) -> User:
    """A user with the login that its reference leads to; others as they are.

    Raises:
        ConfigError, StoreUnavailable: the secret cannot be read.
    """
    if user.secret_arn is None:
        return user
    client = api.secrets_manager(region_of(user.secret_arn))
    return read_value(client, user.secret_arn).user(user)
