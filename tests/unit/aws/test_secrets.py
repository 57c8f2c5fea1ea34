"""Connections that lie in Secrets Manager: answered at once, looked at again, kept in an outage."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

import holdfast
from holdfast.aws import api
from holdfast.aws.secret_value import parse_value, region_of
from holdfast.aws.secrets import ReferenceSource, SecretsManagerSource
from holdfast.connection import Address, Connection, Tls, Topology, User
from holdfast.errors import ConfigError, StoreUnavailable
from holdfast.roles import Role
from holdfast.source import EnvironmentSource, StaticSource, as_source, is_remote, with_logins
from holdfast.verify.target import resolve

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:store-prod-svc-AbCdEf"
PASSWORD = "OldOldOldOldOldOldOldOldOldOld00"
NEXT = "NewNewNewNewNewNewNewNewNewNew11"

NARROW = Connection(
    target="aws",
    topology=Topology.REPLICATION_GROUP,
    engine="valkey",
    engine_version="9.1",
    app="agent",
    users={Role.SVC: User("svc", secret_arn=ARN)},
    tls=Tls(),
    primary=Address("master.store-prod.abc123.euw1.cache.amazonaws.com", 6379),
)


def value(password: str | None = PASSWORD, narrow: Connection | None = NARROW) -> str:
    document: dict[str, Any] = {"username": "svc", "user_arn": "arn", "host": "h", "port": 6379}
    if password is not None:
        document["password"] = password
    if narrow is not None:
        document["connection"] = json.loads(narrow.to_json())
    return json.dumps(document)


class Service:
    """Secrets Manager, as far as it is asked here."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.calls: list[tuple[str, str]] = []
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def get_secret_value(self, **asked: str) -> dict[str, Any]:
        self.calls.append((asked["SecretId"], asked["VersionStage"]))
        assert self.gate.wait(30)
        if self.error is not None:
            raise self.error
        return {"SecretString": self.text}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    made = Service(value())
    asked: list[str] = []

    def client(region: str) -> Service:
        asked.append(region)
        assert region == "eu-west-1"
        return made

    monkeypatch.setattr(api, "secrets_manager", client)
    return made


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def password_of(connection: Connection) -> str | None:
    return connection.users[connection.sole_role].password


def test_the_current_version_is_asked_for_by_its_name_and_its_password_put_in(
    service: Service,
) -> None:
    source = SecretsManagerSource(ARN)
    assert service.calls == [(ARN, "AWSCURRENT")]
    assert source.current() == replace(NARROW, users={Role.SVC: User("svc", PASSWORD)})
    assert source.current() is source.current()
    assert PASSWORD not in repr(source)


def test_a_password_that_another_tool_rotated_alone_is_taken(service: Service) -> None:
    document = json.loads(value())
    document["password"] = NEXT
    service.text = json.dumps(document)
    assert password_of(SecretsManagerSource(ARN).current()) == NEXT


def test_a_role_that_logs_in_by_iam_has_no_password(service: Service) -> None:
    iam = replace(NARROW, users={Role.SVC: User("store-svc", iam=True)})
    service.text = value(None, iam)
    assert SecretsManagerSource(ARN).current() == iam


def test_a_look_that_is_due_does_not_hold_up_who_asks(service: Service) -> None:
    clock = Clock()
    source = SecretsManagerSource(ARN, look_every_seconds=60, clock=clock)
    before = source.current()
    clock.now += 59
    assert source.current() is before
    assert len(service.calls) == 1
    service.text = value(NEXT)
    service.gate.clear()
    clock.now += 2
    for _ in range(50):
        assert source.current() is before
    until(lambda: len(service.calls) == 2)
    service.gate.set()
    until(lambda: password_of(source.current()) == NEXT)
    assert len(service.calls) == 2


def test_a_look_that_shows_nothing_new_leaves_the_same_object(service: Service) -> None:
    source = SecretsManagerSource(ARN)
    before = source.current()
    assert not source.refresh()
    assert source.current() is before


def test_a_refresh_reads_at_once_and_says_whether_it_helped(service: Service) -> None:
    source = SecretsManagerSource(ARN)
    service.text = value(NEXT)
    assert source.refresh()
    assert password_of(source.current()) == NEXT
    assert not source.refresh()


