"""Where a running client gets its Connection from, so that rotation reaches it.

A source is asked before every operation and must answer at once; it reads again when its file has
changed and, by :meth:`ConnectionSource.refresh`, after an authentication or TLS failure.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from holdfast.connection import Connection
from holdfast.errors import ConfigError
from holdfast.roles import Role

CONNECTION_VARIABLE: Final = "HOLDFAST_CONNECTION"

_log = logging.getLogger(__name__)
_LOOK_EVERY_SECONDS: Final = 1.0


@runtime_checkable
class ConnectionSource(Protocol):
    """Gives the Connection that is valid now; thread-safe."""

    def current(self) -> Connection:
        """The newest Connection. The same object until something changed."""
        ...

    def refresh(self) -> bool:
        """Read again at once; true if something changed."""
        ...


class StaticSource:
    """A Connection that never changes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def current(self) -> Connection:
        """The Connection that was given."""
        return self._connection

    def refresh(self) -> bool:
        """Nothing to read: always false."""
        return False


class FileSource:
    """A JSON file, e.g. of a mounted Secret, which changes by the swap of a symbolic link.

    A file that cannot be read any more is logged and the last good Connection kept: a running
    client must not stop because a rotation is half done.

    Args:
        path: the file.
        look_every_seconds: at most this often the file's identity is looked at (default 1).
        clock: seconds, for tests.

    Raises:
        ConfigError: the file cannot be read the first time.
        ConnectionFormatError: it holds no Connection.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        look_every_seconds: float = _LOOK_EVERY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = Path(path)
        self._look_every_seconds = look_every_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._look_at = clock() + look_every_seconds
        self._identity, self._connection = self._read()

    def current(self) -> Connection:
        """The Connection; the file is looked at once a second at most."""
        if self._clock() >= self._look_at:
            with self._lock:
                if self._clock() >= self._look_at:
                    self._reread(force=False)
        return self._connection

    def refresh(self) -> bool:
        """Read the file whatever its time stamps say; true if the Connection differs."""
        with self._lock:
            return self._reread(force=True)

    def _reread(self, *, force: bool) -> bool:
        self._look_at = self._clock() + self._look_every_seconds
        try:
            if not force and self._identify() == self._identity:
                return False
            identity, connection = self._read()
        except (OSError, ConfigError) as error:
            _log.warning("kept the last Connection: %s cannot be read (%s)", self._path, error)
            return False
        self._identity = identity
        if connection == self._connection:
            return False
        self._connection = connection
        return True

    def _identify(self) -> tuple[int, int, int]:
        status = self._path.stat()
        return status.st_mtime_ns, status.st_ino, status.st_size

    def _read(self) -> tuple[tuple[int, int, int], Connection]:
        try:
            # Identified before it is read: a change in between is then seen at the next look.
            identity = self._identify()
            text = self._path.read_text()
        except OSError as error:
            raise ConfigError(
                "connection file", str(self._path), "a file that can be read", str(error.strerror)
            ) from error
        return identity, Connection.from_json(text)


class EnvironmentSource:
    """``HOLDFAST_CONNECTION``: the JSON itself, a file's path, or the ARN of a secret with it.

    Raises:
        ConfigError: the variable is not set, or names a file or secret that cannot be read.
        ConnectionFormatError: there is no Connection in it.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        values = os.environ if environment is None else environment
        text = values.get(CONNECTION_VARIABLE, "").strip()
        if not text:
            raise ConfigError(
                CONNECTION_VARIABLE,
                "nothing",
                "a Connection as JSON, a file's path, or the ARN of a secret",
                "set it",
            )
        self._source: ConnectionSource = (
            StaticSource(Connection.from_json(text)) if text.startswith("{") else _named(text)
        )
        self.remote = is_remote(self._source)

    def current(self) -> Connection:
        """The Connection; a file or secret is looked at again."""
        return self._source.current()

    def refresh(self) -> bool:
        """Read a file or secret again; true if something changed."""
        return self._source.refresh()


def is_remote(source: ConnectionSource) -> bool:
    """Whether its ``refresh`` waits for a network: an event loop must not do that itself.

    A source of an application's own says so by an attribute ``remote``.
    """
    return bool(getattr(source, "remote", False))


def is_secret_arn(text: str) -> bool:
    """Whether a text names a secret of AWS Secrets Manager."""
    return text.startswith("arn:") and ":secretsmanager:" in text


def secret_source(arn: str) -> ConnectionSource:
    """The Connection in a secret. Raises ConfigError where the AWS SDK is not installed."""
    try:
        from holdfast.aws.secrets import SecretsManagerSource  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise _without_sdk(arn, error) from None
    return SecretsManagerSource(arn)


def with_logins(source: ConnectionSource, role: Role | str | None) -> ConnectionSource:
    """A source that also reads the secret which the role's login refers to, where it does.

    Raises:
        ConfigError: it cannot be read, or the AWS SDK is not installed.
    """
    connection = source.current()
    chosen = connection.sole_role if role is None else Role(role)
    user = connection.users.get(chosen)
    if user is None or user.secret_arn is None:
        return source
    try:
        from holdfast.aws.secrets import ReferenceSource  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise _without_sdk(user.secret_arn, error) from None
    return ReferenceSource(source, chosen)


def _without_sdk(arn: str, error: ImportError) -> ConfigError:
    return ConfigError(
        "secret",
        arn,
        "the AWS SDK, which reads it",
        f"pip install 'holdfast[aws]' ({error.name} is missing)",
    )


def _named(text: str | PathLike[str]) -> ConnectionSource:
    if isinstance(text, str) and is_secret_arn(text):
        return secret_source(text)
    return FileSource(text)


def as_source(
    source: Connection | ConnectionSource | str | PathLike[str] | None,
) -> ConnectionSource:
    """Whatever an application passes as a source; None means the environment."""
    if source is None:
        return EnvironmentSource()
    if isinstance(source, Connection):
        return StaticSource(source)
    if isinstance(source, (str, PathLike)):
        return _named(source)
    return source
