"""What the drills of a cluster do and note, on a stage where nothing is real."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from holdfast.connection import Address
from holdfast.errors import VerificationFailed
from holdfast.verify.drills import cluster_faults
from holdfast.verify.drills.cluster_faults import (
    cut_primary_node,
    delete_every_pod,
    delete_primary_pod,
    drain_primary_node,
    full_memory,
    lose_primary_node,
    lose_volume,
    rolling_update,
    sentinel_cut_off,
    silent_dns,
)
from holdfast.verify.drills.means import Process, State
from holdfast.verify.drills.stage import Facts, Stage
from holdfast.verify.ledger import Answer, Entry
from tests.unit.verify.fakes import connection

FACTS = Facts(5, min_replicas=1, max_lag_seconds=3, coordinated=True, supervised=True)
LIMIT = 16 * 1024 * 1024


def address(name: str) -> Address:
    kind, _, number = name.partition("-")
    return Address(f"{name}.here", 7000 + int(number) + (100 if kind == "sentinel" else 0))


class Store:
    """Three servers and three Sentinels on a node each; hurting the primary moves it on.

    Also the hands on them. ``done`` is what was done to them, in order.
    """

    def __init__(self) -> None:
        self.led = 0
        self.nodes = {
            f"{kind}-{n}": f"node-{n}" for kind in ("server", "sentinel") for n in range(3)
        }
        self.volumes = dict.fromkeys(self.nodes, 0)
        self.done: list[str] = []
        self.silent = False
        self.cut: set[Address] = set()
        self.restarted: dict[str, int] = {}
        self.lives = dict.fromkeys(self.nodes, 0)
        self.unready: set[str] = set()
        self.looked: Callable[[], None] = lambda: None
        self.rolling: Callable[[], None] = lambda: None

    def primary(self) -> Address:
        return address(f"server-{self.led}")

    def move(self) -> None:
        self.led = (self.led + 1) % 3

    def supervised(self) -> bool:
        return True

    def processes(self) -> Sequence[Process]:
        return [
            Process(
                name,
                address(name),
                name.startswith("sentinel"),
                State.DOWN if name in self.unready else State.RUNNING,
            )
            for name in self.volumes
        ]

    def _hurt(self, what: str, *names: str) -> None:
        self.done.append(f"{what} {' '.join(names)}")
        if f"server-{self.led}" in names:
            self.move()

    def kill(self, name: str) -> None:
        self._hurt("kill", name)

    def freeze(self, name: str) -> None:
        self._hurt("freeze", name)

    def thaw(self, name: str) -> None:
        self.done.append(f"thaw {name}")

    def put_back(self) -> None:
        self.done.append("put back")
        for name, volume in self.volumes.items():
            if volume < 0:
                self.volumes[name] = -volume + 1

    def node_of(self, pod: str) -> str:
        return self.nodes.get(pod, "")

    def restarts(self) -> dict[str, int]:
        return dict(self.restarted)

    def uids(self) -> dict[str, str]:
        self.looked()
        return {name: f"life {life} of {name}" for name, life in self.lives.items()}

    def delete_pods(self, names: Sequence[str]) -> None:
        self._hurt("delete", *names)
        if set(names) == set(self.lives):
            self.looked = self.replace

    def replace(self) -> None:
        """Have another of the pods that were deleted replaced each time somebody looks."""
        waiting = [name for name, life in self.lives.items() if not life]
        if waiting:
            self.lives[waiting[0]] += 1
            self.unready = {waiting[0]}
        else:
            self.unready.clear()

    def _hurt_node(self, what: str, node: str) -> None:
        self.done.append(f"{what} {node}")
        if self.node_of(f"server-{self.led}") == node:
            self.move()

    def drain(self, node: str) -> None:
        self._hurt_node("drain", node)

    def cut_node(self, node: str) -> None:
        self._hurt_node("cut", node)

    def heal_node(self, node: str) -> None:
        self.done.append(f"heal {node}")

    def switch_off(self, node: str) -> None:
        self._hurt_node("off", node)

    def give_up(self, node: str) -> None:
        self.done.append(f"give up {node}")

    def roll(self, *, sentinel: bool) -> None:
        self.done.append(f"roll {'sentinels' if sentinel else 'servers'}")
        self.rolling()

    def rolled(self) -> bool:
        return True

    def lose_volume(self, name: str) -> None:
        self._hurt("lose volume", name)
        self.volumes[name] += 1

    def volume_of(self, name: str) -> str:
        return f"volume-{self.volumes[name]}-of-{name}"

    def cut_off(self, name: str) -> None:
        self.done.append(f"cut off {name}")
        self.cut.add(address(name))

    def silence_dns(self) -> None:
        self.done.append("silence dns")
        self.silent = True


class Book:
    """Turns of one writer, all at once where nothing else is said."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def behind(self, since: float) -> tuple[str, ...]:
        return ()

    def wrote(self, *times: float) -> None:
        self.entries += [Entry("w", "s", f"t{at}", 0, at, at, Answer.OK) for at in times]


