"""Who may do what: the roles of a store, each rule once."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """The users of a store. The name is also the login."""

    SVC = "svc"
    WORKER = "worker"
    CONSOLIDATOR = "consolidator"
    MONITOR = "monitor"
    ADMIN = "admin"
    REPLICA = "replica"
    SENTINEL = "sentinel"
    AGENT = "agent"
    PROBE = "probe"
    EXPORTER = "exporter"
    BACKUP = "backup"
