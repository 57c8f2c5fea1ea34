"""A primary that died and is started again before its Sentinels missed it, with real servers.

The file of a killed server may lack what it answered and replicas confirmed: while the disk is
slow, ``appendfsync everysec`` holds writes back for up to two seconds. Here, in place of a slow
disk, the end of the file is cut off.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.provider_group import SERVICE, Group, group, sentinel_group
from tests.servers import Install, wait_until

_SLOW_SENTINELS_MS = 60_000
_SERVERS = ("valkey-0", "valkey-1", "valkey-2")
_SENTINELS = ("sentinel-0", "sentinel-1", "sentinel-2")
_CONFIRMED = 20


@pytest.fixture
def unnoticed(server_install: Install, tmp_path: Path) -> Iterator[Group]:
    """A running group whose Sentinels miss nobody within the test."""
    with group(server_install, tmp_path / "group") as made:
        sentinel_group(made)
        for node in _SENTINELS:
            made.change(
                node,
                directives={f"sentinel down-after-milliseconds {SERVICE}": str(_SLOW_SENTINELS_MS)},
            )
        made.up_all(*_SERVERS)
        made.up_all(*_SENTINELS)
        wait_until(
            "the Sentinels to know all", lambda: all(_knows_all(made, n) for n in _SENTINELS)
        )
        yield made


def _knows_all(made: Group, sentinel: str) -> bool:
    reply = made.call(sentinel, "SENTINEL", "MASTER", SERVICE)
    facts = dict(zip(reply[::2], reply[1::2], strict=True))
    return (facts["num-slaves"], facts["num-other-sentinels"]) == ("2", "2")


def _confirm_turns(made: Group) -> None:
    with made.open("valkey-0") as admin:
        for number in range(_CONFIRMED):
            admin.call("RPUSH", "turns", str(number))
        assert admin.call("WAIT", 2, 5000) == 2


def _turns(made: Group, node: str) -> list[str]:
    return list(made.call(node, "LRANGE", "turns", 0, -1))


def _cut_file(made: Group, node: str) -> None:
    """Take the last writes from a stopped server's file, as if the disk had been slow."""
    folder = made.folder / node / "data" / "appendonlydir"
    file = max(folder.glob("*.incr.aof"), key=lambda path: path.stat().st_size)
    data = file.read_bytes()
    end = data.rindex(b"*3\r\n$5\r\nRPUSH", 0, len(data) * 4 // 5)
    assert end > 0
    os.truncate(file, end)


def _named(made: Group) -> set[int]:
    return {
        int(made.call(node, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[1])
        for node in _SENTINELS
    }


def test_confirmed_turns_survive_a_primary_that_died_and_is_started_again_at_once(
    unnoticed: Group,
) -> None:
    made = unnoticed
    _confirm_turns(made)
    expected = [str(number) for number in range(_CONFIRMED)]
    made.kill("valkey-0")
    _cut_file(made, "valkey-0")
    made.up("valkey-0")
    wait_until("all to have all", lambda: all(_turns(made, n) == expected for n in _SERVERS))
    assert made.role("valkey-0") == "slave"
    new = next(node for node in _SERVERS if made.role(node) == "master")
    assert _named(made) == {made.inputs[new]["port"]}
    for node in _SERVERS:
        assert not made.up(node), f"{node} is as it should be"


def test_a_primary_whose_sentinels_refuse_is_started_again_with_its_data(unnoticed: Group) -> None:
    made = unnoticed
    for node in _SERVERS[1:]:
        made.call(node, "CONFIG", "SET", "replica-priority", 0)
    wait_until(
        "the Sentinels to see it", lambda: all(_all_gated(made, n) for n in _SENTINELS), seconds=25
    )
    _confirm_turns(made)
    made.kill("valkey-0")
    made.up("valkey-0")
    assert made.role("valkey-0") == "master"
    assert len(_turns(made, "valkey-0")) == _CONFIRMED
    assert [line for line in made.log if "valkey-0 is the primary again" in line]


def _all_gated(made: Group, sentinel: str) -> bool:
    replicas = made.call(sentinel, "SENTINEL", "REPLICAS", SERVICE)
    return all(
        dict(zip(facts[::2], facts[1::2], strict=True))["slave-priority"] == "0"
        for facts in replicas
    )


def test_a_primary_that_restarts_for_a_directive_stays_the_primary(unnoticed: Group) -> None:
    made = unnoticed
    _confirm_turns(made)
    made.change("valkey-0", directives={"databases": "4"})
    made.up("valkey-0")
    assert made.role("valkey-0") == "master"
    assert len(_turns(made, "valkey-0")) == _CONFIRMED
    assert _named(made) == {made.inputs["valkey-0"]["port"]}
