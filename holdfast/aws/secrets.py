"""Sources of Connections that lie in AWS Secrets Manager, or whose login does.

A secret is kept in memory and looked at again in the background: no call waits for the service.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from holdfast.aws import api
from holdfast.aws.secret_value import SecretValue, malformed, read_value, region_of
from holdfast.connection import Connection
from holdfast.errors import ConfigError, HoldfastError
from holdfast.roles import Role
from holdfast.source import ConnectionSource

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

LOOK_EVERY_SECONDS: Final = 60.0
"""A call to the service a minute and process, in the background; 0.05 USD for 10 000 of them."""

_log = logging.getLogger(__name__)


class _Watched:
    """A secret that is kept in memory and looked at again in the background.

    Args:
        arn: which.
        client: of Secrets Manager; made from the ARN's region where none is given.
        look_every_seconds: at most so often the service is asked, refreshes aside.
        clock: monotonic seconds, for tests.
        changed: told of each new value, from the thread that read it.
    """

    def __init__(
        self,
        arn: str,
        client: SecretsManagerClient | None,
        look_every_seconds: float,
        clock: Callable[[], float],
        changed: Callable[[SecretValue], object],
    ) -> None:
        region = region_of(arn)
        self._arn = arn
        self._client = client if client is not None else api.secrets_manager(region)
        self._look_every_seconds = look_every_seconds
        self._clock = clock
        self._changed = changed
        self._reading = threading.Lock()
        self._looking = threading.Lock()
        self._reads = 0
        self._last = False
        self.value = read_value(self._client, arn)
        self.look_at = clock() + look_every_seconds

    def look(self) -> None:
        """Have it read in the background, if it is time for that; returns at once."""
        if not self._looking.acquire(blocking=False):
            return
        try:
            if self._clock() < self.look_at:
                return
            # Set before the answer is there: one look at a time, however long it takes.
            self.look_at = self._clock() + self._look_every_seconds
        finally:
            self._looking.release()
        threading.Thread(target=self.refresh, name="holdfast-secret", daemon=True).start()

    def refresh(self) -> bool:
        """Read it now; true if it differs. Who waited for another's reading takes that over."""
        seen = self._reads
        with self._reading:
            if self._reads == seen:
                self._last = self._read()
                self._reads += 1
            return self._last

    def _read(self) -> bool:
        try:
            value = read_value(self._client, self._arn)
        except HoldfastError as error:
            _log.warning("kept the last Connection: %s", error)
            return False
        finally:
            self.look_at = self._clock() + self._look_every_seconds
        if value == self.value:
            return False
        self.value = value
        self._changed(value)
        return True


class SecretsManagerSource:
    """A role's Connection in Secrets Manager; see :class:`holdfast.ConnectionSource`.

    It is read when this is made. Later it is looked at again in the background once a minute, and
    at once after a login was refused. While the service does not answer, the last good Connection
    is kept.

    Args:
        secret_arn: of the role's secret, as the stack's output ``connection_secrets`` has it.
        look_every_seconds: how often it is looked at (default 60).
        client: of Secrets Manager; by default the SDK's own, in the ARN's region.
        clock: monotonic seconds, for tests.

    Raises:
        ConfigError: it cannot be read the first time, or holds no Connection.
        StoreUnavailable: the service does not answer.
    """

    remote = True

    def __init__(
        self,
        secret_arn: str,
        *,
        look_every_seconds: float = LOOK_EVERY_SECONDS,
        client: SecretsManagerClient | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._arn = secret_arn
        self._clock = clock
        self._secret = _Watched(secret_arn, client, look_every_seconds, clock, self._take)
        self._connection = _connection_of(secret_arn, self._secret.value)

    def __repr__(self) -> str:
        return f"SecretsManagerSource({self._arn!r})"

    def current(self) -> Connection:
        """The Connection as last read; never waits for the service."""
        if self._clock() >= self._secret.look_at:
            self._secret.look()
        return self._connection

    def refresh(self) -> bool:
        """Read the secret now; true if the Connection differs."""
        before = self._connection
        self._secret.refresh()
        return self._connection is not before

    def _take(self, value: SecretValue) -> None:
        try:
            connection = _connection_of(self._arn, value)
        except HoldfastError as error:
            _log.warning("kept the last Connection: %s", error)
            return
        if connection != self._connection:
            self._connection = connection


def _connection_of(arn: str, value: SecretValue) -> Connection:
    if value.connection is None:
        raise malformed(arn, "a Connection beside the login")
    role = value.connection.sole_role
    return replace(value.connection, users={role: value.user(value.connection.users[role])})


class ReferenceSource:
    """A source whose Connection refers to a secret for the login of a role.

    Args:
        inner: gives the Connection.
        role: whose login is read; None for the only one.
        look_every_seconds: see :class:`SecretsManagerSource`.
        client: likewise.
        clock: likewise.

    Raises:
        ConfigError, StoreUnavailable: as for :class:`SecretsManagerSource`.
    """

    remote = True

    def __init__(
        self,
        inner: ConnectionSource,
        role: Role | None,
        *,
        look_every_seconds: float = LOOK_EVERY_SECONDS,
        client: SecretsManagerClient | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._clock = clock
        self._seen = inner.current()
        self._role = self._seen.sole_role if role is None else role
        arn = self._seen.users[self._role].secret_arn
        if arn is None:
            raise ConfigError(f"users.{self._role}", "no reference", "a secret's ARN", "report it")
        self._arn = arn
        self._secret = _Watched(arn, client, look_every_seconds, clock, self._take)
        self._connection = self._filled()

    def current(self) -> Connection:
        """The Connection with the login as last read; never waits for the service."""
        newest = self._inner.current()
        if newest is not self._seen:
            self._seen = newest
            self._take(self._secret.value)
        if self._clock() >= self._secret.look_at:
            self._secret.look()
        return self._connection

    def refresh(self) -> bool:
        """Read both again; true if the Connection differs."""
        before = self.current()
        self._inner.refresh()
        self._secret.refresh()
        return self.current() != before

    def _take(self, value: SecretValue) -> None:  # noqa: ARG002 - it is the secret's value already
        filled = self._filled()
        if filled != self._connection:
            self._connection = filled

    def _filled(self) -> Connection:
        known = self._seen.users[self._role]
        if known.secret_arn != self._arn:
            # Another way to log in since: as it stands there.
            return self._seen
        return replace(
            self._seen, users={**self._seen.users, self._role: self._secret.value.user(known)}
        )
