"""A Job that tells whether the image can run the store, before any pod depends on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from holdfast.errors import ConfigError
from k8s.containers import RESTRICTED, SHELL, program_names
from k8s.metadata import metadata
from k8s.names import content_digest
from k8s.spec import Object, StoreSpec
from k8s.workloads import POD_SECURITY

SCRIPT: Final = Path(__file__).parent / "checks" / "image.sh"
TOOLS: Final = (
    "awk",
    "base64",
    "cat",
    "cksum",
    "date",
    "grep",
    "mkfifo",
    "mv",
    "od",
    "rm",
    "sed",
    "sleep",
    "timeout",
)
"""What the scripts of the pods call beside the server's own programs; a test compares the two."""
DEADLINE_SECONDS: Final = 300
"""For the image to be pulled, too: one that cannot be is told within this time."""


def next_attempt(spec: StoreSpec, jobs: Mapping[str, bool | None]) -> int:
    """Which attempt is to be in force: one that succeeded, else the first that has not failed.

    A Job that failed stays so, and what it lacked (a Secret for the registry, say) may be there
    now.

    Args:
        spec: the store.
        jobs: those of the namespace by name: whether each succeeded, None while it runs.
    """
    names = [_name(spec, attempt) for attempt in range(len(jobs) + 1)]
    good = [attempt for attempt, name in enumerate(names) if jobs.get(name)]
    free = [attempt for attempt, name in enumerate(names) if jobs.get(name) is not False]
    return (good or free)[0]


def image_check(spec: StoreSpec, attempt: int = 0) -> Object:
    """The Job, named by its content: another image is another Job, a Job cannot be changed.

    Its pod has none of the store's labels: nobody takes it for a server, no Service leads to it.

    Raises:
        ConfigError: the script is missing.
    """
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(spec, _name(spec, attempt)),
        "spec": {
            # What an image lacks it lacks at the second try as well.
            "backoffLimit": 0,
            "activeDeadlineSeconds": DEADLINE_SECONDS,
            "template": _template(spec),
        },
    }


def _name(spec: StoreSpec, attempt: int) -> str:
    content = {"template": json.dumps(_template(spec)), "attempt": str(attempt)}
    return f"{spec.names.store}-image-{content_digest(content)}"


def _template(spec: StoreSpec) -> Object:
    return {
        "metadata": {"labels": {"app.kubernetes.io/name": "holdfast-image-check"}},
        "spec": _pod(spec),
    }


def _pod(spec: StoreSpec) -> Object:
    server, cli = program_names(spec.config.engine)
    values = {
        "HF_IMAGE": spec.image,
        "HF_SERVER_PROGRAM": server,
        "HF_CLI": cli,
        "HF_ENGINE_VERSION": spec.config.version,
        "HF_TOOLS": " ".join(TOOLS),
    }
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "imagePullSecrets": [{"name": name} for name in spec.image_pull_secrets],
        "securityContext": dict(POD_SECURITY),
        "containers": [
            {
                "name": "check",
                "image": spec.image,
                "imagePullPolicy": "IfNotPresent",
                "command": [SHELL, "-c", _script()],
                "env": [{"name": name, "value": value} for name, value in values.items()],
                "securityContext": dict(RESTRICTED),
                # Pulumi shows what a container said last, where it is kept.
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "resources": {
                    "requests": {"cpu": "10m", "memory": "32Mi"},
                    "limits": {"memory": "64Mi"},
                },
            }
        ],
    }


def _script() -> str:
    try:
        return SCRIPT.read_text("utf-8")
    except OSError:
        raise ConfigError(
            "scripts", SCRIPT.name, f"the files in {SCRIPT.parent.name}/", "restore the checkout"
        ) from None
