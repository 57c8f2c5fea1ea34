from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.schema import Engine
from holdfast.roles import Place
from k8s.image_check import SCRIPT, TOOLS, image_check, next_attempt
from k8s.names import selector, store_selector
from tests.unit.k8s.commands import programs
from tests.unit.k8s.scripts import SCRIPTS
from tests.unit.k8s.specs import config, spec

OPTIONAL = {"openssl"}
LOADS = "Failed to load certificate: /absent/tls.crt: No such file\nFailed to configure TLS."
# What 9.1.2 and 7.0.15 without TLS say.
NO_TLS = (
    "Missing implement of connection type tls\nFailed finding TLS support.",
    ">>> 'tls-port \"6379\"'\nBad directive or wrong number of arguments",
)


def check(
    folder: Path,
    *,
    version: str = "Valkey server v=9.1.2 sha=0:0",
    says: str = LOADS,
    without: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run the script in a folder of programs that stand for those of an image."""
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool) or "/absent")
    (folder / "says").write_text(says + "\n")
    server = folder / "valkey-server"
    server.write_text(
        "#!/bin/sh\n"
        f"if [ \"$1\" = --version ]; then echo '{version}'; exit; fi\n"
        f'while IFS= read -r line; do echo "$line"; done <{folder}/says\nexit 1\n'
    )
    (folder / "valkey-cli").write_text("#!/bin/sh\n")
    for program in ("valkey-server", "valkey-cli"):
        (folder / program).chmod(0o755)
    if without:
        (folder / without).unlink()
    return subprocess.run(
        ["/bin/sh", "-c", SCRIPT.read_text()],
        env={
            "PATH": str(folder),
            "HF_IMAGE": "x/y:1",
            "HF_SERVER_PROGRAM": "valkey-server",
            "HF_CLI": "valkey-cli",
            "HF_ENGINE_VERSION": "9.1.2",
            "HF_TOOLS": " ".join(TOOLS),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_an_image_that_has_everything_is_taken(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("says", NO_TLS)
def test_a_server_without_tls_is_refused_with_what_it_says(says: str, tmp_path: Path) -> None:
    done = check(tmp_path, says=says)
    assert done.returncode == 1
    assert done.stderr.startswith("x/y:1 has a server without TLS")
    assert says.splitlines()[-1] in done.stderr


@pytest.mark.parametrize(
    "version", ["Valkey server v=8.0.1 sha=0:0", "Valkey server v=9.1.20 sha=0", "what?"]
)
def test_another_version_than_the_scripts_go_by_is_refused(version: str, tmp_path: Path) -> None:
    done = check(tmp_path, version=version)
    assert done.returncode == 1
    assert "9.1.2" in done.stderr
    assert version in done.stderr


@pytest.mark.parametrize("without", ["valkey-server", "valkey-cli", *TOOLS])
def test_an_image_without_what_the_scripts_call_is_refused_by_name(
    without: str, tmp_path: Path
) -> None:
    done = check(tmp_path, without=without)
    assert done.returncode == 1
    assert f"x/y:1 has no {without};" in done.stderr


def test_what_is_asked_for_is_what_the_scripts_call() -> None:
    called = programs(*(file.read_text() for file in SCRIPTS.glob("*.sh")))
    assert called - OPTIONAL == set(TOOLS)
    assert programs(SCRIPT.read_text()) <= set(TOOLS)
    # Those that can do without one ask first.
    assert all(
        f"command -v {name} " in (SCRIPTS / "agent-reload.sh").read_text() for name in OPTIONAL
    )


def test_the_pod_of_the_job_is_told_what_to_ask_for() -> None:
    (container,) = image_check(spec())["spec"]["template"]["spec"]["containers"]
    told = {entry["name"]: entry["value"] for entry in container["env"]}
    assert set(re.findall(r"\$\{?(HF_[A-Z_]+)", SCRIPT.read_text())) == set(told)
    assert told["HF_TOOLS"].split() == list(TOOLS)


def test_shellcheck_finds_nothing() -> None:
    shellcheck = Path(sys.executable).parent / "shellcheck"
    done = subprocess.run([str(shellcheck), str(SCRIPT)], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")


def test_the_job_is_restricted_short_lived_and_tried_once() -> None:
    job = image_check(spec(image_pull_secrets=("registry",)))
    assert job["spec"]["backoffLimit"] == 0
    assert job["spec"]["activeDeadlineSeconds"] == 300
    pod = job["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["automountServiceAccountToken"] is False
    assert pod["restartPolicy"] == "Never"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert "limits" in container["resources"]


def test_another_image_or_version_is_another_job_and_the_same_is_the_same() -> None:
    names = {
        image_check(made)["metadata"]["name"]
        for made in (
            spec(),
            spec(image="valkey/valkey:9.1.3"),
            spec(config=config(version="9.1.3")),
            spec(config=config(engine=Engine.REDIS, version="8.0.0")),
        )
    }
    assert len(names) == 4
    assert image_check(spec()) == image_check(spec())
    assert all(len(name) <= 63 for name in names)
    longest = image_check(spec(store="a" * 36))["metadata"]["name"]
    assert len(longest) <= 63


def test_a_job_that_failed_is_followed_by_another_and_one_that_succeeded_stays() -> None:
    store = spec()
    first, second, third = (image_check(store, n)["metadata"]["name"] for n in range(3))
    assert len({first, second, third}) == 3
    assert next_attempt(store, {}) == 0
    assert next_attempt(store, {first: None}) == 0
    assert next_attempt(store, {first: True, second: False}) == 0
    assert next_attempt(store, {first: False}) == 1
    assert next_attempt(store, {first: False, second: False}) == 2
    # The first was deleted with the run that succeeded: nothing changes again.
    assert next_attempt(store, {second: True}) == 1


def test_its_pod_is_not_taken_for_one_of_the_store() -> None:
    store = spec()
    labels = image_check(store)["spec"]["template"]["metadata"]["labels"]
    for wanted in (store_selector(store.names), *(selector(store.names, p) for p in _places())):
        assert not wanted.items() <= labels.items()


def _places() -> list[Place]:
    return list(Place)
