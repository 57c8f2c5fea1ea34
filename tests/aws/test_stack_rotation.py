"""Passwords of a deployed store on AWS rotate while applications that know their secrets write.

Emulation: moto and real Valkey on one machine; the official plugin and AWS were not run. ModifyUser
changes real users on real servers; no time is claimed for AWS from it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from holdfast.connection import Address, Connection
from holdfast.errors import AccessDenied
from holdfast.roles import APPLICATION_ROLES, Role
from holdfast.verify.access import Access
from holdfast.verify.record import Kind
from tests.aws.application import application
from tests.aws.stack import WHERE, AwsStack
from tests.records import keep
from tests.servers import wait_until

pytestmark = pytest.mark.timeout(900)

DELIVERY: Final = ("--delivery-seconds", "3")
"""The application looks at its secrets once a second."""
_ENGINE_SECONDS: Final = 300.0


@contextmanager
def unnoticed(stack: AwsStack, name: str) -> Iterator[None]:
    """Applications write beside the block; afterwards no request has failed, no turn is lost."""
    with application(stack, Role.SVC, Role.WORKER) as seen:
        yield
    stack.forget()
    assert seen.failures == ()
    assert seen.stored == seen.turns > 100
    figures = {
        "failed": len(seen.failures),
        "lost": seen.turns - seen.stored,
        "acknowledged": seen.turns,
    }
    keep(stack.connection, Kind.ROTATION, name, figures, where=WHERE, writers=seen.writers)


def rotate(stack: AwsStack, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Run the script to its end; gives what it prints."""
    changing = () if arguments[0] == "status" else ("--yes",)
    told = stack.run("rotate", *arguments, *changing, *DELIVERY, "--json", code=code)
    return dict(json.loads(told))


def rotate_and_interrupt_it(stack: AwsStack, *arguments: str) -> None:
    """Ctrl-C while the engine works, as soon as AWS takes a second password of anybody."""
    with subprocess.Popen(
        stack.command("rotate", *arguments, "--yes", *DELIVERY),
        cwd=stack.engine.project,
        env=stack.engine.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_until(
                "AWS to take two passwords",
                lambda: 2 in passwords_taken(stack).values(),
                seconds=_ENGINE_SECONDS,
            )
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=_ENGINE_SECONDS)
        finally:
            process.kill()
    sys.stderr.write(stderr)
    assert process.returncode == 130, stderr
    assert "run it again and it goes on" in stderr


def passwords_taken(stack: AwsStack) -> dict[Role, int]:
    """How many passwords AWS takes of each role, as it says itself."""
    users = stack.client("elasticache").describe_users()["Users"]
    return {
        Role(user["UserName"]): user["Authentication"].get("PasswordCount", 0)
        for user in users
        if user["UserName"] in APPLICATION_ROLES
    }


def accepting(stack: AwsStack, connection: Connection, role: Role) -> set[Address]:
    """Which nodes take the password that a Connection has of a role."""
    access = Access(stack.from_here(connection), timeout_seconds=10)
    found = set()
    for node in stack.nodes():
        try:
            access.login(node, role).close()
        except AccessDenied as error:
            assert str(error).endswith("WRONGPASS")  # noqa: PT017 - the others are the point
        else:
            found.add(node)
    return found


@contextmanager
def holdout(stack: AwsStack, role: Role) -> Iterator[str]:
    """A client that stays on its login at a node and goes on using it; gives its port."""
    stop = threading.Event()
    access = Access(stack.from_here(stack.connection), timeout_seconds=10)
    with access.login(stack.nodes()[0], role) as link:

        def use() -> None:
            while not stop.wait(0.2):
                link.call("PING")

        thread = threading.Thread(target=use)
        thread.start()
        try:
            yield f":{link.local_port} as {role} on"
        finally:
            stop.set()
            thread.join(30)


def test_from_outside_the_network_nothing_is_deployed(staging: AwsStack) -> None:
    before, taken = staging.engine.run("config", "--json").stdout, passwords_taken(staging)
    with staging.outside():
        refused = rotate(staging, "passwords", code=2)
    assert refused["steps"] == []
    assert str(staging.nodes()[0]) in refused["error"]
    assert "nothing was changed; run this on a host in a network" in refused["error"]
    assert staging.engine.run("config", "--json").stdout == before
    assert passwords_taken(staging) == taken


def test_all_passwords_rotate_unnoticed_although_interrupted_and_held_up(
    staging: AwsStack,
) -> None:
    before, nodes = staging.connection, set(staging.nodes())
    with unnoticed(staging, "passwords"):
        with holdout(staging, Role.MONITOR) as held:
            rotate_and_interrupt_it(staging, "passwords")
            (unfinished,) = rotate(staging, "status")["unfinished"]
            assert unfinished.endswith("at stage accept-both")
            refused = rotate(staging, "passwords", code=1)
            assert held in refused["error"]
            # Refused before anything was dropped: whoever has not moved can still come in.
            assert accepting(staging, before, Role.MONITOR) == nodes
        # Another process than the one that knew the old passwords: Secrets Manager has them still.
        proofs = [step["details"] for step in rotate(staging, "passwords")["steps"]]
    assert sum(proof.endswith("the old refused") for proof in proofs) == 1
    after = staging.connection
    assert set(after.users) == set(APPLICATION_ROLES)
    for role in APPLICATION_ROLES:
        assert accepting(staging, before, role) == set(), role
        assert accepting(staging, after, role) == nodes, role
    assert passwords_taken(staging) == dict.fromkeys(APPLICATION_ROLES, 1)
    assert rotate(staging, "status")["unfinished"] == []
    assert staging.secrets_in_plain() == []


@pytest.mark.whole
def test_the_password_of_one_role_rotates_unnoticed_and_no_others(staging: AwsStack) -> None:
    before = staging.connection
    with unnoticed(staging, "some passwords"):
        rotate(staging, "passwords", "--role", "svc")
    after, nodes = staging.connection, set(staging.nodes())
    assert accepting(staging, before, Role.SVC) == set()
    assert accepting(staging, after, Role.SVC) == nodes
    changed = {role for role in after.users if after.users[role] != before.users[role]}
    assert changed == {Role.SVC}


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("passwords", "--role", "replica"), "AWS runs the servers: it keeps their own logins"),
        (("certificates",), "AWS issues and renews the certificates of its servers by itself"),
        (("ca",), "AWS issues and renews the certificates of its servers by itself"),
    ],
)
def test_what_aws_keeps_itself_is_refused_and_nothing_is_changed(
    staging: AwsStack, arguments: tuple[str, ...], rule: str
) -> None:
    before = staging.engine.run("config", "--json").stdout
    assert rule in rotate(staging, *arguments, code=2)["error"]
    assert staging.engine.run("config", "--json").stdout == before
