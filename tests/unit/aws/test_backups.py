"""Snapshots by hand: taken, waited for, listed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.stub import Stubber

from holdfast.aws import backups as module
from holdfast.aws.backups import Backup, Backups, Store, check_name, default_name
from holdfast.errors import ConfigError, StoreUnavailable, VerificationFailed
from scripts import backup as command

if TYPE_CHECKING:
    from mypy_boto3_elasticache import ElastiCacheClient

GROUP = Store("chat-prod", "eu-central-1")
SERVERLESS = Store("chat-prod", "eu-central-1", serverless=True)
WHEN = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
ARN = "arn:aws:elasticache:eu-central-1:123456789012:serverlesssnapshot:before-the-end"


def client_of(stub: Stubber) -> ElastiCacheClient:
    return cast("ElastiCacheClient", stub.client)


@pytest.fixture
def stub() -> Iterator[Stubber]:
    client = boto3.client(
        "elasticache", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def group_snapshot(name: str, status: str, *, created: datetime | None = WHEN) -> dict[str, Any]:
    node = {} if created is None else {"SnapshotCreateTime": created}
    return {
        "SnapshotName": name,
        "SnapshotStatus": status,
        "SnapshotSource": "manual",
        "NodeSnapshots": [node],
    }


def expect_create(stub: Stubber) -> None:
    stub.add_response(
        "create_snapshot",
        {},
        {"SnapshotName": "before-the-end", "ReplicationGroupId": "chat-prod"},
    )


def expect_described(stub: Stubber, *found: dict[str, Any]) -> None:
    stub.add_response(
        "describe_snapshots", {"Snapshots": list(found)}, {"ReplicationGroupId": "chat-prod"}
    )


def take(stub: Stubber, store: Store = GROUP, **more: Any) -> Backup:  # noqa: ANN401 - passed on
    return Backups(store, client_of(stub)).take("before-the-end", poll_seconds=0.001, **more)


def test_a_snapshot_is_taken_and_waited_for(stub: Stubber) -> None:
    expect_create(stub)
    expect_described(stub)
    expect_described(stub, group_snapshot("before-the-end", "creating", created=None))
    expect_described(
        stub,
        group_snapshot("another", "available"),
        group_snapshot("before-the-end", "available"),
    )
    seen: list[str] = []
    taken = take(stub, watch=lambda status, _: seen.append(status))
    assert taken == Backup("before-the-end", "available", "manual", "2026-11-25T03:00:00Z")
    assert seen == ["not there yet", "creating"]


def test_a_serverless_store_is_restored_by_the_arn_of_its_snapshot(stub: Stubber) -> None:
    stub.add_response(
        "create_serverless_cache_snapshot",
        {},
        {"ServerlessCacheSnapshotName": "before-the-end", "ServerlessCacheName": "chat-prod"},
    )
    entry = {"ARN": ARN, "Status": "available", "SnapshotType": "manual", "CreateTime": WHEN}
    stub.add_response(
        "describe_serverless_cache_snapshots",
        {"ServerlessCacheSnapshots": [entry]},
        {"ServerlessCacheName": "chat-prod"},
    )
    assert take(stub, SERVERLESS) == Backup(ARN, "available", "manual", "2026-11-25T03:00:00Z")


def test_a_snapshot_that_failed_is_told(stub: Stubber) -> None:
    expect_create(stub)
    expect_described(stub, group_snapshot("before-the-end", "failed"))
    with pytest.raises(VerificationFailed, match="before-the-end failed"):
        take(stub)


def test_waiting_ends_with_the_time_and_with_the_person(stub: Stubber) -> None:
    for more in ({"timeout_seconds": 0.0}, {"stop": threading.Event()}):
        expect_create(stub)
        expect_described(stub, group_snapshot("before-the-end", "creating"))
        if isinstance(stop := more.get("stop"), threading.Event):
            stop.set()
        with pytest.raises(StoreUnavailable, match="AWS goes on with it"):
            take(stub, **more)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("SnapshotAlreadyExistsFault", ConfigError),
        ("InvalidReplicationGroupState", ConfigError),
        ("AccessDenied", ConfigError),
        ("ThrottlingException", StoreUnavailable),
    ],
)
def test_what_aws_refuses_is_told_by_its_kind(
    stub: Stubber, code: str, kind: type[Exception]
) -> None:
    stub.add_client_error("create_snapshot", code, "no")
    with pytest.raises(kind, match=code):
        take(stub)


def test_snapshots_are_listed_newest_first(stub: Stubber) -> None:
    expect_described(
        stub,
        group_snapshot("older", "available", created=datetime(2026, 11, 24, tzinfo=UTC)),
        group_snapshot("newer", "available"),
    )
    assert [backup.name for backup in Backups(GROUP, client_of(stub)).all()] == ["newer", "older"]


@pytest.mark.parametrize("name", ["Upper", "two--hyphens", "end-", "1st", "", "a" * 256])
def test_a_name_that_aws_would_change_or_refuse_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="--name"):
        check_name(name)


def test_the_default_name_has_the_store_and_the_time() -> None:
    assert check_name(default_name("chat-prod", WHEN)) == "chat-prod-20261125-030000"


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({"region": "eu-central-1", "replication_group_id": "chat-prod"}, GROUP),
        ({"region": "eu-central-1", "serverless_cache_name": "chat-prod"}, SERVERLESS),
    ],
)
def test_the_store_of_a_stack_is_found_in_its_outputs(
    resources: dict[str, str], expected: Store
) -> None:
    assert Store.of_outputs("chat", {"target": "aws", "resources": resources}) == expected


def test_a_stack_of_another_target_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = {"target": "local", "resources": {}}
    monkeypatch.setattr(command, "plain_outputs", lambda _: outputs)
    assert command.main(["take", "--stack", "local"]) == 2
    assert "target local" in capsys.readouterr().err


class Fake:
    """Takes the place of Backups."""

    def __init__(self, store: Store) -> None:
        assert store == GROUP

    def take(self, name: str | None, **_: object) -> Backup:
        return Backup(name or "minted", "available", "manual", "2026-11-25T03:00:00Z")

    def all(self) -> list[Backup]:
        return [self.take("one")]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["take"], "minted\n"),
        (["take", "--name", "mine"], "mine\n"),
        (["list"], "one\tavailable\tmanual\t2026-11-25T03:00:00Z\n"),
    ],
)
def test_the_command_prints_what_the_setting_takes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    shown: str,
) -> None:
    resources = {"region": "eu-central-1", "replication_group_id": "chat-prod"}
    monkeypatch.setattr(command, "plain_outputs", lambda _: {"resources": resources})
    monkeypatch.setattr(module, "Backups", Fake)
    assert command.main([*arguments, "--stack", "chat-prod"]) == 0
    assert capsys.readouterr().out == shown
    assert command.main([*arguments, "--stack", "chat-prod", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document[0] if isinstance(document, list) else document)["status"] == "available"
