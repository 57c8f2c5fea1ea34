"""What all emulated stores have in common: servers, users, parameters, versions, lost nodes."""

from __future__ import annotations

import shutil
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import hiredis

from holdfast.acl import password_hash
from tests.servers import Install
from tests.standin.aws.dataplane.access import DEFAULT_USER, acl_file, rules_of
from tests.standin.aws.dataplane.api import Authentication, DataPlaneError, UserState
from tests.standin.aws.dataplane.following import best, wait_in_step
from tests.standin.aws.dataplane.names import Addresses, NamesFile
from tests.standin.aws.dataplane.parameters import Settings, refusal_reason
from tests.standin.aws.dataplane.process import CALL_SECONDS, Credentials, Launcher, Place, Server
from tests.standin.aws.dataplane.tokens import REFRESH_SECONDS, Target

FROZEN_SECONDS: Final = 15.0
_RESTART: Final = "only a new node has it"


@dataclass(frozen=True)
class Shared:
    """What the plane gives every store."""

    launcher: Launcher
    names: NamesFile
    addresses: Addresses


class Store(ABC):
    """Servers that belong together.

    Attributes:
        lock: held while the store changes. The control plane changes one thing at a time; the
            watch over lost nodes comes in between.
        primaries: the primary of each shard, as the plane last saw or made it.
    """

    def __init__(
        self,
        target: Target,
        folder: Path,
        *,
        shared: Shared,
        credentials: Credentials,
        install: Install,
        settings: Settings,
        users: Mapping[str, UserState] | None,
    ) -> None:
        self.store_id = target.name
        self._target = target
        self.folder = folder
        self.shared = shared
        self.install = install
        self.lock = threading.RLock()
        self.servers: dict[str, Server] = {}
        self.primaries: dict[str, Server] = {}
        self._settings = settings
        self._refused: dict[str, str] = {}
        self._credentials = credentials
        self._users = users
        self._refreshed = time.monotonic()
        self._lost_since: dict[str, float] = {}

    @abstractmethod
    def create(self, places: Sequence[Place], data: Path | None) -> None:
        """Start everything; ``data`` is a folder with an RDB file for each shard."""

    def fail_over(self, shard: str) -> Server:
        """Hand a shard over to a replica, without losing a write, and give the new primary."""
        replicas, old = self.replicas(shard), self.primaries[shard]
        if not replicas:
            message = f"{self.store_id}: shard {shard} has no replica to fail over to"
            raise DataPlaneError(message)
        if not old.responds(seconds=CALL_SECONDS):
            message = f"{self.store_id}: {old.place.member_id} is lost, a replica takes over soon"
            raise DataPlaneError(message)
        new = best(replicas)
        wait_in_step(new)
        self.hand_over(old, new)
        return new

    @abstractmethod
    def hand_over(self, old: Server, new: Server) -> None:
        """Make a replica that is in step the primary; writes wait meanwhile."""

    @abstractmethod
    def take_over(self, shard: str) -> Server:
        """Make a replica the primary of a shard that lost its own."""

    @abstractmethod
    def rejoin(self, server: Server) -> None:
        """Bring a server that was started anew back to its place, as replica of its shard."""

    @abstractmethod
    def reconcile(self, server: Server) -> None:
        """Bring a node that answers back in line: it may have been too slow for an order."""

    @abstractmethod
    def publish(self) -> None:
        """Write the names that hold now."""

    @abstractmethod
    def names(self) -> Iterable[str]:
        """All names of the store."""

    @property
    def not_applied(self) -> dict[str, str]:
        """Parameters that the servers do not have, and why."""
        return {**self._settings.not_applied, **self._refused}

    def in_shard(self, shard: str) -> list[Server]:
        """The servers of a shard by number."""
        found = [server for server in self.servers.values() if server.place.shard == shard]
        return sorted(found, key=lambda server: server.place.member_id)

    def replicas(self, shard: str) -> list[Server]:
        """Those that run and are not the primary."""
        primary = self.primaries.get(shard)
        return [
            server for server in self.in_shard(shard) if server is not primary and server.running
        ]

    def add(self, place: Place) -> Server:
        """A server that is not started yet."""
        server = Server(
            place, self.folder / place.member_id, self._credentials, self.shared.launcher
        )
        self.servers[place.member_id] = server
        return server

    def start(self, server: Server, *, data: Path | None = None) -> None:
        """Start a server with the store's users and parameters."""
        acl = acl_file(self._rules(), password_hash(self._credentials.password))
        server.start(self.install, directives=self._settings.at_start, acl=acl, data=data)
        self._configure(server)

    def remove(self, server: Server) -> None:
        """Stop a server for good."""
        server.forget()
        del self.servers[server.place.member_id]
        self._lost_since.pop(server.place.member_id, None)
        self.shared.addresses.release(server.place.address)

    def close(self) -> None:
        """Stop everything and forget the names."""
        self.shared.names.change({}, gone=list(self.names()))
        for server in list(self.servers.values()):
            self.remove(server)
        shutil.rmtree(self.folder, ignore_errors=True)

    def set_settings(self, settings: Settings) -> None:
        """Other parameter values, on every server, while it runs."""
        changed = {
            name
            for name, value in settings.at_start.items()
            if self._settings.at_start.get(name) != value
        }
        self._settings = settings
        for server in self._alive():
            self._configure(server)
        self._refused |= dict.fromkeys(changed, _RESTART)

    def set_users(self, users: Mapping[str, UserState] | None) -> None:
        """Exactly these users on every server. Logins of users that go are cut, others stay.

        Raises:
            DataPlaneError: a server refuses an access string; the users are as before.
        """
        before, self._users = self._users, users
        gone = _gone(before, users)
        try:
            self._bring_users(gone)
        except hiredis.ReplyError as error:
            self._users = before
            self._bring_users(_gone(users, before))
            message = f"{self.store_id}: the servers refuse an access string: {error}"
            raise DataPlaneError(message) from error
        acl = acl_file(self._rules(), password_hash(self._credentials.password))
        for server in self.servers.values():
            server.write_acl(acl)

    def refresh_tokens(self) -> None:
        """Let tokens of now in and too old ones no more; connections stay."""
        users = (self._users or {}).values()
        late = time.monotonic() - self._refreshed >= REFRESH_SECONDS
        if late and any(user.authentication is Authentication.IAM for user in users):
            self._bring_users([])

    def upgrade(self, install: Install) -> None:
        """Another server program on one node after another: replicas, a hand-over, the rest."""
        self.install = install
        for shard in sorted(self.primaries):
            for replica in self.replicas(shard):
                self._replace(replica)
            old = self.primaries[shard]
            if self.replicas(shard):
                self.fail_over(shard)
                self._replace(old)
            else:
                self._restart_with_data(old)

    def snapshot(self, folder: Path) -> None:
        """An RDB file for each shard."""
        for shard, primary in self.primaries.items():
            primary.save(folder / f"{shard}.rdb")

    def watch(self, detection_seconds: float) -> None:
        """Replace nodes that have been gone, or silent, for so long."""
        now = time.monotonic()
        for member_id, server in list(self.servers.items()):
            if server.responds():
                self._lost_since.pop(member_id, None)
                self.reconcile(server)
                continue
            # One that lives may only be slow, on a machine that is busy with other things.
            patience = max(detection_seconds, FROZEN_SECONDS if server.running else 0.0)
            if now - self._lost_since.setdefault(member_id, now) >= patience:
                self.recover(server)
                self._lost_since.pop(member_id, None)

    def recover(self, server: Server) -> None:
        """Fill a lost node's place, then start its replacement."""
        shard = server.place.shard
        server.stop()
        if self.primaries.get(shard) is server:
            if not self.replicas(shard):
                # As on AWS: its replacement has its place and none of its data.
                self.start(server)
                self.publish()
                return
            self.primaries[shard] = self.take_over(shard)
        self.publish()
        self.start(server)
        self.rejoin(server)
        self.publish()

    def _rules(self) -> dict[str, tuple[str, ...]]:
        return rules_of(self._users, self._target, time.time())

    def _bring_users(self, gone: Sequence[str]) -> None:
        rules = self._rules()
        self._refreshed = time.monotonic()
        for server in self._alive():
            with server.open() as connection:
                for name, words in rules.items():
                    connection.call("ACL", "SETUSER", name, *words)
                if gone:
                    connection.call("ACL", "DELUSER", *gone)

    def _alive(self) -> list[Server]:
        # A node that is lost gets the store's users and parameters when it is replaced.
        return [server for server in self.servers.values() if server.running]

    def _replace(self, server: Server) -> None:
        server.stop()
        self.publish()
        self.start(server)
        self.rejoin(server)
        self.publish()

    def _restart_with_data(self, server: Server) -> None:
        kept = self.folder / "kept.rdb"
        server.save(kept)
        server.stop()
        self.start(server, data=kept)
        kept.unlink()

    def _configure(self, server: Server) -> None:
        refused: dict[str, str] = {}
        with server.open() as connection:
            for name, value in self._settings.live.items():
                try:
                    connection.call("CONFIG", "SET", name, value)
                except hiredis.ReplyError as error:
                    refused[name] = refusal_reason(str(error))
        self._refused = refused


@contextmanager
def changing(store: Store) -> Iterator[None]:
    """Nobody else changes the store meanwhile; a server's refusal is a DataPlaneError."""
    with store.lock:
        try:
            yield
        except (OSError, hiredis.ReplyError) as error:
            message = f"{store.store_id}: {error or type(error).__name__}"
            raise DataPlaneError(message) from error


def _gone(
    before: Mapping[str, UserState] | None, after: Mapping[str, UserState] | None
) -> list[str]:
    # The servers' own `default` is switched off or on, never removed.
    return [name for name in before or {} if name not in {**(after or {}), DEFAULT_USER: None}]
