"""How passwords of a store in ElastiCache are rotated: what is asked, refused and remembered."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from holdfast.aws import api
from holdfast.connection import Address, Connection, Topology, User
from holdfast.errors import AccessDenied, ConfigError, StoreUnavailable
from holdfast.roles import APPLICATION_ROLES, Role
from holdfast.rotation import aws_run
from holdfast.rotation.aws_run import AwsRotation, check_request, look
from holdfast.rotation.aws_stack import DELIVERY_SECONDS, AwsStack
from holdfast.rotation.cli import main
from holdfast.rotation.pulumi_stack import PulumiStack
from holdfast.rotation.settings import PasswordStage, RotationSettings
from holdfast.verify.access import Access
from holdfast.verify.probe import Link
from holdfast.verify.result import ExitCode
from tests.unit.verify.fakes import connection

WRITTEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SETTINGS = RotationSettings.from_config({})


def store(prefix: str = "old", topology: Topology = Topology.REPLICATION_GROUP) -> Connection:
    host = "master.store.abc123.euc1.cache.amazonaws.com"
    return replace(
        connection(),
        target="aws",
        topology=topology,
        sentinels=(),
        sentinel_service=None,
        users={role: User(role.value, f"{prefix}-{role}") for role in APPLICATION_ROLES},
        primary=Address(host, 6379),
        reader=Address(host.replace("master", "replica"), 6379),
        seeds=(Address(host.replace("master", "clustercfg"), 6379),)
        if topology is Topology.CLUSTER
        else (),
    )


def arn(role: str) -> str:
    return f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{role}-AbCdEf"


class Secrets:
    def __init__(self) -> None:
        self.versions: dict[tuple[str, str], str] = {}

    def get_secret_value(self, **asked: str) -> dict[str, Any]:
        key = (asked["SecretId"], asked["VersionStage"])
        if key not in self.versions:
            raise ClientError(
                {"Error": {"Code": "ResourceNotFoundException", "Message": "no version"}},
                "GetSecretValue",
            )
        return {"SecretString": self.versions[key], "CreatedDate": WRITTEN}

    def put(self, role: str, stage: str, password: str) -> None:
        self.versions[arn(role), stage] = f'{{"username": "{role}", "password": "{password}"}}'


class ElastiCache:
    def __init__(self) -> None:
        self.users = [
            {
                "UserId": f"id-{role}",
                "UserName": role.value,
                "Status": "active",
                "Authentication": {"Type": "password", "PasswordCount": 1},
            }
            for role in APPLICATION_ROLES
        ]
        self.asked: list[str] = []

    def describe_user_groups(self, **asked: str) -> dict[str, Any]:
        self.asked.append(asked["UserGroupId"])
        ids = [str(user["UserId"]) for user in self.users if user["UserId"] != "id-stranger"]
        return {"UserGroups": [{"UserIds": ids}]}

    def get_paginator(self, operation: str) -> ElastiCache:
        assert operation == "describe_users"
        return self

    def paginate(self) -> list[dict[str, Any]]:
        return [{"Users": self.users[:2]}, {"Users": self.users[2:]}]

    def describe_replication_groups(self, **asked: str) -> dict[str, Any]:
        members = [
            {
                "CacheClusterId": f"store-00{n}",
                "CurrentRole": "primary" if n == 1 else "replica",
                "ReadEndpoint": {"Address": f"store-00{n}.store.example", "Port": 6379},
            }
            for n in (1, 2)
        ]
        group = {
            "Status": "available",
            "AutomaticFailover": "enabled",
            "NodeGroups": [{"NodeGroupId": "0001", "NodeGroupMembers": members}],
        }
        return {"ReplicationGroups": [group]}


class Deployment:
    """What the engine would do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.connection = store()
        self.next: Connection | None = None
        self.deployed: list[RotationSettings] = []
        self.secrets, self.elasticache = Secrets(), ElastiCache()
        self.regions: list[str] = []
        monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
        monkeypatch.setattr(PulumiStack, "apply", self._apply)
        monkeypatch.setattr(PulumiStack, "connection", lambda _: self.connection)
        monkeypatch.setattr(PulumiStack, "settings", lambda _: SETTINGS)
        known: dict[str, object] = {
            "connection_secrets": {role.value: arn(role) for role in APPLICATION_ROLES},
            "resources": {
                "region": "eu-central-1",
                "user_group_id": "store-users",
                "replication_group_id": "store",
            },
        }
        monkeypatch.setattr(PulumiStack, "_output", lambda _, name: known[name])
        monkeypatch.setattr(api, "secrets_manager", self._secrets_manager)
        monkeypatch.setattr(api, "elasticache", self._elasticache)

    def stack(self, **more: float) -> AwsStack:
        return AwsStack(
            "prod", stop=threading.Event(), seconds_left=lambda: 1.0, tick=lambda: None, **more
        )

    def _secrets_manager(self, region: str) -> Secrets:
        assert region == "eu-central-1"
        return self.secrets

    def _elasticache(self, region: str) -> ElastiCache:
        assert region == "eu-central-1"
        return self.elasticache

    def _apply(self, settings: RotationSettings) -> None:
        self.deployed.append(settings)
        if self.next is not None:
            self.connection = self.next


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    return Deployment(monkeypatch)


