"""What AWS answers instead of a result, in the words of the official plugin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.errors import HoldfastError
from tests.standin.aws.boto import Answer


class AwsError(HoldfastError):
    """A call that AWS refused, or that did not reach it.

    Attributes:
        code: AWS's error code, such as ``InvalidParameterValue``; empty if nobody answered.
    """

    def __init__(self, doing: str, text: str, code: str = "") -> None:
        self.code = code
        super().__init__(f"{doing}: {text}")


def code_of(error: ClientError) -> str:
    """AWS's error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_code(error: ClientError, *codes: str) -> bool:
    """Whether it is one of these, with or without the suffix that some APIs give a code."""
    code = code_of(error)
    return any(code in (item, f"{item}Fault", f"{item}Exception") for item in codes)


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Errors of calls in the block say what was being done and carry AWS's code.

    Args:
        doing: as the official plugin says it, ``creating ElastiCache User (app)``.
    """
    try:
        yield
    except ClientError as error:
        text = f"operation error {error.operation_name}, {_answer(error.response)}"
        raise AwsError(doing, text, code_of(error)) from error
    except BotoCoreError as error:
        raise AwsError(doing, str(error)) from error


def _answer(response: Answer) -> str:
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    head = f"https response error StatusCode: {status}, " if status else ""
    told = response.get("Error", {})
    return f"{head}api error {told.get('Code', 'Unknown')}: {told.get('Message', '')}"
