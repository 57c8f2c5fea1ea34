"""Drills on stores as ElastiCache has them: the service fails over, the ledger counts.

Emulation: real Valkey on one machine behind AWS's names, an API that is played here; no time is
claimed for AWS from it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from holdfast.aws import api
from holdfast.errors import ConfigError, Unsupported
from holdfast.verify.drills import catalogue, cli
from holdfast.verify.drills.aws_means import AwsMeans
from holdfast.verify.drills.means import Action
from holdfast.verify.drills.result import DrillResult, Unhealthy
from holdfast.verify.drills.runner import Options, run_drills
from holdfast.verify.record import read_records
from holdfast.verify.result import ExitCode
from tests.aws.stores import REGION, Store

OPTIONS = Options(writers=4, health_seconds=60)


class Service:
    """ElastiCache's API over the servers of a store, as far as drills ask it."""

    def __init__(self, store: Store, *, shards: int = 1, nodes: int = 3) -> None:
        self.store = store
        self.clustered = shards > 1
        self.ids = {
            f"{s:04d}": [
                f"{store.group_id}-{s:04d}-{n:03d}"
                if self.clustered
                else f"{store.group_id}-{n:03d}"
                for n in range(1, nodes + 1)
            ]
            for s in range(1, shards + 1)
        }
        self.asked: list[tuple[str, str]] = []
        self.refusal = ""
        self.status = "available"
        self._work: threading.Thread | None = None

    def describe_replication_groups(self, **asked: str) -> dict[str, Any]:
        assert asked == {"ReplicationGroupId": self.store.group_id}
        primaries = self.store.plane.primaries(self.store.group_id)
        shards = []
        for shard, names in self.ids.items():
            members: list[dict[str, Any]] = []
            for name in names:
                member: dict[str, Any] = {"CacheClusterId": name}
                if not self.clustered:
                    leads = primaries[shard] == name
                    member["CurrentRole"] = "primary" if leads else "replica"
                members.append(member)
            shards.append({"NodeGroupId": shard, "NodeGroupMembers": members})
        busy = self._work is not None and self._work.is_alive()
        group = {
            "Status": "modifying" if busy else self.status,
            "AutomaticFailover": "enabled",
            "NodeGroups": shards,
        }
        return {"ReplicationGroups": [group]}

    def test_failover(self, **asked: str) -> dict[str, Any]:
        """As AWS: it begins, and goes on after the answer."""
        self.asked.append((asked["ReplicationGroupId"], asked["NodeGroupId"]))
        if self.refusal:
            raise ClientError({"Error": {"Code": self.refusal, "Message": "no"}}, "TestFailover")
        self._work = threading.Thread(
            target=self.store.fail_over, args=(asked["NodeGroupId"],), daemon=True
        )
        self._work.start()
        return {}


def means_of(store: Store, service: Service) -> AwsMeans:
    return AwsMeans(cast(Any, service), store.group_id, store.connection, lambda: store.connection)


def drill(store: Store, service: Service, *names: str) -> tuple[DrillResult, ...]:
    return run_drills(
        store.connection, means_of(store, service), catalogue.select(names), options=OPTIONS
    )


@pytest.mark.parametrize("shape", ["group", "cluster"])
def test_a_planned_failover_is_the_services_and_the_ledger_counts_what_it_cost(
    shape: str, request: pytest.FixtureRequest
) -> None:
    store: Store = request.getfixturevalue(shape)
    service = Service(store, shards=2, nodes=2) if shape == "cluster" else Service(store)
    before = store.plane.primaries(store.group_id)["0001"]
    (result,) = drill(store, service, "planned-failover")
    assert result.failures == ()
    assert service.asked == [(store.group_id, "0001")]
    assert store.plane.primaries(store.group_id)["0001"] != before
    assert result.figures is not None
    assert result.figures.acknowledged > 0
    assert result.figures.confirmed > 0
    assert result.figures.duplicates == 0
    assert result.figures.lost_confirmed == 0
    assert result.down_after_seconds is None
    assert "the clients agree" in result.agreement
    told = [what for _, what in result.events]
    assert any(before in what for what in told)


