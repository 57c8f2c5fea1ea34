"""The store on AWS, through the real engine: up, proved, unchanged, destroyed with nothing left.

Emulation: moto and real Valkey on one machine; the official plugin and AWS were not run.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from holdfast.verify.record import Kind
from tests.aws.left_over import left_over
from tests.aws.stack import WHERE, AwsStack, standing
from tests.records import keep, strict
from tests.standin.aws.emulator import Emulator

pytestmark = pytest.mark.timeout(600)

VARIANTS: Mapping[str, Mapping[str, str]] = {
    "dev": {"preset": "dev"},
    "staging": {"preset": "staging"},
    "prod": {"preset": "prod"},
    "cluster": {"preset": "staging", "topology": "cluster", "primaries": "2", "replicas": "1"},
    "serverless": {
        "preset": "dev",
        "topology": "serverless",
        "dataStorageGb": "5",
        "ecpuPerSecond": "5000",
    },
}

QUICK = ("prod", "cluster", "serverless")

PREVIEW_SECONDS = 8.0
"""At most, once the first one has compiled the program."""


@pytest.mark.parametrize(
    "variant",
    # The others are made by tests of one-node stores, of a life, and of the variant "cluster".
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.whole) for name in VARIANTS],
)
def test_a_store_comes_up_proves_itself_and_leaves_nothing(
    variant: str, tmp_path: Path, aws: Emulator
) -> None:
    stack = AwsStack.prepare(tmp_path, aws, **VARIANTS[variant])
    # Its time is held to a bound in a whole run alone.
    previews = [previewed(stack)] if variant == "prod" and strict() else []
    with standing(stack):
        stack.run("smoke", *stack.record(WHERE))
        stack.unchanged()
        if previews:
            previews.append(previewed(stack))
            keep_the_preview(stack, max(previews))
        assert stack.secrets_in_plain() == []
        stack.destroy()
        assert left_over(stack.client) == {}


def previewed(stack: AwsStack) -> float:
    """Seconds that a preview takes which is not the first; printed."""
    stack.preview()
    begin = time.monotonic()
    stack.preview()
    return time.monotonic() - begin


def keep_the_preview(stack: AwsStack, seconds: float) -> None:
    """Hold a production stack's preview to its bound, and note it."""
    assert seconds < PREVIEW_SECONDS
    figures = {"duration_seconds": seconds}
    keep(stack.connection, Kind.CHANGE, "preview of the prod stack", figures, where=WHERE)
