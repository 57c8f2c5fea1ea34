"""The scripts as such: shellcheck, syntax, the variables that they read."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.directives import FAILOVER_TIMEOUT_MS
from k8s.environment import AGENT, PRESTOP, PROBE, START_SENTINEL, START_SERVER, Variable
from provider.servers.boot import TAKEOVER_SECONDS
from tests.unit.k8s.scripts import SCRIPTS

_FILES = sorted(SCRIPTS.glob("*.sh"))
_OWN = {"HF_SENTINEL_ID"}


def test_every_script_that_the_pods_call_is_there() -> None:
    called = {START_SERVER, START_SENTINEL, PRESTOP, PROBE, AGENT}
    assert called <= {file.name for file in _FILES}


def test_shellcheck_finds_nothing() -> None:
    # From requirements/all.lock, beside the Python that runs the tests.
    shellcheck = Path(sys.executable).parent / "shellcheck"
    done = subprocess.run(
        [str(shellcheck), "-x", "-P", str(SCRIPTS.parents[1]), *map(str, _FILES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.name)
def test_a_script_is_syntax_that_a_plain_shell_takes(file: object) -> None:
    shell = shutil.which("dash") or "sh"
    done = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_scripts_read_no_variable_that_the_pods_do_not_set() -> None:
    read = {name for file in _FILES for name in re.findall(r"\$\{?(HF_[A-Z_]+)", file.read_text())}
    assert read - _OWN <= {variable.value for variable in Variable}


def test_nothing_forgets_what_the_sentinels_know_or_skips_a_certificate_check() -> None:
    text = "".join(file.read_text() for file in _FILES)
    assert "SENTINEL RESET" not in text.upper()
    assert "--insecure" not in text


@pytest.mark.parametrize(
    ("name", "limit"),
    [("start-valkey.sh", "TAKEOVER_SECONDS"), ("prestop.sh", "COORDINATED_SECONDS")],
)
def test_a_script_waits_for_a_failover_until_the_sentinels_have_given_it_up(
    name: str, limit: str
) -> None:
    found = re.search(rf"^{limit}=(\d+)$", (SCRIPTS / name).read_text(), re.MULTILINE)
    assert found
    assert int(found[1]) > FAILOVER_TIMEOUT_MS / 1000
    # Servers on this machine wait by the same rule.
    assert TAKEOVER_SECONDS > FAILOVER_TIMEOUT_MS / 1000
