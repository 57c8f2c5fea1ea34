"""The provider under the real engine, on throw-away projects."""

from __future__ import annotations

import base64
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests.engine import PROJECT, Engine

pytestmark = pytest.mark.timeout(300)

_PROGRAM = """
import pulumi
from components.resources import Certificate, CertificateAuthority, Password, SecretFile

config = pulumi.Config()
password = Password(
    "password",
    rotation=config.get("rotation") or "",
    keep_previous=config.get_bool("keepPrevious", True),
)
authority = CertificateAuthority(
    "authority",
    common_name="test CA",
    rotation=config.get("caRotation") or "",
    stage=config.get("caStage") or "single",
)
certificate = Certificate(
    "certificate",
    ca_certificate_pem=authority.certificate_pem,
    ca_private_key_pem=authority.private_key_pem,
    common_name="node",
    dns_names=["localhost"],
    ip_addresses=["127.0.0.1"],
)
file = SecretFile(
    "file",
    path=config.require("folder") + "/connections/all.json",
    content=pulumi.Output.json_dumps({"password": password.value, "note": config.get("note")}),
)
pulumi.export("password", password.value)
pulumi.export("previous", password.previous)
pulumi.export("sha256", password.sha256)
pulumi.export("ca", authority.certificate_pem)
pulumi.export("bundle", authority.bundle_pem)
pulumi.export("certificate", certificate.certificate_pem)
pulumi.export("serial", certificate.serial)
pulumi.export("path", file.path)
"""

_PLUGIN = """\
#!{python}
import datetime, os, pathlib, sys
sys.path.insert(0, {project!r})
from holdfast.errors import StoreUnavailable
from provider.__main__ import resources
from provider.diffs import compare_inputs
from provider.package import Package
from provider.plugin import run
from provider.resource import CheckResult, Created, Found, PartialFailure, Resource, utc_now


class Faulty(Resource):
    token = "holdfast:index:Faulty"
    computed = frozenset({{"made"}})

    def check(self, old, new, context):
        return CheckResult(new)

    def diff(self, stored, inputs, context):
        result = compare_inputs(stored.inputs, inputs)
        return result if stored.outputs["made"] else result.with_drift("made")

    def create(self, inputs, context):
        mode = inputs["mode"]
        if mode == "half":
            outputs = {{**inputs, "made": False}}
            raise PartialFailure("half-1", outputs, "it does not answer")
        if mode == "outage":
            raise StoreUnavailable("nobody listens on port 1")
        if mode == "bug":
            raise KeyError("no such thing")
        if mode == "slow":
            pathlib.Path(inputs["marker"]).touch()
            context.wait(600)
        return Created("whole-1", {{**inputs, "made": True}})

    def read(self, stored, context):
        return Found(stored.outputs)

    def update(self, stored, inputs, context):
        return {{**inputs, "made": True}}

    def delete(self, stored, context):
        pathlib.Path(inputs_marker(stored)).write_text("deleted " + stored.id)


def inputs_marker(stored):
    return stored.outputs["marker"]


def now():
    return utc_now() + datetime.timedelta(days=float(os.environ.get("LATER_DAYS", "0")))


sys.exit(run(Package("holdfast", "0.0.1", [*resources(), Faulty()], now=now), sys.argv[1:]))
"""

_FAULTY_PROGRAM = """
import pulumi

class Faulty(pulumi.CustomResource):
    def __init__(self, name, mode, marker):
        super().__init__("holdfast:index:Faulty", name, {"mode": mode, "marker": marker})

config = pulumi.Config()
Faulty("faulty", config.require("mode"), config.require("marker"))
"""


def _engine(folder: Path, program: str = _PROGRAM) -> Engine:
    plugin = folder / "plugin"
    plugin.mkdir()
    executable = plugin / "pulumi-resource-holdfast"
    executable.write_text(_PLUGIN.format(python=sys.executable, project=str(PROJECT)))
    executable.chmod(0o755)
    return Engine(folder, program, plugin=plugin)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """The program above on the checkout's own plugin."""
    engine = Engine(tmp_path, _PROGRAM)
    engine.set_config("folder", str(tmp_path / "files"))
    return engine


@pytest.fixture
def staged_engine(tmp_path: Path) -> Engine:
    """The same on a plugin whose clock can be put forward."""
    engine = _engine(tmp_path)
    engine.set_config("folder", str(tmp_path / "files"))
    return engine


@pytest.fixture
def faulty_engine(tmp_path: Path) -> Engine:
    """A resource that fails as its input says."""
    engine = _engine(tmp_path, _FAULTY_PROGRAM)
    engine.set_config("marker", str(tmp_path / "marker"))
    return engine


