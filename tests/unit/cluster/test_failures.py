from __future__ import annotations

import json

import pytest

from holdfast.cluster.failures import Failure
from holdfast.cluster.values import from_wire, to_wire
from holdfast.errors import ConfigError, HoldfastError, StoreUnavailable, VerificationFailed
from holdfast.rotation.means import Interrupted as RotationInterrupted
from holdfast.rotation.run import InUse
from holdfast.verify.drills.result import Interrupted as DrillInterrupted


def _through(error: Exception) -> HoldfastError:
    sent = json.loads(json.dumps(to_wire(Failure.of(error))))
    failure: Failure = from_wire(Failure, sent)
    return failure.error()


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("field", "value", "rule", "fix"),
        StoreUnavailable("away", attempts=3, elapsed_seconds=1.5, may_have_applied=True),
        InUse("two connections"),
        RotationInterrupted("stopped"),
        DrillInterrupted("stopped"),
    ],
)
def test_an_error_is_raised_again_as_what_it_is(error: HoldfastError) -> None:
    back = _through(error)
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert {k: v for k, v in vars(back).items() if k != "__notes__"} == vars(error)


def test_notes_travel_with_their_error() -> None:
    error = VerificationFailed("no")
    error.add_note("at: a step")
    assert _through(error).__notes__ == ["at: a step"]


def test_an_error_of_a_class_that_is_not_known_here_becomes_the_nearest_that_is() -> None:
    failure = Failure(
        (
            "elsewhere.Special",
            "holdfast.errors.VerificationFailed",
            "holdfast.errors.HoldfastError",
        ),
        "no",
        {},
        (),
    )
    assert type(failure.error()) is VerificationFailed


def test_an_error_that_is_not_ours_becomes_a_failed_verification_that_names_it() -> None:
    back = _through(KeyError("pod"))
    assert type(back) is VerificationFailed
    assert str(back) == "KeyError: 'pod'"


def test_no_class_beyond_the_projects_errors_is_ever_made() -> None:
    assert type(Failure(("builtins.SystemExit", "os.system"), "x", {}, ()).error()) is HoldfastError
