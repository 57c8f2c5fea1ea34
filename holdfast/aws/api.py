"""Clients of the AWS API, and what to say of an answer that is none.

Credentials, profile and endpoint are the SDK's own: its environment variables, files and roles;
``AWS_ENDPOINT_URL`` leads to an emulation.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

from holdfast.errors import ConfigError, HoldfastError, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_elasticache import ElastiCacheClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

API_ERRORS: Final = (BotoCoreError, ClientError)
ENDPOINT_VARIABLES: Final = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ELASTICACHE")
EMULATION: Final = (
    "emulation: moto and real Valkey on one machine; the official plugin and AWS were not run"
)
_CONFIG: Final = Config(
    connect_timeout=3, read_timeout=10, retries={"mode": "standard", "max_attempts": 4}
)
_QUICK: Final = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2}
)
"""A client whose login was refused waits for its secret: not longer than its own deadline."""

_OURS: Final = ("AccessDenied", "UnrecognizedClient", "InvalidClientToken", "ExpiredToken")


def elasticache(region: str) -> ElastiCacheClient:
    """A client of ElastiCache."""
    return boto3.session.Session().client("elasticache", region_name=region, config=_CONFIG)


def secrets_manager(region: str) -> SecretsManagerClient:
    """A client of Secrets Manager."""
    return boto3.session.Session().client("secretsmanager", region_name=region, config=_QUICK)


def is_emulated() -> bool:
    """Whether calls lead to something else than AWS."""
    return any(os.environ.get(name) for name in ENDPOINT_VARIABLES)


def error_code(error: Exception) -> str:
    """What the service calls it; empty where it did not answer."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return ""


def told(error: Exception) -> str:
    """An error of the API in a line. Such messages name things, and never what a secret holds."""
    if isinstance(error, ClientError):
        said = error.response.get("Error", {})
        return f"{said.get('Code', 'unknown')}: {said.get('Message', '')}".strip()
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def refused(error: Exception, field: str, value: object, rule: str) -> HoldfastError:
    """The error of this kit for one of the API: ours to mend, or the service's."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError | NoRegionError):
        return ConfigError(
            field, value, rule, f"give this process AWS credentials and a region ({told(error)})"
        )
    code = error_code(error)
    if code and (code.startswith(_OURS) or "NotFound" in code or "Invalid" in code):
        return ConfigError(field, value, rule, f"AWS says {told(error)}")
    return StoreUnavailable(f"{field} {value}: AWS gave no answer ({told(error)})")