def test_answers_that_are_lost_on_the_way_store_no_turn_twice(group: Store) -> None:
    (result,) = drill(group, Service(group), "lost-replies")
    assert result.failures == ()
    assert result.figures is not None
    assert result.figures.duplicates == 0
    assert result.figures.repeated > 0


def test_a_failover_that_the_service_refuses_fails_the_drill_and_says_why(group: Store) -> None:
    service = Service(group)
    service.refusal = "APICallRateForCustomerExceeded"
    (result,) = drill(group, service, "planned-failover")
    assert any("TestFailover of group" in text for text in result.failures)
    assert any("APICallRateForCustomerExceeded" in text for text in result.failures)


def test_a_store_that_the_service_is_changing_is_left_alone(
    group: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(group)
    service.status = "modifying"
    with pytest.raises(Unhealthy, match="calls the replication group modifying"):
        run_drills(
            group.connection,
            means_of(group, service),
            catalogue.select(["planned-failover"]),
            options=Options(writers=2, health_seconds=0.1),
        )
    assert service.asked == []


@pytest.mark.parametrize("name", ["kill-primary", "freeze-primary", "sentinel-lost"])
def test_a_drill_that_hurts_processes_is_refused_before_anything_is_done(
    group: Store, name: str
) -> None:
    service = Service(group)
    with pytest.raises(Unsupported, match=f"^drill {name}: got"):
        drill(group, service, name)
    assert service.asked == []


def test_a_proxy_before_a_slot_map_is_refused(cluster: Store) -> None:
    with pytest.raises(Unsupported, match=r"^drill lost-replies: got 'cluster'"):
        drill(cluster, Service(cluster, shards=2, nodes=2), "lost-replies")


def test_a_serverless_cache_has_no_drills(serverless: Store) -> None:
    known = serverless.connection
    with pytest.raises(ConfigError, match=r"serverless.*need a replication group"):
        AwsMeans(cast(Any, None), "x", known, lambda: known)


@pytest.fixture
def command(
    group: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[ExitCode, Service]]:
    file = tmp_path / "connection.json"
    file.write_text(group.connection.to_json())

    def run(*words: str) -> tuple[ExitCode, Service]:
        service = Service(group)
        monkeypatch.setattr(api, "elasticache", lambda region: service)
        code = cli.main([*words, "--connection", str(file), "--i-know", "--writers", "2"])
        return ExitCode(code), service

    return run


PLACE = ("--replication-group", "group", "--region", REGION)


def test_the_command_drills_a_named_group_and_its_record_names_the_emulation(
    command: Callable[..., tuple[ExitCode, Service]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    file = tmp_path / "runs.jsonl"
    code, service = command("planned-failover", *PLACE, "--record", str(file), "--where", "lab")
    assert code is ExitCode.PASS
    assert service.asked == [("group", "0001")]
    (record,) = read_records(file)
    assert record.where == f"lab; {api.EMULATION}"
    assert (record.target, record.topology) == ("aws", "replication-group")
    assert json.loads(file.read_text())["down_after_seconds"] is None


def test_the_list_says_which_drills_a_target_can_be_put_through(
    command: Callable[..., tuple[ExitCode, Service]], capsys: pytest.CaptureFixture[str]
) -> None:
    code, service = command("--list", *PLACE)
    assert code is ExitCode.PASS
    assert service.asked == []
    lines = capsys.readouterr().out.splitlines()
    here = [line.split()[0] for line in lines if "not here" not in line]
    assert here == ["planned-failover", "lost-replies"]
    assert len(lines) == len(catalogue.DRILLS)


def test_without_a_name_of_the_group_the_command_asks_for_one(
    command: Callable[..., tuple[ExitCode, Service]], capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = command("planned-failover")
    assert code is ExitCode.USAGE
    assert "--replication-group: got 'nothing'" in capsys.readouterr().err


def test_nothing_is_done_to_processes_by_these_hands(group: Store) -> None:
    means = means_of(group, Service(group))
    assert means.actions() == frozenset[Action]()
    for act in (means.kill, means.freeze, means.thaw, means.start, means.empty):
        with pytest.raises(Unsupported):
            act("group-001")
