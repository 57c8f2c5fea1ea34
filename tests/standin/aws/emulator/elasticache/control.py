"""The control plane of one account in one region: what there is, and changes that take a while."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.standin.aws.dataplane.api import Authentication, DataPlane, UserState
from tests.standin.aws.emulator.elasticache.state import (
    Event,
    Group,
    ParameterGroup,
    Serverless,
    ServerlessSnapshot,
    Snapshot,
    SubnetGroup,
    User,
    UserGroup,
)

Params = Mapping[str, Any]
"""Of a request, as the service's model names and types them."""
Result = dict[str, Any]
"""Of a response, likewise."""

_LOG: Final = logging.getLogger("elasticache")
_MOST_EVENTS: Final = 2000
_DEFAULT_USER: Final = "default"
_NO_SERVERS: Final = frozenset(("creating", "create-failed", "deleting"))


@dataclass
class Settings:
    """What all control planes of a process share."""

    plane: DataPlane
    snapshots: Path
    delay_seconds: float


@dataclass
class Control:
    """State of one region. Requests hold ``lock``; work on servers holds the lane of its store."""

    region: str
    account: str
    settings: Settings
    users: dict[str, User] = field(default_factory=dict)
    user_groups: dict[str, UserGroup] = field(default_factory=dict)
    subnet_groups: dict[str, SubnetGroup] = field(default_factory=dict)
    parameter_groups: dict[str, ParameterGroup] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    serverless: dict[str, Serverless] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    serverless_snapshots: dict[str, ServerlessSnapshot] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _lanes: dict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))

    def __post_init__(self) -> None:
        self.users[_DEFAULT_USER] = User(
            _DEFAULT_USER,
            _DEFAULT_USER,
            "redis",
            "on ~* +@all",
            Authentication.NO_PASSWORD,
            self.arn("user", _DEFAULT_USER),
        )

    @property
    def plane(self) -> DataPlane:
        """The servers."""
        return self.settings.plane

    def arn(self, kind: str, name: str) -> str:
        """Of a thing of this region."""
        return f"arn:aws:elasticache:{self.region}:{self.account}:{kind}:{name}"

    def note(self, source: str, kind: str, message: str) -> None:
        """Keep an event."""
        self.events.append(Event(source, kind, message))
        del self.events[:-_MOST_EVENTS]

    def later(
        self,
        what: str,
        *,
        stores: Iterable[str] = (),
        work: Callable[[], None],
        done: Callable[[], None],
        failed: Callable[[], None],
    ) -> None:
        """Do something that takes a while, in a thread of its own.

        Args:
            what: for the log.
            stores: lanes that the work holds, so that no two changes of a store meet.
            work: with the servers; without ``lock``.
            done: afterwards, with ``lock``.
            failed: instead of ``done``, where the work raised; with ``lock``.
        """
        lanes = [self._lanes[store] for store in sorted(set(stores))]

        def run() -> None:
            time.sleep(self.settings.delay_seconds)
            with ExitStack() as held:
                for lane in lanes:
                    held.enter_context(lane)
                try:
                    work()
                except Exception:  # noqa: BLE001 - see below
                    # Whatever it is, the thing must show that it failed.
                    _LOG.exception("%s failed", what)
                    with self.lock:
                        failed()
                    return
                with self.lock:
                    done()

        threading.Thread(target=run, name=what, daemon=True).start()

    def users_of(self, user_group_ids: Iterable[str]) -> dict[str, UserState] | None:
        """What the servers of a store get; None where no user group is attached."""
        ids = list(user_group_ids)
        if not ids:
            return None
        return {
            self.users[user_id].user_name: self.users[user_id].for_servers()
            for group_id in ids
            for user_id in self.user_groups[group_id].user_ids
            if user_id in self.users
        }

    def lanes_of(self, user_group_ids: Iterable[str]) -> list[str]:
        """The stores that these user groups are attached to."""
        ids = set(user_group_ids)
        found = [f"group/{name}" for name, it in self.groups.items() if ids & set(it.user_groups)]
        found += [
            f"serverless/{name}" for name, it in self.serverless.items() if it.user_group in ids
        ]
        return found

    def push_users(self, stores: Iterable[str]) -> None:
        """Bring the servers' users up to date. Called as work, with the lanes held."""
        for store in stores:
            kind, _, name = store.partition("/")
            with self.lock:
                there: Group | Serverless | None
                if kind == "group":
                    there = self.groups.get(name)
                    attached = there.user_groups if there is not None else []
                else:
                    there = self.serverless.get(name)
                    attached = [there.user_group] if there and there.user_group else []
                users = self.users_of(attached)
            if there is None or there.status in _NO_SERVERS:
                continue
            if kind == "group":
                self.plane.set_users(name, users)
            else:
                self.plane.set_serverless_users(name, users)

    def groups_with_user(self, user_id: str) -> list[str]:
        """Ids of the user groups that a user is in."""
        return [name for name, group in self.user_groups.items() if user_id in group.user_ids]


def page(items: list[Result], params: Params, key: str) -> Result:
    """A page of a list, as ``MaxRecords`` and ``Marker`` ask for it."""
    start = int(params.get("Marker") or 0)
    count = int(params.get("MaxRecords") or 100)
    result: Result = {key: items[start : start + count]}
    if start + count < len(items):
        result["Marker"] = str(start + count)
    return result