def test_clients_are_told_when_their_secret_was_written(deployment: Deployment) -> None:
    deployment.secrets.put("svc", "AWSCURRENT", "old")
    assert deployment.stack().told_at(Role.SVC) == WRITTEN.timestamp()
    assert deployment.stack().told_at(Role.REPLICA) is None


def test_delivery_takes_what_clients_take_to_look_unless_somebody_knows_better(
    deployment: Deployment,
) -> None:
    assert deployment.stack().delivery_seconds() == DELIVERY_SECONDS > 60
    assert deployment.stack(delivery_seconds=5.0).delivery_seconds() == 5.0


def test_the_service_says_how_many_passwords_it_takes_of_the_stores_own_users(
    deployment: Deployment,
) -> None:
    deployment.elasticache.users[0]["Authentication"] = {"PasswordCount": 2}
    deployment.elasticache.users[1]["Authentication"] = {"Type": "iam"}
    deployment.elasticache.users.append(
        {"UserId": "id-stranger", "UserName": "svc", "Authentication": {"PasswordCount": 9}}
    )
    accepted = deployment.stack().accepted()
    roles = list(APPLICATION_ROLES)
    assert accepted == {roles[0]: 2, roles[1]: 0, **dict.fromkeys(roles[2:], 1)}
    assert deployment.elasticache.asked == ["store-users"]


def test_a_user_that_is_being_changed_does_not_count(deployment: Deployment) -> None:
    deployment.elasticache.users[0]["Status"] = "modifying"
    assert deployment.stack().accepted()[next(iter(APPLICATION_ROLES))] == 0


def test_a_login_that_the_service_does_not_know_is_an_error(deployment: Deployment) -> None:
    deployment.elasticache.users.pop()
    with pytest.raises(ConfigError, match=r"^users\..* need a user of the group"):
        deployment.stack().accepted()


def test_every_name_that_leads_to_a_node_is_known(deployment: Deployment) -> None:
    stack = deployment.stack()
    nodes = [Address(f"store-00{n}.store.example", 6379) for n in (1, 2)]
    assert list(stack.node_names()) == nodes
    primary, reader = deployment.connection.primary, deployment.connection.reader
    assert list(stack.names()) == [primary, reader, *nodes]
    deployment.connection = replace(store(topology=Topology.CLUSTER), primary=None, reader=None)
    assert list(stack.names()) == list(deployment.connection.seeds)


def test_the_former_password_is_what_the_connection_had_before_the_deployment(
    deployment: Deployment,
) -> None:
    stack = deployment.stack()
    deployment.secrets.put("svc", "AWSCURRENT", "unused")
    deployment.next = store("new")
    stack.apply(SETTINGS)
    assert stack.connection().users[Role.SVC].password == "new-svc"
    assert stack.former_password(Role.SVC) == "old-svc"


def test_a_run_that_goes_on_finds_the_former_password_among_the_versions_of_the_secret(
    deployment: Deployment,
) -> None:
    deployment.connection = store("new")
    deployment.secrets.put("svc", "AWSCURRENT", "new-svc")
    assert deployment.stack().former_password(Role.SVC) is None
    deployment.secrets.put("svc", "AWSPREVIOUS", "old-svc")
    assert deployment.stack().former_password(Role.SVC) == "old-svc"


@pytest.mark.parametrize("kind", ["certificates", "ca"])
def test_what_aws_keeps_itself_is_refused(kind: str) -> None:
    with pytest.raises(ConfigError, match=rf"^command: got '{kind}', need passwords; AWS issues"):
        check_request(kind, tuple(Role), store())


@pytest.mark.parametrize("role", [r for r in Role if r not in APPLICATION_ROLES])
def test_a_role_of_the_servers_is_refused(role: Role) -> None:
    with pytest.raises(ConfigError, match=rf"^--role: got '{role}'.*AWS runs the servers"):
        check_request("passwords", (role,), store())