class CountedLock:
    """A lock that tells how many have come to it."""

    def __init__(self) -> None:
        self.came: list[int] = []
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self.came.append(threading.get_ident())
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_many_who_refresh_at_once_share_one_answer(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = SecretsManagerSource(ARN)
    lock = CountedLock()
    monkeypatch.setattr(source._secret, "_reading", lock)
    service.gate.clear()
    service.text = value(NEXT)
    found: list[bool] = []
    threads = [
        threading.Thread(target=lambda: found.append(source.refresh()), daemon=True)
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    until(lambda: len(lock.came) == 8)
    service.gate.set()
    for thread in threads:
        thread.join(30)
    assert found == [True] * 8
    # The one at the beginning, and one for all.
    assert len(service.calls) == 2


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "Get"),
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Get"),
        EndpointConnectionError(endpoint_url="https://x"),
    ],
)
def test_the_last_connection_is_kept_while_the_service_fails_and_no_secret_is_logged(
    service: Service, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    source = SecretsManagerSource(ARN)
    service.error = error
    with caplog.at_level(logging.DEBUG):
        assert not source.refresh()
    assert password_of(source.current()) == PASSWORD
    assert "kept the last Connection" in caplog.text
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize(
    "text",
    ["", "no json " + NEXT, "[]", json.dumps({"password": NEXT}), value(NEXT, None)],
)
def test_a_value_that_holds_no_connection_is_refused_and_not_shown(
    service: Service, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = SecretsManagerSource(ARN)
    service.text = text
    with caplog.at_level(logging.DEBUG):
        assert not source.refresh()
    assert password_of(source.current()) == PASSWORD
    assert NEXT not in caplog.text
    with pytest.raises(ConfigError, match=r"^secret: got .*need ") as caught:
        SecretsManagerSource(ARN)
    assert NEXT not in str(caught.value)


def test_the_first_reading_has_to_succeed(service: Service) -> None:
    service.error = ClientError(
        {"Error": {"Code": "ResourceNotFoundException", "Message": "no such secret"}}, "Get"
    )
    with pytest.raises(ConfigError, match="AWS says ResourceNotFoundException"):
        SecretsManagerSource(ARN)
    service.error = NoCredentialsError()
    with pytest.raises(ConfigError, match="AWS credentials"):
        SecretsManagerSource(ARN)
    service.error = EndpointConnectionError(endpoint_url="https://x")
    with pytest.raises(StoreUnavailable, match="gave no answer"):
        SecretsManagerSource(ARN)


@pytest.mark.parametrize("arn", ["arn:aws:secretsmanager:eu-west-1", "arn:aws:s3:::bucket", "x"])
def test_what_is_no_arn_of_a_secret_is_refused(arn: str) -> None:
    with pytest.raises(ConfigError, match=r"need an ARN such as"):
        SecretsManagerSource(arn)


def test_a_store_opens_by_the_arn_and_by_the_variable_that_holds_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(as_source(ARN), SecretsManagerSource)
    with holdfast.connect(ARN, tenant="acme") as store:
        assert store is not None
    monkeypatch.setenv("HOLDFAST_CONNECTION", f" {ARN}\n")
    source = EnvironmentSource()
    assert is_remote(source)
    assert password_of(source.current()) == PASSWORD
    assert password_of(resolve(stack=None, file=None)) == PASSWORD
    assert password_of(resolve(stack=None, file=ARN)) == PASSWORD


def test_a_reference_in_a_connection_is_followed_for_the_role_that_is_used(
    service: Service,
) -> None:
    full = replace(
        NARROW,
        users={**NARROW.users, Role.ADMIN: User("admin", secret_arn=ARN.replace("svc", "admin"))},
    )
    source = with_logins(StaticSource(full), Role.SVC)
    assert isinstance(source, ReferenceSource)
    assert source.current().users[Role.SVC] == User("svc", PASSWORD)
    assert service.calls == [(ARN, "AWSCURRENT")]
    service.text = value(NEXT)
    assert source.refresh()
    assert source.current().users[Role.SVC] == User("svc", NEXT)
    assert source.current() is source.current()


def test_a_source_of_passwords_stays_as_it_is(service: Service) -> None:
    plain = StaticSource(replace(NARROW, users={Role.SVC: User("svc", PASSWORD)}))
    assert with_logins(plain, None) is plain
    assert not is_remote(plain)
    assert service.calls == []


def test_a_reference_follows_its_own_source_too(service: Service) -> None:
    class Changing:
        def __init__(self) -> None:
            self.connection = NARROW

        def current(self) -> Connection:
            return self.connection

        def refresh(self) -> bool:
            return False

    inner = Changing()
    source = ReferenceSource(inner, None)
    inner.connection = replace(NARROW, engine_version="9.2")
    assert source.current().engine_version == "9.2"
    assert password_of(source.current()) == PASSWORD
    inner.connection = replace(NARROW, users={Role.SVC: User("svc", NEXT)})
    assert password_of(source.current()) == NEXT


def test_values_are_read_field_by_field() -> None:
    found = parse_value(ARN, value())
    assert (found.username, found.password) == ("svc", PASSWORD)
    assert PASSWORD not in repr(found)
    assert region_of(ARN) == "eu-west-1"
