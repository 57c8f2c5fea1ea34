"""The preview guard on plans of today's engine, and against a store that holds something."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from holdfast.connection import Topology
from holdfast.roles import Role
from holdfast.verify.plan import parse_plan
from holdfast.verify.plan_guard import judge
from holdfast.verify.plan_rules import Harm
from holdfast.verify.result import ExitCode
from holdfast.verify.stored import fullest_used_bytes
from scripts.preview_guard import main
from tests.local.stack import LocalStack
from tests.servers import Install, Servers

pytestmark = pytest.mark.timeout(300)

PLANS = Path(__file__).resolve().parents[1] / "unit" / "verify" / "plans"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A plan that lowers maxmemory below what any server uses."""
    recorded = (PLANS / "maxmemory-lowered.json").read_text()
    lowered = tmp_path / "plan.json"
    lowered.write_text(recorded.replace(f'"{128 * 1024**2}"', '"1000"'))
    return lowered


def connection_file(servers: Servers, folder: Path, role: Role) -> str:
    file = folder / "connection.json"
    file.touch(mode=0o600)
    file.write_text(servers.connection.for_role(role).to_json())
    return str(file)


def test_a_plan_is_compared_with_what_the_running_store_holds(
    sentinel_servers: Servers, plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = connection_file(sentinel_servers, tmp_path, Role.MONITOR)
    assert main([str(plan), "--connection", file]) is ExitCode.CHECK_FAILED
    assert "bytes are in use" in capsys.readouterr().out
    recorded = str(PLANS / "maxmemory-lowered.json")
    assert main([recorded, "--connection", file]) is ExitCode.PASS
    assert "it fits" in capsys.readouterr().out


def test_what_a_store_holds_grows_with_what_is_stored(standalone_server: Servers) -> None:
    node = standalone_server.servers[0].name
    before = fullest_used_bytes(standalone_server.connection)
    standalone_server.call(node, "SET", "agent:cache:{b00}:guard:big", "x" * 4_000_000, "EX", 60)
    try:
        assert fullest_used_bytes(standalone_server.connection) > before + 3_000_000
    finally:
        standalone_server.call(node, "DEL", "agent:cache:{b00}:guard:big")


def test_a_role_that_may_not_look_is_told(
    standalone_server: Servers, plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = connection_file(standalone_server, tmp_path, Role.SVC)
    assert main([str(plan), "--connection", file]) is ExitCode.USAGE
    assert "the connection holds no monitor role" in capsys.readouterr().err


def test_a_store_that_does_not_answer_is_told(
    standalone_server: Servers, plan: Path, tmp_path: Path
) -> None:
    file = Path(connection_file(standalone_server, tmp_path, Role.MONITOR))
    document = json.loads(file.read_text())
    document["primary"] = "127.0.0.1:1"
    file.write_text(json.dumps(document))
    assert main([str(plan), "--connection", str(file)]) is ExitCode.NO_CONNECTION


def test_plans_of_the_engine_are_judged_as_the_recorded_ones(
    server_install: Install, tmp_path: Path
) -> None:
    stack = LocalStack.prepare(tmp_path, Topology.STANDALONE, server_install)
    engine = stack.engine

    def preview() -> set[Harm]:
        verdict = judge(parse_plan(engine.run("preview", "--json").stdout))
        return {finding.harm for finding in verdict.refused}

    assert preview() == set()
    stack.up()
    try:
        engine.set_config("maxmemory", "128mb")
        assert preview() == set()
        engine.set_config("dataDir", "elsewhere")
        assert preview() == {Harm.EMPTY, Harm.REPLACE}
        engine.run("config", "rm", "dataDir")
        engine.set_config("app", "other")
        assert preview() == {Harm.EMPTY}
    finally:
        engine.destroy()