def test_up_again_changes_nothing_and_destroy_leaves_nothing(
    engine: Engine, tmp_path: Path
) -> None:
    engine.up()
    path = Path(engine.outputs()["path"])
    assert json.loads(path.read_text())["password"] == engine.outputs()["password"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    engine.up_unchanged()
    engine.refresh("--expect-no-changes")
    engine.destroy()
    assert not engine.resources()
    assert not (tmp_path / "files").exists()


def test_a_preview_creates_nothing_and_passes_unknowns_on(engine: Engine, tmp_path: Path) -> None:
    shown = engine.preview().stdout
    assert "5 to create" in shown
    assert "caPrivateKeyPem : [unknown]" in shown
    assert not (tmp_path / "files").exists()


def test_a_password_rotates_in_two_runs(engine: Engine) -> None:
    engine.up()
    first = engine.outputs()
    assert first["previous"] == ""
    engine.set_config("rotation", "2")
    preview = engine.preview().stdout
    assert "2 to update" in preview
    assert "replace" not in preview
    engine.up()
    both = engine.outputs()
    assert both["previous"] == first["password"]
    assert both["password"] != first["password"]
    assert len(both["sha256"]) == 2
    assert json.loads(Path(both["path"]).read_text())["password"] == both["password"]
    engine.set_config("keepPrevious", "false")
    engine.up()
    last = engine.outputs()
    assert (last["password"], last["previous"]) == (both["password"], "")
    engine.up_unchanged()


def test_a_ca_rotates_in_three_runs(engine: Engine) -> None:
    engine.up()
    first = engine.outputs()
    engine.set_config("caRotation", "2")
    engine.set_config("caStage", "trust-both")
    # The certificate keeps its issuer: it must not show as changed.
    assert "1 to update" in engine.preview().stdout
    engine.up()
    both = engine.outputs()
    assert both["certificate"] == first["certificate"]
    assert both["bundle"].endswith(first["ca"])
    assert both["bundle"] != first["bundle"]
    engine.set_config("caStage", "issue-new")
    engine.up()
    issued = engine.outputs()
    assert issued["bundle"] == both["bundle"]
    assert issued["bundle"].startswith(issued["ca"])
    assert issued["serial"] != first["serial"]
    engine.set_config("caStage", "single")
    assert "1 to update" in engine.preview().stdout
    engine.up()
    last = engine.outputs()
    assert last["bundle"] == last["ca"] == issued["ca"]
    assert last["certificate"] == issued["certificate"]
    engine.up_unchanged()


def test_a_file_that_was_tampered_with_or_deleted_is_shown_and_mended(engine: Engine) -> None:
    engine.up()
    path = Path(engine.outputs()["path"])
    content = path.read_text()
    path.write_text("tampered")
    path.chmod(0o644)
    shown = engine.drift(expected=True).stdout
    assert "intact" in shown
    assert "mode" in shown
    engine.up()
    assert path.read_text() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.unlink()
    engine.up()
    assert path.read_text() == content
    engine.up_unchanged()


def test_a_certificate_is_renewed_in_place_when_a_third_is_left(staged_engine: Engine) -> None:
    staged_engine.up()
    before = staged_engine.outputs()
    staged_engine.environment["LATER_DAYS"] = "240"
    staged_engine.up_unchanged()
    staged_engine.environment["LATER_DAYS"] = "250"
    assert "renewalDue" in staged_engine.drift(expected=True).stdout
    preview = staged_engine.preview().stdout
    assert "1 to update" in preview
    assert "replace" not in preview
    staged_engine.up()
    after = staged_engine.outputs()
    assert after["serial"] != before["serial"]
    assert after["ca"] == before["ca"]
    staged_engine.up_unchanged("--refresh")


def _secrets(engine: Engine) -> Iterator[str]:
    for resource in engine.resources():
        outputs = {
            name: json.loads(value["plaintext"])
            for name, value in resource["outputs"].items()
            if isinstance(value, dict) and "plaintext" in value
        }
        for name in ("newest", "previous"):
            if isinstance(pair := outputs.get(name), dict):
                outputs[name] = pair.get("privateKeyPem", "")
        for secret in outputs.values():
            # A key's first two lines hold its private part; the public one is in the certificate.
            body = [line for line in secret.splitlines() if not line.startswith("-----")]
            yield from body[:2]


def _forms(secret: str) -> Iterator[bytes]:
    yield secret.encode()
    for start in range(3):
        # Base64 inside of any text: the characters at the ends depend on what is around it.
        yield base64.b64encode(b"\0" * start + secret.encode())[4:-4]


def test_no_state_file_and_no_output_holds_a_plain_secret(engine: Engine, tmp_path: Path) -> None:
    printed = [engine.preview().shown, engine.up().shown]
    engine.set_config("rotation", "2")
    engine.set_config("caRotation", "2")
    engine.set_config("caStage", "trust-both")
    printed += [engine.preview().shown, engine.up("--diff").shown]
    secrets = set(_secrets(engine))
    # Two passwords, the file with one of them, two CAs and a certificate with two lines each.
    assert len(secrets) == 2 + 1 + 2 * 3
    Path(engine.outputs()["path"]).write_text("tampered")
    printed += [engine.drift(expected=True).shown, engine.up("--diff").shown]
    printed.append(json.dumps(engine.export()))
    held = [item for item in (tmp_path / "state").rglob("*") if item.is_file()]
    assert any(item.name.startswith("test.json") for item in held)
    texts = [item.read_bytes() for item in held] + [text.encode() for text in printed]
    for form in {form for secret in secrets for form in _forms(secret)}:
        assert not any(form in text for text in texts)


def test_what_check_refuses_is_named_and_nothing_is_made(engine: Engine, tmp_path: Path) -> None:
    engine.set_config("caStage", "both")
    shown = engine.up(fails=True).shown
    assert "got 'both', need one of single, trust-both, issue-new" in shown
    assert "stage" in shown
    assert "Traceback" not in shown
    engine.set_config("caStage", "single")
    engine.up()


def test_a_foreign_file_in_the_way_is_named_and_kept(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "files" / "connections" / "all.json"
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    shown = engine.up(fails=True).shown
    assert f"path: got '{path}', need a place where there is no file yet" in shown
    assert path.read_text() == "mine"
    path.unlink()
    engine.up()
    engine.up_unchanged()


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("outage", "nobody listens on port 1"),
        ("bug", "internal error in holdfast: KeyError: 'no such thing'"),
    ],
)
def test_a_failed_create_says_why_and_the_next_run_recovers(
    faulty_engine: Engine, mode: str, message: str
) -> None:
    faulty_engine.set_config("mode", mode)
    shown = faulty_engine.up(fails=True).shown
    assert message in shown
    assert "Traceback" not in shown
    assert not faulty_engine.resources()
    assert not faulty_engine.export()["deployment"].get("pending_operations")
    faulty_engine.set_config("mode", "well")
    faulty_engine.up()


