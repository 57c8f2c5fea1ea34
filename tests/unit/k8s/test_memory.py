from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConfigError
from k8s.memory import plan_memory, quantity
from k8s.templates import server_template
from tests.unit.k8s.specs import config

MIB = 1024**2
AMOUNTS = st.integers(16 * MIB, 64 * 1024 * MIB)


@given(AMOUNTS)
def test_what_is_filled_in_is_always_enough(maxmemory: int) -> None:
    planned = plan_memory(maxmemory)
    assert planned.limit_bytes >= maxmemory + 256 * MIB + 64 * MIB
    assert planned.limit_bytes * 0.6 >= maxmemory * (1 - 1e-9)
    assert planned.disk_bytes == 3 * maxmemory
    again = plan_memory(maxmemory, limit_bytes=planned.limit_bytes, disk_bytes=planned.disk_bytes)
    assert again == planned


def test_a_limit_that_would_get_the_server_killed_is_refused_with_one_that_would_not() -> None:
    least = (256 + 256 + 64) * MIB
    assert plan_memory(256 * MIB, limit_bytes=least).limit_bytes == least
    with pytest.raises(ConfigError, match=r"memory_limit: got .* need at least 576Mi") as refused:
        plan_memory(256 * MIB, limit_bytes=least - 1)
    assert "raise it to 576Mi" in refused.value.fix


def test_the_limit_holds_what_a_replica_lags_behind_and_maxmemory_the_backlog() -> None:
    wanted = config()
    told = dict(line.split(" ", 1) for line in server_template(wanted).splitlines())
    buffer = int(told["client-output-buffer-limit"].split()[1])
    assert plan_memory(wanted.maxmemory_bytes).limit_bytes >= wanted.maxmemory_bytes + buffer
    assert int(told["repl-backlog-size"]) <= wanted.maxmemory_bytes / 8


def test_a_volume_that_the_rewrite_would_fill_is_refused() -> None:
    with pytest.raises(ConfigError, match="storage: got '767Mi', need at least 768Mi"):
        plan_memory(256 * MIB, disk_bytes=767 * MIB)


@pytest.mark.parametrize(
    ("amount", "text"),
    [(1024**3, "1Gi"), (1536 * MIB, "1536Mi"), (1024, "1Ki"), (1025, "1025")],
)
def test_amounts_are_written_as_kubernetes_reads_them(amount: int, text: str) -> None:
    assert quantity(amount) == text
