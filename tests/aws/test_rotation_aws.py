"""Passwords rotate under traffic on stores as ElastiCache has them, without a failed request.

Emulation: real Valkey on one machine behind AWS's names. Secrets Manager and the engine are played
here, so that a step takes no time; no time is claimed for AWS from it.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from holdfast.aws.secrets import SecretsManagerSource
from holdfast.client import open_executor
from holdfast.connection import Address, Connection, Topology, User
from holdfast.errors import VerificationFailed
from holdfast.options import ClientOptions
from holdfast.roles import APPLICATION_ROLES, Place, Role
from holdfast.rotation.aws_run import AwsRotation
from holdfast.rotation.run import Done, InUse
from holdfast.rotation.settings import PasswordStage, RotationSettings
from holdfast.source import StaticSource
from tests.aws.stores import REGION, Store
from tests.clients import pipeline
from tests.servers import wait_until

KEY = "agent:sess:{b01}:t:rotation"
OPTIONS = ClientOptions(deadline_seconds=40)


def arn(role: Role) -> str:
    return f"arn:aws:secretsmanager:{REGION}:123456789012:secret:{role}-AbCdEf"


class Stack:
    """A stack on AWS: what ``pulumi up`` would do at each stage, and Secrets Manager."""

    def __init__(self, store: Store, *, delivery_seconds: float = 0.6) -> None:
        self.store = store
        self.delivery = delivery_seconds
        self.now = RotationSettings.from_config({})
        self.presented = {role: texts[0] for role, texts in store.logins.passwords.items()}
        self.former: dict[Role, str] = {}
        self.written = dict.fromkeys(APPLICATION_ROLES, time.time())
        self.stages: list[PasswordStage] = []
        self.forgetful = False

    def settings(self) -> RotationSettings:
        return self.now

    def apply(self, settings: RotationSettings) -> None:
        known = self.store.logins.passwords
        for role in APPLICATION_ROLES:
            if settings.password_rotation(role) != self.now.password_rotation(role):
                known[role] = (secrets.token_hex(16), known[role][0])
            if settings.password_stage is PasswordStage.SINGLE and not self.forgetful:
                known[role] = known[role][:1]
        self.now = settings
        self.stages.append(settings.password_stage)
        self.store.set_users()
        if settings.password_stage is not PasswordStage.ACCEPT_BOTH:
            for role, texts in known.items():
                if self.presented[role] != texts[0]:
                    self.former[role], self.presented[role] = self.presented[role], texts[0]
                    self.written[role] = time.time()

    def connection(self) -> Connection:
        users = {role: User(role.value, text) for role, text in self.presented.items()}
        return replace(self.store.connection, users=users)

    def serials(self) -> Mapping[Place, int]:
        raise AssertionError("AWS has no certificates of ours")

    def told_at(self, role: Role) -> float | None:
        return self.written.get(role)

    def delivery_seconds(self) -> float:
        return self.delivery

    def accepted(self) -> Mapping[Role, int]:
        return {role: len(texts) for role, texts in self.store.logins.passwords.items()}

    def names(self) -> Sequence[Address]:
        known = self.store.connection
        given = (known.primary, known.reader, *known.seeds, *self.node_names())
        return [address for address in given if address is not None]

    def node_names(self) -> Sequence[Address]:
        if self.store.connection.topology is not Topology.REPLICATION_GROUP:
            return ()
        return self.store.nodes

    def former_password(self, role: Role) -> str | None:
        return self.former.get(role)

    def get_secret_value(self, **asked: str) -> dict[str, Any]:
        role = next(role for role in APPLICATION_ROLES if arn(role) == asked["SecretId"])
        narrow = self.store.connection.for_role(role)
        referring = replace(narrow, users={role: User(role.value, secret_arn=arn(role))})
        return {
            "SecretString": json.dumps(
                {
                    "username": role.value,
                    "password": self.presented[role],
                    "connection": json.loads(referring.to_json()),
                }
            )
        }

    def source(self, role: Role) -> SecretsManagerSource:
        return SecretsManagerSource(arn(role), look_every_seconds=0.1, client=cast(Any, self))


class Traffic:
    """Threads that read without a pause; every error is kept."""

    def __init__(self) -> None:
        self.done = 0
        self.errors: list[BaseException] = []


@contextmanager
def traffic(stack: Stack, *, stubborn: bool = False) -> Iterator[Traffic]:
    found = Traffic()
    stop = threading.Event()
    source = StaticSource(stack.connection()) if stubborn else stack.source(Role.SVC)
    executor = open_executor(source, role=Role.SVC, options=OPTIONS)

    def work() -> None:
        try:
            while not stop.is_set():
                executor.run(pipeline(KEY))
                found.done += 1
                time.sleep(0.005)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            found.errors.append(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
        executor.close()


@pytest.fixture(autouse=True)
def _short_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.rotation.run.WATCH_SECONDS", 0.3)
    monkeypatch.setattr("holdfast.rotation.aws_run.WATCH_SECONDS", 0.3)
    monkeypatch.setattr("holdfast.rotation.logins.MOVE_SECONDS", 1.0)


def rotate(stack: Stack, roles: Sequence[Role], *, force: bool = False) -> dict[str, str]:
    done: list[Done] = []
    rotation = AwsRotation(stack, stop=threading.Event(), say=done.append, force=force)
    rotation.passwords(roles)
    return {piece.step.strip(): piece.proof for piece in done}


@pytest.mark.parametrize("shape", ["group", "cluster", "serverless"])
def test_all_passwords_rotate_and_clients_follow_their_secret(
    shape: str, request: pytest.FixtureRequest
) -> None:
    stack = Stack(request.getfixturevalue(shape))
    before = dict(stack.presented)
    with traffic(stack) as found:
        proofs = rotate(stack, tuple(Role))
        done = found.done
        deadline = time.monotonic() + 30
        while found.done < done + 20 and not found.errors:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert not found.errors
    assert stack.stages == [
        PasswordStage.ACCEPT_BOTH,
        PasswordStage.PRESENT_NEW,
        PasswordStage.SINGLE,
    ]
    assert all(stack.presented[role] != before[role] for role in APPLICATION_ROLES)
    assert "the old refused" in proofs["proved at every name"]
    if shape == "serverless":
        assert "cannot be seen" in proofs["clients have moved"]
        assert "not cut" in proofs["logins by the old secret"]
    else:
        assert proofs["logins by the old secret"].endswith(" cut")


def _oldest_login(store: Store) -> int:
    """Seconds since the oldest login of svc at the primary."""
    primary = store.plane.server(store.plane.primaries(store.group_id)["0001"])
    lines = str(primary.call("CLIENT", "LIST")).splitlines()
    fields = [dict(word.partition("=")[::2] for word in line.split(" ")) for line in lines]
    return max((int(found["age"]) for found in fields if found.get("user") == "svc"), default=0)


def test_an_old_password_that_is_in_use_is_not_dropped_and_its_clients_are_named(
    group: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Servers count whole seconds: it takes some to be sure.
    monkeypatch.setattr("holdfast.rotation.run.WATCH_SECONDS", 3.0)
    stack = Stack(group)
    with traffic(stack, stubborn=True) as found:
        wait_until("logins that are beyond doubt older", lambda: _oldest_login(group) >= 3)
        with pytest.raises(InUse, match=r"as svc on group-00\d.*logged in"):
            rotate(stack, (Role.SVC,))
        assert stack.stages[-1:] == [PasswordStage.PRESENT_NEW]
        assert not found.errors
    # Once they are gone, the same command goes on and ends it.
    proofs = rotate(stack, (Role.SVC,))
    assert stack.stages[-1:] == [PasswordStage.SINGLE]
    assert "the old refused" in proofs["proved at every name"]


def test_one_role_alone_leaves_the_others_as_they_are(group: Store) -> None:
    stack = Stack(group)
    before = dict(stack.presented)
    rotate(stack, (Role.WORKER,))
    changed = {role for role in APPLICATION_ROLES if stack.presented[role] != before[role]}
    assert changed == {Role.WORKER}


def test_an_old_password_that_still_works_at_the_end_fails_the_rotation(
    group: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.rotation.aws_run.PROOF_SECONDS", 0.5)
    stack = Stack(group)
    stack.forgetful = True
    both = dict.fromkeys(APPLICATION_ROLES, 1) | {Role.MONITOR: 2}
    one = dict.fromkeys(APPLICATION_ROLES, 1)
    stack.accepted = lambda: both if 0 < len(stack.stages) < 3 else one  # type: ignore[method-assign]
    with pytest.raises(VerificationFailed, match="still accepts the old password of monitor"):
        rotate(stack, (Role.MONITOR,))
    stack.forgetful = False
    stack.apply(stack.now)


def test_a_count_that_the_service_does_not_reach_fails_the_first_step(
    group: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.rotation.aws_run.PROOF_SECONDS", 0.5)
    stack = Stack(group)
    stack.accepted = lambda: dict.fromkeys(APPLICATION_ROLES, 1)  # type: ignore[method-assign]
    with pytest.raises(VerificationFailed, match="takes 1 passwords of monitor, expected 2"):
        rotate(stack, (Role.MONITOR,))
    assert stack.stages == [PasswordStage.ACCEPT_BOTH]
    del stack.accepted
    stack.now = replace(stack.now, password_stage=PasswordStage.SINGLE)
    stack.apply(stack.now)
