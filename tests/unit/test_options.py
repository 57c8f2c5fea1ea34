"""The settings of a client."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.errors import ConfigError
from holdfast.options import ClientOptions, Library


def test_the_defaults_outlast_a_failover() -> None:
    options = ClientOptions()
    assert options.library is Library.REDIS
    assert options.deadline_seconds >= 5 + 5
    assert options.sentinel_timeout_seconds <= 0.5


def test_a_library_may_be_given_as_text() -> None:
    assert ClientOptions(library="valkey").library is Library.VALKEY  # type: ignore[arg-type] # text, as from JSON


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pool_size", 0),
        ("connect_timeout_seconds", 0),
        ("socket_timeout_seconds", -1),
        ("deadline_seconds", 0.0),
        ("confirm_seconds", 0.0),
        ("library", "glide"),
    ],
)
def test_what_can_only_be_a_mistake_is_refused(field: str, value: object) -> None:
    arguments: dict[str, Any] = {field: value}
    with pytest.raises(ConfigError, match=f"options.{field}: got"):
        ClientOptions(**arguments)


def test_replicas_are_waited_for_no_longer_than_half_the_socket_timeout() -> None:
    assert ClientOptions().confirm_ms == 1000
    assert ClientOptions(confirm_seconds=0.25).confirm_ms == 250
    assert ClientOptions(confirm_seconds=5, socket_timeout_seconds=1).confirm_ms == 500
