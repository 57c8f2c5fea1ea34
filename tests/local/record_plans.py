"""Record the plans that tests/unit/verify judges: ``python -m tests.local.record_plans``.

Runs the real engine and real servers, and writes what ``pulumi preview --json`` printed to
``tests/unit/verify/plans``, without what differs from machine to machine: paths, certificates,
times. Secrets are not in a preview; a plan that held one would stop the recording.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from holdfast.connection import Topology
from tests.engine import PASSPHRASE, Run
from tests.local.stack import LocalStack
from tests.servers import newest_install

PLANS: Final = Path(__file__).resolve().parents[1] / "unit" / "verify" / "plans"
_STEP_KEYS: Final = ("op", "urn", "replaceReasons", "diffReasons", "detailedDiff")
_STATE_KEYS: Final = ("urn", "custom", "type", "inputs", "protect", "retainOnDelete")
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)
_EMPTY_PROGRAM: Final = "import pulumi\npulumi.export('nothing', 1)\n"


@dataclass(frozen=True)
class Change:
    """What is set before a preview.

    Attributes:
        settings: by name; they are taken back afterwards.
        program: stands in for the project's own where it is not empty.
        command: asks for the plan.
        fails: the provider refuses the change.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    program: str = ""
    command: tuple[str, ...] = ("preview", "--json")
    fails: bool = False


@dataclass(frozen=True)
class Store:
    """A deployed stack and the plans that are made for it."""

    topology: Topology
    settings: Mapping[str, str]
    changes: Mapping[str, Change]


_REMOVED: Final = Change(program=_EMPTY_PROGRAM)
STORES: Final = (
    Store(
        Topology.SENTINEL,
        {},
        {
            "unchanged": Change(),
            "maxmemory-lowered": Change({"maxmemory": "128mb"}),
            "maxmemory-raised": Change({"maxmemory": "512mb"}),
            "replicas-raised": Change({"replicas": "3"}),
            "keep-data-on": Change({"keepData": "true"}),
            "base-port": Change({"basePort": "18900"}, fails=True),
            "topology-sentinel-to-cluster": Change({"topology": "cluster"}, fails=True),
            "app": Change({"app": "other"}),
            "buckets": Change({"buckets": "128"}),
            "data-dir": Change({"dataDir": "elsewhere"}),
            "removed": _REMOVED,
            "destroy": Change(command=("destroy", "--preview-only", "--json")),
        },
    ),
    Store(
        Topology.SENTINEL,
        {"replicas": "3", "keepData": "true"},
        {
            "keep-data-off": Change({"keepData": "false"}),
            "replicas-lowered-data-kept": Change({"replicas": "2"}),
            "data-dir-data-kept": Change({"dataDir": "elsewhere"}),
        },
    ),
    Store(
        Topology.SENTINEL,
        {"replicas": "3"},
        {"replicas-lowered": Change({"replicas": "2"})},
    ),
    Store(
        Topology.STANDALONE,
        {},
        {"topology-standalone-to-sentinel": Change({"topology": "sentinel"})},
    ),
    Store(Topology.CLUSTER, {}, {"cluster-removed": _REMOVED}),
)


def main() -> int:
    """Record every plan."""
    install = newest_install()
    if install is None:
        sys.stderr.write("record_plans: no server on this machine\n")
        return 2
    PLANS.mkdir(exist_ok=True)
    for store in STORES:
        with tempfile.TemporaryDirectory(prefix="plans-") as folder:
            stack = LocalStack.prepare(Path(folder), store.topology, install)
            for name, value in store.settings.items():
                stack.engine.set_config(name, value)
            stack.up()
            try:
                for name, change in store.changes.items():
                    _write(name, _plan(stack, change), stack, Path(folder), install.executable)
            finally:
                stack.engine.destroy()
    return 0


def _plan(stack: LocalStack, change: Change) -> Run:
    engine = stack.engine
    kept = {
        path: path.read_text()
        for path in (
            engine.project / "__main__.py",
            next(engine.project.glob(f"config/Pulumi.{engine.stack}.yaml")),
        )
    }
    for name, value in change.settings.items():
        engine.set_config(name, value)
    if change.program:
        engine.write_program(change.program)
    try:
        return engine.run(*change.command, fails=change.fails)
    finally:
        for path, text in kept.items():
            path.write_text(text)


def _write(name: str, run: Run, stack: LocalStack, folder: Path, server: Path) -> None:
    document = json.loads(run.stdout)
    document["duration"] = 0
    document["steps"] = [_step(step) for step in document["steps"]]
    document["diagnostics"] = [
        item for item in document.get("diagnostics", []) if item.get("severity") != "warning"
    ]
    text = json.dumps(document, indent=1) + "\n"
    base = stack.base_port
    for found, stands_for in (
        (str(stack.engine.project), "/project"),
        (str(folder.resolve()), "/folder"),
        (str(server), "/usr/bin/valkey-server"),
        *((str(base + offset), str(7600 + offset)) for offset in range(20)),
    ):
        text = text.replace(found, stands_for)
    _refuse_secrets(name, text, stack)
    (PLANS / f"{name}.json").write_text(text)
    sys.stderr.write(f"{name}: {document.get('changeSummary')}\n")


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: step[key] for key in _STEP_KEYS if key in step}
    for side in ("oldState", "newState"):
        if side in step:
            state = {key: step[side][key] for key in _STATE_KEYS if key in step[side]}
            kept[side] = _without_pem(state)
    return kept


def _without_pem(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {name: _without_pem(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_pem(item) for item in value]
    return _PEM.sub("(a certificate)", value) if isinstance(value, str) else value


def _refuse_secrets(name: str, text: str, stack: LocalStack) -> None:
    passwords = {user.password for user in stack.connection.users.values()}
    for secret in (*passwords, PASSPHRASE, "PRIVATE KEY", str(Path.home())):
        if secret and secret in text:
            message = f"{name}: the plan holds what must not be recorded"
            raise RuntimeError(message)


if __name__ == "__main__":
    raise SystemExit(main())