def test_a_half_made_resource_is_kept_and_repaired(faulty_engine: Engine) -> None:
    faulty_engine.set_config("mode", "half")
    assert "it does not answer" in faulty_engine.up(fails=True).shown
    [kept] = faulty_engine.resources()
    assert kept["id"] == "half-1"
    faulty_engine.up("--refresh")
    [repaired] = faulty_engine.resources()
    assert repaired["outputs"]["made"] is True
    faulty_engine.up_unchanged()


def test_a_half_made_resource_is_deleted_by_destroy(faulty_engine: Engine, tmp_path: Path) -> None:
    faulty_engine.set_config("mode", "half")
    faulty_engine.up(fails=True)
    faulty_engine.destroy()
    assert (tmp_path / "marker").read_text() == "deleted half-1"


def test_ctrl_c_ends_a_running_operation(faulty_engine: Engine, tmp_path: Path) -> None:
    faulty_engine.set_config("mode", "slow")
    marker = tmp_path / "marker"
    with faulty_engine.start("up", "--yes", "--skip-preview") as running:
        deadline = time.monotonic() + 60
        while not marker.exists():
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < deadline, "the slow operation never began"
            time.sleep(0.05)
        os.kill(running.pid, signal.SIGINT)
        stdout, stderr = running.communicate(timeout=30)
    assert running.returncode != 0
    assert "stopped by the user" in stdout + stderr


def test_the_plugin_starts_from_any_folder_without_the_callers_imports(tmp_path: Path) -> None:
    (tmp_path / "provider").mkdir()
    (tmp_path / "provider" / "__init__.py").write_text("raise RuntimeError('the wrong provider')")
    link = tmp_path / "linked"
    link.symlink_to(PROJECT / "provider")
    command = [str(link / "pulumi-resource-holdfast"), "127.0.0.1:1"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as plugin:
        assert plugin.stdout is not None
        port = plugin.stdout.readline()
        plugin.send_signal(signal.SIGINT)
        _, stderr = plugin.communicate(timeout=30)
    assert int(port) > 0, stderr
    assert plugin.returncode == 0
    assert not stderr


def test_the_plugin_ends_when_its_engine_was_killed() -> None:
    plugin = PROJECT / "provider" / "pulumi-resource-holdfast"
    # A shell stands for the engine; the plugin inherits the pipe, which ends when both are gone.
    with subprocess.Popen(
        ["sh", "-c", f"'{plugin}' 127.0.0.1:1 & wait"], stdout=subprocess.PIPE, text=True
    ) as engine:
        assert engine.stdout is not None
        assert int(engine.stdout.readline()) > 0
        engine.kill()
        rest, _ = engine.communicate(timeout=30)
    assert not rest


def test_the_plugin_starts_without_the_client_libraries() -> None:
    program = dedent(
        """
        import sys
        import provider.__main__
        print({"redis", "valkey"} & sys.modules.keys())
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
