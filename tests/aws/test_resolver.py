"""What answers the names of the emulated AWS in every Python of a shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RESOLVER = Path(__file__).parents[1] / "standin" / "aws" / "resolver"
NUMBER = "127.0.0.9"
NAME = "master.store.abc123.use1.cache.amazonaws.com"

ASK = """
import asyncio, json, socket, sys
name = sys.argv[1]
def first(found):
    return [answer[4][0] for answer in found]
async def later():
    return first(await asyncio.get_running_loop().getaddrinfo(name, 6379, type=socket.SOCK_STREAM))
now = first(socket.getaddrinfo(name, 6379, type=socket.SOCK_STREAM))
print(json.dumps([now, asyncio.run(later())]))
"""


@pytest.fixture(name="names")
def fixture_names(tmp_path: Path) -> Path:
    path = tmp_path / "names.json"
    path.write_text(json.dumps({NAME: ["127.65.0.1", "127.65.0.2"]}))
    return path


def _python(code: str, *arguments: str, names: Path | None, extra: Path | None = None) -> str:
    folders = [str(RESOLVER), *([str(extra)] if extra else [])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    environment.pop("HOLDFAST_AWS_NAMES", None)
    if names is not None:
        environment["HOLDFAST_AWS_NAMES"] = str(names)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


def test_a_name_is_answered_for_threads_and_tasks_and_its_addresses_turn(names: Path) -> None:
    plain, later = json.loads(_python(ASK, NAME, names=names))
    assert plain == ["127.65.0.1", "127.65.0.2"]
    assert later == ["127.65.0.2", "127.65.0.1"]


def test_other_names_go_to_the_real_resolver(names: Path) -> None:
    plain, later = json.loads(_python(ASK, "localhost", names=names))
    assert plain == later
    assert "127.0.0.1" in plain


def test_a_change_of_the_file_holds_from_the_next_question_on(names: Path) -> None:
    # A number needs no name server to be answered with itself.
    names.write_text(json.dumps({NUMBER: ["127.65.0.1"]}))
    code = f"""
import json, pathlib, socket
def ask():
    return socket.getaddrinfo({NUMBER!r}, 6379)[0][4][0]
def write(value):
    fresh = pathlib.Path({str(names)!r} + ".new")
    fresh.write_text(value)
    fresh.replace({str(names)!r})
answers = [ask()]
write(json.dumps({{{NUMBER!r}: ["127.65.0.3"]}}))
answers.append(ask())
pathlib.Path({str(names)!r}).unlink()
answers.append(ask())
print(json.dumps(answers))
"""
    assert json.loads(_python(code, names=names)) == ["127.65.0.1", "127.65.0.3", NUMBER]


def test_without_the_variable_nothing_is_imported_and_nothing_changes() -> None:
    code = "import sys; print('socket' in sys.modules, 'aws_names' in sys.modules)"
    assert _python(code, names=None) == "False False\n"


def test_a_machines_own_sitecustomize_still_runs(names: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.other_one_ran = __name__\n")
    code = "import sys; print(sys.other_one_ran, 'aws_names' in sys.modules)"
    assert _python(code, names=names, extra=tmp_path) == "sitecustomize True\n"
