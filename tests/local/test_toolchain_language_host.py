"""The kit's own language host runs programs under the real CLI, and says how they failed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine import PROJECT, Engine, require_engine

HOST = PROJECT / "toolchain" / "bin" / "pulumi-language-python"

OUTPUTS = """
import helper
import pulumi

pulumi.export("word", helper.WORD)
pulumi.export("hidden", pulumi.Output.secret("hush"))
pulumi.export("folder", __file__)
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = Engine(tmp_path, OUTPUTS)
    (made.project / "helper.py").write_text('WORD = "from beside the program"\n')
    return made


def test_a_program_runs_from_its_folder_and_its_outputs_arrive(engine: Engine) -> None:
    engine.up()
    outputs = engine.outputs()
    assert outputs["word"] == "from beside the program"
    assert outputs["folder"] == str(engine.project / "__main__.py")
    assert engine.up_unchanged().code == 0
    shown = engine.run("stack", "output").stdout
    assert "hush" not in shown
    assert "[secret]" in shown


def test_a_programs_mistake_shows_where_it_is_and_nothing_else(engine: Engine) -> None:
    engine.write_program(
        """
        def broken():
            return {}["key-that-is-not-there"]

        broken()
        """
    )
    run = engine.up(fails=True)
    assert run.shown.count("KeyError: 'key-that-is-not-there'") <= 2
    assert 'return {}["key-that-is-not-there"]' in run.shown
    assert "runpy" not in run.shown
    assert "_server.py" not in run.shown


def test_bad_input_shows_its_message_without_a_traceback(engine: Engine) -> None:
    engine.write_program(
        """
        from holdfast.errors import ConfigError

        raise ConfigError("replicas", 0, "at least 2", "set it to 2")
        """
    )
    run = engine.up(fails=True)
    assert "error: replicas: got 0, need at least 2; set it to 2" in run.shown
    assert "Traceback" not in run.shown
    assert "__main__.py" not in run.shown


def test_what_a_program_logs_reaches_the_engine_as_what_it_is(engine: Engine) -> None:
    engine.write_program(
        """
        import pulumi

        pulumi.log.warn("careful")
        raise RuntimeError("the end")
        """
    )
    plan = json.loads(engine.run("preview", "--json", fails=True).stdout)
    said = [(item["severity"], item["message"]) for item in plan["diagnostics"]]
    assert ("warning", "warning: careful\n") in said
    assert [severity for severity, message in said if "the end" in message] == ["error"]


def test_a_syntax_error_fails_the_preview_too(engine: Engine) -> None:
    engine.write_program("this is no python\n")
    run = engine.preview(fails=True)
    assert "SyntaxError" in run.shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_host_ends_quietly_when_it_is_told_to(tmp_path: Path, number: signal.Signals) -> None:
    require_engine()
    host = subprocess.Popen(
        [sys.executable, HOST, "127.0.0.1:1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with host:
        assert host.stdout is not None
        assert 0 < int(host.stdout.readline()) < 65536
        host.send_signal(number)
        rest, errors = host.communicate(timeout=20)
    assert (host.returncode, rest, errors) == (0, "", "")


def test_the_host_does_not_outlive_the_cli_that_started_it(tmp_path: Path) -> None:
    require_engine()
    # The shell stands for the CLI: it starts the host, tells its process id and is killed.
    port = tmp_path / "port"
    port.touch()
    script = f'"{sys.executable}" "{HOST}" 127.0.0.1:1 > "{port}" & echo $!; wait'
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        pid = int(shell.stdout.readline())
        try:
            _until(lambda: port.read_text() != "", "the host serves")
        finally:
            shell.kill()
    _until(lambda: not _runs(pid), "the host ended")


def test_the_host_finds_the_environment_of_the_project_it_is_started_in(tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    told = tmp_path / ".venv" / "bin" / "python"
    told.write_text('#!/bin/sh\necho "run by the project: $2"\n')
    told.chmod(0o755)
    below = tmp_path / "some" / "folder"
    below.mkdir(parents=True)
    # -S -I: a Python without the packages of this environment.
    argv = [sys.executable, "-S", "-I", str(HOST), "127.0.0.1:1"]
    run = subprocess.run(argv, cwd=below, capture_output=True, text=True, check=False, timeout=20)
    assert run.stdout == "run by the project: 127.0.0.1:1\n", run.stderr


def _runs(pid: int) -> bool:
    try:
        state = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, f"not within 20 s: {what}"
        time.sleep(0.05)


PACK = """
import os
import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

Path(os.environ["PACK_PID_FILE"]).write_text(str(os.getpid()))


def judge(args, report):
    print(f"looks at {args.name}", file=sys.stderr)
    report(f"{args.name} is refused")


PolicyPack("pack", [ResourceValidationPolicy("no", "nothing", judge, EnforcementLevel.MANDATORY)])
"""


def test_a_policy_pack_judges_a_preview_and_ends_with_it(engine: Engine, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.0.1\n")
    (pack / "__main__.py").write_text(PACK)
    pid_file = tmp_path / "pid"
    engine.environment["PACK_PID_FILE"] = str(pid_file)
    run = engine.run("preview", "--policy-pack", str(pack), fails=True)
    assert "[mandatory]  no" in run.stdout
    assert "throwaway-test is refused" in run.stdout
    assert "looks at throwaway-test" in run.stdout
    _until(lambda: not _runs(int(pid_file.read_text())), "the pack ended")


def test_a_policy_pack_that_cannot_start_says_why(engine: Engine, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.0.1\n")
    (pack / "__main__.py").write_text("import a_module_that_is_not_there\n")
    run = engine.run("preview", "--policy-pack", str(pack), fails=True)
    assert "a_module_that_is_not_there" in run.shown