class Scene(Stage):
    """A stage whose servers are asked nothing."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.book = Book()
        self.memory = {"maxmemory": str(LIMIT)}
        self.asked: list[tuple[Any, ...]] = []
        self.waited = 0.0
        self.readied = 0
        names = tuple(address(f"sentinel-{number}") for number in range(3))
        shown = replace(connection(), sentinels=names)
        any_of = cast("Any", store)
        super().__init__(shown, any_of, cast("Any", self.book), FACTS, cast("Any", None))

    def primary(self) -> Address:
        return self.store.primary()

    def watched(self) -> dict[Address, Address | None]:
        return {
            one: None if one in self.store.cut else self.primary()
            for one in self.connection.sentinels
        }

    def until_well(self) -> None:
        self.readied += 1

    def ask(self, address: Address, *command: str | int) -> object:
        self.asked.append((address, *command))
        return "OK"

    def info(self, address: Address, section: str) -> dict[str, str]:
        kept = sum(command[1] == "SET" for command in self.asked) * 256 * 1024
        return {
            **self.memory,
            "master_link_status": "up",
            "used_memory": str(min(kept, LIMIT)),
            "evicted_keys": "1" if kept > LIMIT else "0",
            "aof_rewrite_in_progress": "0",
            "aof_last_bgrewrite_status": "ok",
        }

    def pause(self, seconds: float) -> None:
        self.waited += seconds
        # A wait in vain ends with an answer, and not with the time of the whole drill.
        if self.waited > 60:
            raise VerificationFailed("waited in vain")


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def scene(store: Store, monkeypatch: pytest.MonkeyPatch) -> Scene:
    def resolve(name: str, port: object) -> list[object]:
        if store.silent:
            raise OSError("no answer")
        return []

    def handed_over(stage: Stage, old: Address) -> Address:
        assert old == store.primary()
        store.done.append(f"hand over from server-{store.led}")
        store.move()
        return store.primary()

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "gethostname", lambda: "verifier")
    monkeypatch.setattr(cluster_faults, "hand_over", handed_over)
    return Scene(store)


@pytest.mark.parametrize(
    ("drill", "done"),
    [
        (drain_primary_node, ["drain node-0"]),
        (cut_primary_node, ["cut node-0", "heal node-0"]),
    ],
)
def test_a_node_is_hurt_where_the_primary_is(
    scene: Scene, store: Store, drill: Callable[[Stage], None], done: list[str]
) -> None:
    drill(scene)
    assert store.done == done
    assert scene.fault_at is not None
    assert scene.failures == []


@pytest.mark.parametrize("drill", [drain_primary_node, cut_primary_node, lose_primary_node])
def test_the_node_of_the_writers_is_never_hurt(
    scene: Scene, store: Store, drill: Callable[[Stage], None]
) -> None:
    store.nodes["verifier"] = "node-0"
    # The next one in line is there too.
    store.nodes["server-1"] = "node-0"
    drill(scene)
    assert store.done[:2] == ["hand over from server-0", "hand over from server-1"]
    assert store.done[2].endswith("node-2")
    assert not any(what.endswith("node-0") for what in store.done)


def test_a_hand_over_to_a_better_node_is_not_the_fault_that_is_measured(
    scene: Scene, store: Store
) -> None:
    store.nodes["verifier"] = "node-0"
    drain_primary_node(scene)
    events = [what for _, what in scene.events]
    moved = next(n for n, what in enumerate(events) if "hand over from" in what)
    fault = next(n for n, what in enumerate(events) if what.startswith("drain node-1"))
    assert moved < fault
    assert scene.fault_at == pytest.approx(scene.began + scene.events[fault][0])


def test_where_every_server_is_beside_the_writers_no_node_is_hurt(
    scene: Scene, store: Store
) -> None:
    store.nodes = dict.fromkeys(store.nodes, "node-0") | {"verifier": "node-0"}
    with pytest.raises(VerificationFailed, match="every server runs on the node of the writers"):
        cut_primary_node(scene)
    assert all(what.startswith("hand over") for what in store.done)
    assert scene.fault_at is None


def test_writers_outside_the_cluster_are_on_no_node_of_it(scene: Scene, store: Store) -> None:
    drain_primary_node(scene)
    assert not any("hand over" in what for what in store.done)


def test_a_lost_node_is_given_up_before_its_volumes_go(scene: Scene, store: Store) -> None:
    lose_primary_node(scene)
    assert store.done == [
        "off node-0",
        "give up node-0",
        "lose volume server-0",
        "lose volume sentinel-0",
        "put back",
    ]


def test_a_volume_that_came_back_with_its_data_is_not_taken_for_a_new_one(
    scene: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "volume_of", lambda _: "the-same-volume")
    with pytest.raises(VerificationFailed, match="in vain"):
        lose_volume(scene)


def test_only_the_primarys_pod_is_deleted_and_every_pod_where_that_is_meant(
    scene: Scene, store: Store
) -> None:
    delete_primary_pod(scene)
    delete_every_pod(scene)
    first, second = store.done
    assert first == "delete server-0"
    assert set(second.split()[1:]) == set(store.volumes)


def test_writers_count_as_back_only_once_every_pod_is_another_one_and_ready(
    scene: Scene, store: Store
) -> None:
    asked: list[tuple[int, int]] = []

    def behind(since: float) -> tuple[str, ...]:
        asked.append((sum(store.lives.values()), len(store.unready)))
        return ()

    scene.book.behind = behind  # type: ignore[method-assign]
    delete_every_pod(scene)
    assert asked == [(6, 0)]


@pytest.mark.parametrize("broken", ["stays", "does not become ready", "is gone"])
def test_a_pod_that_does_not_come_back_ends_the_drill_though_writers_write(
    scene: Scene, store: Store, broken: str
) -> None:
    def replace() -> None:
        store.lives = dict.fromkeys(store.volumes, 1)
        match broken:
            case "stays":
                store.lives["server-1"] = 0
            case "is gone":
                del store.lives["server-1"]
            case _:
                store.unready = {"server-1"}

    store.replace = replace  # type: ignore[method-assign]
    with pytest.raises(VerificationFailed, match="in vain"):
        delete_every_pod(scene)


def test_sentinels_are_rolled_before_the_servers_not_with_them(scene: Scene, store: Store) -> None:
    rolling_update(scene)
    assert store.done == ["roll sentinels", "roll servers"]
    assert scene.failures == []


@pytest.mark.parametrize(("pauses", "failures"), [(3, 0), (4, 1)])
def test_a_rolling_update_with_more_pauses_than_pods_is_noted(
    scene: Scene, store: Store, pauses: int, failures: int
) -> None:
    def roll() -> None:
        assert scene.fault_at is not None
        if not scene.book.entries:
            scene.book.wrote(*(scene.fault_at + number for number in range(pauses + 1)))

    store.rolling = roll
    rolling_update(scene)
    assert len(scene.failures) == failures
    assert all(f"a writer paused {pauses} times" in text for text in scene.failures)


def written_during_a_kill(scene: Scene, store: Store, pause_seconds: float) -> None:
    def kill(name: str) -> None:
        at = scene.fault_at
        assert at is not None
        scene.book.wrote(at - 0.1, at + pause_seconds)

    store.kill = kill  # type: ignore[method-assign]


def test_the_dns_is_silent_through_a_kill_and_a_freeze(scene: Scene, store: Store) -> None:
    written_during_a_kill(scene, store, 6.0)
    silent_dns(scene)
    assert store.done == ["silence dns", "freeze server-0", "thaw server-0"]
    # Between the two, or the second fault would meet a store that still mends the first.
    assert scene.readied == 1
    assert scene.failures == []


def test_a_kill_that_pauses_writers_for_longer_without_dns_is_noted(
    scene: Scene, store: Store
) -> None:
    written_during_a_kill(scene, store, 7.2)
    silent_dns(scene)
    (failure,) = scene.failures
    assert failure.startswith("the kill while the DNS was silent: a writer paused for 7.30 s")


def test_a_dns_that_spoke_again_in_between_is_noted(scene: Scene, store: Store) -> None:
    written_during_a_kill(scene, store, 1.0)
    killed = store.kill

    def kill(name: str) -> None:
        killed(name)
        store.silent = False

    store.kill = kill  # type: ignore[method-assign]
    silent_dns(scene)
    assert scene.failures == ["the DNS was not silent all the time"]


def test_a_dns_that_is_not_silent_ends_the_drill_before_anything_is_hurt(
    scene: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "silence_dns", lambda: None)
    with pytest.raises(VerificationFailed, match="in vain"):
        silent_dns(scene)
    assert store.done == []


def test_the_sentinel_that_clients_ask_first_is_cut_off_before_the_primary_hangs(
    scene: Scene, store: Store
) -> None:
    sentinel_cut_off(scene)
    assert store.done == ["cut off sentinel-0", "freeze server-0", "thaw server-0"]


def test_a_policy_that_cuts_nothing_off_ends_the_drill(
    scene: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "cut_off", lambda _: None)
    with pytest.raises(VerificationFailed, match="in vain"):
        sentinel_cut_off(scene)
    assert store.done == []


def test_a_full_server_is_filled_until_it_evicts_and_all_of_it_is_removed(scene: Scene) -> None:
    full_memory(scene)
    words = [command[1] for command in scene.asked]
    assert words.count("SET") * 256 * 1024 > LIMIT
    assert words.index("BGREWRITEAOF") < words.index("UNLINK")
    kept = {command[2] for command in scene.asked if command[1] == "SET"}
    assert {command[2] for command in scene.asked if command[1] == "UNLINK"} == kept
    assert all(command[4] == "PX" for command in scene.asked if command[1] == "SET")
    assert scene.failures == []


def test_a_full_server_that_lost_its_lead_or_its_container_is_noted(
    scene: Scene, store: Store
) -> None:
    asked = scene.ask

    def ask(address: Address, *command: str | int) -> object:
        if command[0] == "BGREWRITEAOF":
            store.restarted = {"server-0": 1}
            store.move()
        return asked(address, *command)

    scene.ask = ask  # type: ignore[method-assign]
    full_memory(scene)
    assert scene.failures == [
        "the primary moved",
        "a container was ended (out of memory, or a probe)",
    ]


def test_a_server_without_a_limit_is_not_filled(scene: Scene) -> None:
    scene.memory = {"maxmemory": "0"}
    with pytest.raises(VerificationFailed, match="maxmemory is not set"):
        full_memory(scene)
    assert scene.asked == []
