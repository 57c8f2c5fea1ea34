"""What answers the names of the emulated AWS in every Python of a shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RESOLVER = Path(__file__).parents[1] / "standin" / "aws" / "resolver"
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
    plain, later = json.loads(_python(ASK, "127.0.0.1", names=names))
    assert plain == later == ["127.0.0.1"]
    code = (
        "import socket, sys\ntry: socket.getaddrinfo('x.invalid', 1)\nexcept OSError: print('no')"
    )
    assert _python(code, names=names) == "no\n"


def test_a_change_of_the_file_holds_from_the_next_question_on(names: Path) -> None:
    code = f"""
import json, pathlib, socket
def ask():
    try:
        return socket.getaddrinfo({NAME!r}, 6379)[0][4][0]
    except OSError:
        return None
def write(value):
    fresh = pathlib.Path({str(names)!r} + ".new")
    fresh.write_text(value)
    fresh.replace({str(names)!r})
answers = [ask()]
write(json.dumps({{{NAME!r}: ["127.65.0.3"]}}))
answers.append(ask())
pathlib.Path({str(names)!r}).unlink()
answers.append(ask())
print(json.dumps(answers))
"""
    assert json.loads(_python(code, names=names)) == ["127.65.0.1", "127.65.0.3", None]


def test_without_the_variable_nothing_is_imported_and_nothing_changes() -> None:
    code = "import sys; print('socket' in sys.modules, 'aws_names' in sys.modules)"
    assert _python(code, names=None) == "False False\n"


def test_a_machines_own_sitecustomize_still_runs(names: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.other_one_ran = __name__\n")
    code = "import sys; print(sys.other_one_ran, 'aws_names' in sys.modules)"
    assert _python(code, names=names, extra=tmp_path) == "sitecustomize True\n"
