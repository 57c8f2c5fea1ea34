"""How a client behaves: pool, timeouts, deadline."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

from holdfast.errors import ConfigError


class Library(StrEnum):
    """The client library that opens connections."""

    REDIS = "redis"
    VALKEY = "valkey"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """Settings of one client. The defaults suit a Sentinel store with a down-after of 5 s.

    Attributes:
        library: redis-py (default) or valkey-py.
        pool_size: connections to one server at most. An asyncio client sends many operations
            over one connection and opens a second only under load.
        connect_timeout_seconds: for TCP and for the TLS handshake, each.
        socket_timeout_seconds: how long a reply may take.
        sentinel_timeout_seconds: the same three for Sentinels; a hung one costs this once.
        deadline_seconds: no attempt begins later than this after the first; longer than a failover
            takes. An operation ends at most one socket timeout later.
        no_replicas_seconds: how long writes are repeated that the server refuses for lack of
            replicas (``min-replicas-to-write``).
        confirm_seconds: how long a turn that asks for it waits for its replicas; at most half the
            socket timeout counts.
        health_check_seconds: a connection that was idle for longer is tried with a PING first.
    """

    library: Library = Library.REDIS
    pool_size: int = 16
    connect_timeout_seconds: float = 1.0
    socket_timeout_seconds: float = 2.0
    sentinel_timeout_seconds: float = 0.5
    deadline_seconds: float = 15.0
    no_replicas_seconds: float = 5.0
    confirm_seconds: float = 1.0
    health_check_seconds: float = 15.0

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake.

        Raises:
            ConfigError: a field is not positive, or the library is unknown.
        """
        try:
            object.__setattr__(self, "library", Library(self.library))
        except ValueError:
            raise ConfigError(
                "options.library", self.library, "redis or valkey", "choose one"
            ) from None
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name != "library" and not value > 0:
                raise ConfigError(f"options.{entry.name}", value, "more than 0", "raise it")

    @property
    def confirm_ms(self) -> int:
        """What WAIT is given: its reply must come before the socket is given up."""
        return max(1, round(1000 * min(self.confirm_seconds, self.socket_timeout_seconds / 2)))
