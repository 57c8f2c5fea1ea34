"""Record deployments of this version of the kit: ``python -m tests.aws.record_state``.

Deploys each variant with the real engine over the emulated AWS, and writes its state to
``tests/aws/states/<version>-<variant>.json``, without what differs from machine to machine (times,
paths, positions in sources). Its secrets are made for this recording alone and stand there
encrypted with the tests' own passphrase; a state that held one in plain would stop the recording.
Run it with each release, and keep the files: a later version must preview them without a
replacement.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from tests.aws.stack import AwsStack, deployed
from tests.standin.aws.emulator import running

STATES: Final = Path(__file__).parent / "states"
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
"""Marks an archive among the properties of a state (Pulumi's marshalling protocol)."""

_HERE: Final = "resources stand here"
_MACHINE: Final = ("created", "modified", "sourcePosition", "stackTrace")


@dataclass(frozen=True)
class Variant:
    """A deployment to record.

    Attributes:
        settings: by name, in place of the defaults.
    """

    settings: Mapping[str, str]


VARIANTS: Final[Mapping[str, Variant]] = {
    "replication-group": Variant({"preset": "staging"}),
    "cluster": Variant(
        {
            "preset": "dev",
            "topology": "cluster",
            "primaries": "2",
            "replicas": "0",
            "authentication": "iam",
        }
    ),
    "serverless": Variant(
        {
            "preset": "dev",
            "topology": "serverless",
            "dataStorageGb": "5",
            "ecpuPerSecond": "5000",
        }
    ),
}


def recorded() -> list[Path]:
    """Every recorded state."""
    return sorted(STATES.glob("*.json"))


def variant_of(state: Path) -> Variant:
    """What a recorded state was deployed with."""
    return next(VARIANTS[name] for name in VARIANTS if state.stem.endswith(f"-{name}"))


def main() -> int:
    """Record every variant."""
    STATES.mkdir(exist_ok=True)
    for name, variant in VARIANTS.items():
        with (
            tempfile.TemporaryDirectory(prefix="states-") as folder,
            # No servers are needed: nothing of a store but its description is recorded.
            running(Path(folder) / "aws") as emulator,
            deployed(Path(folder) / "stack", emulator, **variant.settings) as stack,
        ):
            file = STATES / f"{version('holdfast')}-{name}.json"
            file.write_text(state_text(stack))
            sys.stderr.write(f"{file.name}: {file.stat().st_size} bytes\n")
    return 0


def state_text(stack: AwsStack) -> str:
    """The state of a stack as it is kept: a line a resource."""
    document = stack.engine.export()
    deployment = document["deployment"]
    deployment["manifest"]["time"] = "2026-01-01T00:00:00Z"
    resources = [_without_machine(entry) for entry in deployment["resources"]]
    deployment["resources"] = _HERE
    text = json.dumps(document, sort_keys=True, indent=1)
    lines = ",\n".join(json.dumps(entry, sort_keys=True) for entry in resources)
    text = text.replace(f'"{_HERE}"', f"[\n{lines}\n]") + "\n"
    _refuse_secrets(stack, text)
    return text


def _without_machine(resource: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in resource.items() if key not in _MACHINE}
    return {key: _without_paths(value) for key, value in kept.items()}


def _without_paths(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """An archive is compared by its hash; where its files were says nothing elsewhere."""
    if isinstance(value, list):
        return [_without_paths(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(_SIGNATURE) == _ARCHIVE:
        return {_SIGNATURE: _ARCHIVE, "assets": {}, "hash": value["hash"]}
    return {key: _without_paths(item) for key, item in value.items()}


def _refuse_secrets(stack: AwsStack, text: str) -> None:
    forbidden = {f"password of {r}": u.password for r, u in stack.connection.users.items()}
    forbidden |= {
        "the project's folder": str(stack.engine.project),
        "the environment's folder": sys.prefix,
        "the home folder": f"{Path.home()}/",
    }
    found = [what for what, secret in forbidden.items() if secret and secret in text]
    if found:
        message = f"the state holds what must not be recorded: {', '.join(found)}"
        raise RuntimeError(message)


if __name__ == "__main__":
    raise SystemExit(main())