def test_a_role_that_logs_in_by_iam_is_refused_by_name_and_left_out_of_all() -> None:
    known = store()
    users = {**known.users, Role.SVC: User("store-svc", iam=True)}
    mixed = replace(known, users=users)
    with pytest.raises(ConfigError, match=r"^--role: got 'svc'.*logs in by IAM"):
        check_request("passwords", (Role.SVC,), mixed)
    assert check_request("passwords", tuple(Role), mixed) == set(APPLICATION_ROLES) - {Role.SVC}
    assert check_request("passwords", (Role.ADMIN,), mixed) == {Role.ADMIN}


@pytest.mark.parametrize("kind", ["certificates", "ca"])
def test_a_rotation_of_them_changes_nothing(deployment: Deployment, kind: str) -> None:
    said: list[Any] = []
    rotation = AwsRotation(deployment.stack(), stop=threading.Event(), say=said.append)
    with pytest.raises(ConfigError, match="AWS issues"):
        getattr(rotation, kind)()
    assert said == []


class Door:
    """Stands in for a login: which names answer, and how."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.silent: set[str] = set()
        self.refusing: set[str] = set()
        self.tried: list[str] = []
        monkeypatch.setattr(Access, "login", self._login)

    def _login(self, address: Address, role: Role) -> Link:
        assert role is Role.ADMIN
        self.tried.append(str(address))
        if str(address) in self.silent:
            raise StoreUnavailable(f"{address}: nothing answers")
        if str(address) in self.refusing:
            raise AccessDenied(f"{address} refuses the login of {role}: WRONGPASS")
        ours, theirs = socket.socketpair()
        theirs.close()
        return Link(address, cast("ssl.SSLSocket", ours))


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    return Door(monkeypatch)


def test_where_no_name_answers_the_rotation_is_refused_and_nothing_is_deployed(
    deployment: Deployment, door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [str(name) for name in deployment.stack().names()]
    door.silent = set(names)
    assert main(["passwords", "--stack", "prod", "--yes"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert all(f"{name}: nothing answers" in said for name in names)
    assert "nothing was changed; run this on a host in a network that is peered" in said
    assert door.tried == names
    assert deployment.deployed == []


def test_where_some_names_stay_silent_nothing_is_deployed_and_they_are_named(
    deployment: Deployment,
    door: Door,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(aws_run, "PROOF_SECONDS", 0.0)
    silent = str(deployment.stack().node_names()[1])
    door.silent = {silent}
    assert main(["passwords", "--stack", "prod", "--yes"]) == ExitCode.NO_CONNECTION
    said = capsys.readouterr().err
    assert "1 of 4 names do not answer" in said
    assert f"{silent}: nothing answers" in said
    assert deployment.deployed == []


def test_a_name_that_refuses_the_login_answers_and_the_first_step_is_deployed(
    deployment: Deployment, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws_run, "PROOF_SECONDS", 0.0)
    door.refusing = {str(name) for name in deployment.stack().names()}
    main(["passwords", "--stack", "prod", "--yes"])
    assert [settings.password_stage for settings in deployment.deployed] == [
        PasswordStage.ACCEPT_BOTH
    ]


def test_the_status_shows_what_the_service_counts(deployment: Deployment) -> None:
    assert look(deployment.stack()).unfinished == ()
    deployment.elasticache.users[0]["Authentication"] = {"PasswordCount": 2}
    status = look(deployment.stack())
    first = next(iter(APPLICATION_ROLES))
    assert status.accepted[first.value] == {"ElastiCache": 2}
    assert status.unfinished == (f"passwords ({first}) at stage {PasswordStage.SINGLE}",)


@pytest.mark.parametrize("words", [["ca"], ["certificates"], ["passwords", "--role", "sentinel"]])
def test_the_command_refuses_what_aws_keeps_before_it_asks_or_changes_anything(
    words: list[str], deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    # Without --yes: nobody can be asked here, which would be another error.
    assert main([*words, "--stack", "prod"]) == ExitCode.USAGE
    assert "AWS" in capsys.readouterr().err


def test_the_command_shows_the_status_of_a_store_on_aws(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--stack", "prod"]) == ExitCode.PASS
    out = capsys.readouterr().out
    assert "passwords of svc               ElastiCache: 1" in out
    assert "the system's" in out
    assert "unfinished                     nothing" in out


def test_without_the_sdk_the_command_says_what_to_install(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "holdfast.rotation.aws_stack", None)
    assert main(["status", "--stack", "prod"]) == ExitCode.USAGE
    assert "install Holdfast with the extra aws" in capsys.readouterr().err
