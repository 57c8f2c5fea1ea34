"""The checkout's own stack on the emulated AWS, under the real engine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from holdfast.aws.api import EMULATION
from holdfast.connection import Address, Connection, Tls
from tests.deployed import DeployedStack
from tests.engine import Engine, Run
from tests.records import VARIABLE
from tests.standin.aws.dataplane.engines import SERVERS
from tests.standin.aws.emulator import Emulator
from tests.standin.aws.emulator.environment import exports

DEPLOY_SECONDS: Final = 300.0
COMMAND_SECONDS: Final = 300.0
REGION: Final = "eu-west-1"
REAL: Final = f"Valkey {SERVERS['9.1']} for 9.1"
"""The version of a record is what the store was asked to be; this is what ran."""

WHERE: Final = f"{REAL}; {EMULATION}"


@dataclass
class AwsStack(DeployedStack):
    """A stack of target aws; nothing is deployed until :meth:`up`.

    Attributes:
        engine: the copy of the checkout.
        emulator: what it is deployed to.
    """

    target = "aws"
    deploy_seconds = DEPLOY_SECONDS

    emulator: Emulator

    @classmethod
    def prepare(cls, folder: Path, emulator: Emulator, **settings: str) -> AwsStack:
        """Copy the checkout and initialise its stack.

        Args:
            folder: an empty folder.
            emulator: where to.
            settings: keys without their namespace, in place of the defaults.
        """
        engine = Engine.of_checkout(folder)
        engine.use_aws(exports(emulator.layout, emulator.state, engine.environment))
        stack = cls(engine, emulator)
        given = {"target": "aws", "region": REGION, "engineVersion": "9.1"}
        stack.set(**{**given, "expectedSessions": "500", **settings})
        return stack

    def unchanged(self) -> None:
        """Neither the program nor what is there asks for a change."""
        self._timed("up unchanged", "up", "--yes", "--skip-preview", "--expect-no-changes")
        self._timed("refresh", "refresh", "--yes", "--skip-preview", "--expect-no-changes")

    def preview(self, *arguments: str, fails: bool = False) -> Run:
        """Say what a deployment would do."""
        return self._timed("preview", "preview", *arguments, fails=fails)

    def destroy(self) -> None:
        """Delete the stack, protected or not."""
        self.engine.run("state", "unprotect", "--all", "--yes")
        self._timed("destroy", "destroy", "--yes", "--skip-preview")

    def from_here(self, connection: Connection) -> Connection:
        """A Connection by which this process, too, reaches the servers as they are named now."""
        state = self.emulator.state
        assert state.ca_file is not None
        assert state.names_file is not None
        names = json.loads(Path(state.names_file).read_text())
        return replace(
            connection,
            tls=Tls(Path(state.ca_file).read_text()),
            dial={name: addresses[0] for name, addresses in names.items()},
        )

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Programs in the block cannot find the store's names, as outside of its network."""
        names = self.engine.environment.pop("HOLDFAST_AWS_NAMES")
        try:
            yield
        finally:
            self.engine.environment["HOLDFAST_AWS_NAMES"] = names

    def nodes(self) -> list[Address]:
        """Each node of a replication group by its own name, as AWS tells it."""
        group_id = self.engine.outputs()["resources"]["replication_group_id"]
        group = self.client("elasticache").describe_replication_groups(ReplicationGroupId=group_id)
        return [
            Address(member["ReadEndpoint"]["Address"], member["ReadEndpoint"]["Port"])
            for shard in group["ReplicationGroups"][0]["NodeGroups"]
            for member in shard["NodeGroupMembers"]
        ]

    def run(self, name: str, *arguments: str, code: int = 0) -> str:
        """Run a script on this stack to its end; what it printed on stdout.

        Fails the test, everything shown, where it does not end with ``code``.
        """
        done = self._finish(
            name, *arguments, seconds=COMMAND_SECONDS, wanted=lambda ended: ended == code
        )
        sys.stderr.write(done.stderr)
        return done.stdout

    def record(self, where: str) -> tuple[str, ...]:
        """Arguments by which a script keeps what it showed, where ``HOLDFAST_RECORDS`` is set."""
        file = os.environ.get(VARIABLE)
        return ("--record", str(Path(file).absolute()), "--where", where) if file else ()

    def client(self, service: str) -> Any:  # noqa: ANN401 - a client of boto3
        """What AWS has, in the stack's region."""
        return self.emulator.client(service, region_name=REGION)

    def secrets_in_plain(self) -> list[str]:
        """Roles whose password stands in the state, or in its plain outputs, for all to read."""
        connection = self.connection
        told = json.dumps(self.engine.export())
        shown = self.engine.run("stack", "output", "--json").stdout
        return [
            role.value
            for role, user in connection.users.items()
            if user.password is not None and (user.password in told or user.password in shown)
        ]


@contextmanager
def deployed(folder: Path, emulator: Emulator, **settings: str) -> Iterator[AwsStack]:
    """A stack that is up; destroyed at the end, whatever happens."""
    with standing(AwsStack.prepare(folder, emulator, **settings)) as stack:
        yield stack


@contextmanager
def standing(stack: AwsStack) -> Iterator[AwsStack]:
    """A prepared stack, up in the block; destroyed at the end, whatever happens."""
    try:
        stack.up()
        yield stack
    finally:
        stack.destroy()
