"""A server that runs already, behind the target existing: the real engine, the real checks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from holdfast.connection import Capability, Connection
from holdfast.roles import APPLICATION_ROLES, Role
from holdfast.verify.catalogue import CHECKS
from holdfast.verify.result import CheckResult, Outcome
from holdfast.verify.runner import verify
from tests.engine import Engine
from tests.servers import APP, Servers

pytestmark = pytest.mark.timeout(300)


def describe(
    engine: Engine, servers: Servers, passwords: Mapping[str, str], **lists: Sequence[str]
) -> None:
    """Tell a stack of a server."""
    known = servers.connection
    (engine.project / "ca.pem").write_text(known.tls.ca)
    told = {
        "target": "existing",
        "endpoint": str(known.primary),
        "engine": known.engine,
        "engineVersion": known.engine_version,
        "app": APP,
        "caFile": "ca.pem",
    }
    for key, value in told.items():
        engine.set_config(key, value)
    for key, values in lists.items():
        for place, value in enumerate(values):
            engine.run("config", "set", "--plaintext", "--path", f"{key}[{place}]", value)
    engine.set_config("passwords", json.dumps(passwords), secret=True)


def by_outcome(connection: Connection) -> dict[Outcome, list[CheckResult]]:
    report = verify(connection, CHECKS)
    return {
        outcome: [result for result in report.checks if result.outcome is outcome]
        for outcome in Outcome
    }


def test_a_server_that_is_told_of_is_proven_and_its_passwords_stay_secret(
    standalone_server: Servers, tmp_path: Path
) -> None:
    engine = Engine.of_checkout(tmp_path)
    users = standalone_server.connection.users
    passwords = {role.value: users[role].password or "" for role in APPLICATION_ROLES}
    assert all(passwords.values())
    describe(engine, standalone_server, passwords, capabilities=sorted(Capability))
    engine.preview()
    engine.up()
    engine.up_unchanged()

    outputs = engine.outputs()
    assert outputs["roles"] == [role.value for role in APPLICATION_ROLES]
    connection = Connection.from_json(outputs["connection"])
    found = by_outcome(connection)
    assert not found[Outcome.FAIL], [(r.check, r.error) for r in found[Outcome.FAIL]]
    skipped = {result.check for result in found[Outcome.NOT_CHECKED]}
    assert not any("its work" in check or "default" in check for check in skipped if "svc" in check)
    narrow = Connection.from_json(outputs["connections"]["svc"])
    assert narrow.sole_role is Role.SVC

    plain = engine.run("stack", "output", "--json").stdout
    written = [path.read_text(errors="replace") for path in engine.state.rglob("*.json*")]
    stack_file = (engine.project / "config" / "Pulumi.test.yaml").read_text()
    assert written
    for password in passwords.values():
        for text in (plain, stack_file, *written):
            assert password not in text

    engine.destroy()
    with_admin = connection.for_role(Role.ADMIN)
    assert not by_outcome(with_admin)[Outcome.FAIL], "the server outlives the stack"


def test_what_a_service_with_one_login_cannot_show_is_listed_as_not_checked(
    standalone_server: Servers, tmp_path: Path
) -> None:
    engine = Engine.of_checkout(tmp_path)
    password = standalone_server.connection.users[Role.ADMIN].password or ""
    logins = [f"{role}=admin" for role in (Role.SVC, Role.MONITOR)]
    describe(engine, standalone_server, {"*": password}, users=logins)
    engine.up()
    found = by_outcome(Connection.from_json(engine.outputs()["connection"]))
    assert not found[Outcome.FAIL], [(r.check, r.error) for r in found[Outcome.FAIL]]
    reasons = {result.check: result.details for result in found[Outcome.NOT_CHECKED]}
    assert "log in alike" in reasons["svc can do its work and nothing else"]
    assert "log in alike" in reasons["monitor can do its work and nothing else"]
    assert "in its own way" in reasons["the append-only file is on and written"]
    assert "the ACL log holds exactly these denials" in reasons
    engine.destroy()
