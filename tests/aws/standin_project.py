"""A throw-away project on an emulated AWS, through the stand-in plugin."""

from __future__ import annotations

import http.client
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, Final

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.engine import Engine
from tests.standin.aws.install import is_standin

REGION: Final = "eu-central-1"
ENGINE_SECONDS: Final = 300.0

_HEAD: Final = """\
import json

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions


"""


@dataclass(frozen=True)
class Project:
    """An engine and the AWS that it deploys to."""

    engine: Engine
    environment: Mapping[str, str]

    def write(self, program: str) -> None:
        """Replace the program; ``json``, ``pulumi``, ``aws`` and ``ResourceOptions`` are there."""
        self.engine.write_program(_HEAD + dedent(program))

    def client(self, service: str) -> Any:  # noqa: ANN401 (boto3 makes its classes as it runs)
        """A client of that AWS."""
        return boto3.client(
            service_name=service,  # type: ignore[call-overload]  # any service
            region_name=REGION,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def stored(self, name: str) -> dict[str, Any]:
        """A resource in the state, secrets in plain."""
        found = [item for item in self.engine.resources() if item["urn"].endswith(f"::{name}")]
        assert len(found) == 1, f"{name}: {found}"
        return found[0]

    def up(self, *arguments: str) -> None:
        """Deploy."""
        self._run("up", "--yes", "--skip-preview", *arguments)

    def up_unchanged(self) -> None:
        """Deploy, and fail if anything changes."""
        self.up("--expect-no-changes")

    def refresh_unchanged(self) -> None:
        """Refresh, and fail if anything differs."""
        self._run("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    def preview(self) -> str:
        """What a deployment would do, in detail."""
        return self._run("preview", "--diff")

    def destroy(self) -> None:
        """Delete everything."""
        self._run("destroy", "--yes", "--skip-preview")

    def _run(self, *arguments: str) -> str:
        return self.engine.run(*arguments, deadline_seconds=ENGINE_SECONDS).shown


def environment(url: str) -> dict[str, str]:
    """Variables for an AWS at this address: nothing of the caller's own AWS is used."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def plain_moto() -> Iterator[dict[str, str]]:
    """moto's own server in this process, for all services that need no more than it has."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line a call drowns what failed
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        _forget(host, port)
        yield environment(f"http://{host}:{port}")
    finally:
        server.stop()


def _forget(host: str, port: int) -> None:
    # moto keeps what it made for as long as the process lives.
    asked = http.client.HTTPConnection(host, port, timeout=30.0)
    asked.request("POST", "/moto-api/reset")
    assert asked.getresponse().status == 200


def project(folder: Path, variables: Mapping[str, str]) -> Project:
    """A project. Skips where the official plugin is: nothing stands in for it then."""
    engine = Engine(folder, "")
    engine.use_aws(variables)
    if not is_standin(engine.plugin):
        pytest.skip("the official plugin is here: nothing stands in for it")
    return Project(engine, variables)
