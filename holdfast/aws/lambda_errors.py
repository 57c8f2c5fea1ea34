"""What can go wrong when a function is invoked, as errors of this project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from holdfast.errors import ConfigError, StoreUnavailable

_UNKNOWN: Final = frozenset({"ResourceNotFoundException", "ValidationException"})
_LOGIN: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "UnrecognizedClientException",
    }
)
_NO_LOGIN: Final = frozenset({"NoCredentialsError", "PartialCredentialsError"})


class FunctionFailed(StoreUnavailable):
    """The function broke off, or AWS did not run it; nothing is known about the store."""


@dataclass(frozen=True, slots=True)
class Function:
    """A verifier's function.

    Attributes:
        name: or ARN.
        region: None for the one that boto3 finds by itself.
    """

    name: str
    region: str | None = None

    def __str__(self) -> str:
        """Its name, and where it is."""
        return f"{self.name}{f' in {self.region}' if self.region else ''}"


def error_code(error: Exception) -> str:
    """The code that the API gave; empty for an error of another kind."""
    response = getattr(error, "response", None)
    return str(response["Error"].get("Code", "")) if isinstance(response, dict) else ""


def judged(error: Exception, function: Function) -> Exception:
    """An error of the SDK as one of this project; any other as it is.

    A function, a login or a right that is missing is a ConfigError: nothing was run.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - an extra

    if isinstance(error, ClientError):
        return _of_api(error, error_code(error), function)
    if type(error).__name__ in _NO_LOGIN:
        return ConfigError(
            "credentials", "none", "an AWS login", "log in (aws sso login), or set AWS_PROFILE"
        )
    if isinstance(error, BotoCoreError):
        return FunctionFailed(f"the AWS API does not answer: {error}")
    return error


def _of_api(error: Exception, code: str, function: Function) -> Exception:
    if code in _UNKNOWN:
        return ConfigError(
            "function",
            str(function),
            "the name of a function in this account and region",
            "see the stack output resources, --function and --region",
        )
    if code in _LOGIN:
        return ConfigError(
            "credentials",
            code,
            f"a login that may lambda:InvokeFunction on {function}",
            "log in again, or have the right given",
        )
    return FunctionFailed(f"the function {function} was not run: {error}")
