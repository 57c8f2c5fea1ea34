from __future__ import annotations

import pytest

from provider.credentials.password import DEFAULT_LENGTH, MAX_LENGTH, MIN_LENGTH, generate
from tests.standin.aws.emulator.elasticache.faults import Fault
from tests.standin.aws.emulator.elasticache.grammar import check_passwords


@pytest.mark.parametrize("length", [MIN_LENGTH, DEFAULT_LENGTH, MAX_LENGTH])
def test_whatever_password_the_kit_makes_is_one_that_aws_takes(length: int) -> None:
    new, old = generate(length), generate(length)
    assert len(check_passwords([new, old])) == 2


@pytest.mark.parametrize("password", ["a" * 15, "a" * 129, *("a" * 16 + sign for sign in ',"/@ ')])
def test_what_aws_does_not_take_is_refused_and_not_shown(password: str) -> None:
    with pytest.raises(Fault) as caught:
        check_passwords([password])
    assert password not in str(caught.value)
