"""The servers' ACL log: it must hold the denials that a run provokes, and no others of ours."""

from __future__ import annotations

import logging
import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from holdfast.connection import Address, Capability
from holdfast.errors import HoldfastError
from holdfast.roles import Role
from holdfast.verify.access import Access
from holdfast.verify.nodes import Nodes

_LOG: Final = logging.getLogger(__name__)
_WHOLE_LOG: Final = 10_000
DEFAULT_LOG_LENGTH: Final = 128
"""How many entries a server keeps unless acllog-max-len says otherwise."""

_ADDRESS: Final = re.compile(r"\baddr=\S*?:(\d+)(?= )")
_COMMAND: Final = re.compile(r"to run the '([^']+)' command")


@dataclass(frozen=True, slots=True, order=True)
class Denial:
    """What the log groups its entries by.

    Attributes:
        user: who was denied.
        reason: ``command``, ``key``, ``channel`` or ``auth``.
        object: the command, key or channel; ``AUTH`` for a refused login.
    """

    user: str
    reason: str
    object: str

    def __str__(self) -> str:
        """As a sentence has it."""
        return f"{self.user}: {self.reason} {self.object}"


@dataclass(frozen=True, slots=True)
class Logged:
    """One entry of the log: how often, and the port from which it came last."""

    denial: Denial
    count: int
    port: int | None


@dataclass(frozen=True, slots=True)
class Log:
    """A node's log.

    Attributes:
        entries: by number; where the server does not number them, summed by what was denied.
        length: how many entries the server keeps now.
        numbered: false before 7.2. Then a log that drops old entries cannot be compared.
    """

    entries: Mapping[object, Logged]
    length: int
    numbered: bool

    @property
    def comparable(self) -> bool:
        """Whether a later log can be told from this one."""
        return self.numbered or self.length < DEFAULT_LOG_LENGTH


EMPTY: Final = Log({}, 0, numbered=True)


class Denials:
    """Denials that the probes of a run provoked, and what the logs showed, by node. Thread-safe.

    A log is looked at after each probe: it keeps few entries, and later ones push ours out.

    Args:
        before: each node's log when the run began; a node whose log could not be read is absent.
    """

    def __init__(self, before: Mapping[Address, Log]) -> None:
        self.before = before
        self._expected: dict[Address, Counter[Denial]] = {}
        self._seen: dict[Address, Log] = {}
        self._lock = threading.Lock()

    def expect(self, address: Address, denial: Denial) -> None:
        """Note that a node has just denied this."""
        with self._lock:
            self._expected.setdefault(address, Counter())[denial] += 1

    def observe(self, address: Address, log: Log) -> None:
        """Note what a node's log shows now; what was seen before stays known."""
        with self._lock:
            known = self._seen.get(address, EMPTY)
            entries = dict(log.entries)
            for number, logged in known.entries.items():
                entries.setdefault(number, logged)
            self._seen[address] = replace(log, entries=entries)

    def seen(self, address: Address) -> Log | None:
        """Every entry that a node's log has shown since the run began."""
        with self._lock:
            return self._seen.get(address)

    def expected(self, address: Address) -> Counter[Denial]:
        """What a node must have logged."""
        with self._lock:
            return Counter(self._expected.get(address, Counter()))


def refused_command(user: str, refusal: str, command: Sequence[str | int]) -> Denial:
    """What the log will say of a NOPERM reply to ``command``."""
    match = _COMMAND.search(refusal)
    if match is not None:
        return Denial(user, "command", match.group(1))
    if "channel" in refusal:
        return Denial(user, "channel", str(command[1]))
    return Denial(user, "key", first_key(command))


def first_key(command: Sequence[str | int]) -> str:
    """The key of a probe, which is the first word that looks like one of ours."""
    return next(str(word) for word in command[1:] if ":" in str(word))


def refused_login(user: str) -> Denial:
    """What the log will say of a refused AUTH."""
    return Denial(user, "auth", "AUTH")


def read_log(entries: Sequence[Any]) -> Log:
    """The reply to ACL LOG, newest entry first."""
    log: dict[object, Logged] = {}
    numbered = True
    for flat in entries:
        entry = dict(zip(flat[::2], flat[1::2], strict=True))
        denial = Denial(entry["username"], entry["reason"], entry["object"])
        match = _ADDRESS.search(entry["client-info"])
        port = int(match.group(1)) if match else None
        numbered = "entry-id" in entry
        number: object = entry["entry-id"] if numbered else denial
        known = log.get(number)
        if known is not None:
            log[number] = Logged(denial, known.count + int(entry["count"]), known.port)
        else:
            log[number] = Logged(denial, int(entry["count"]), port)
    return Log(log, len(entries), numbered)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a node's log and the run's expectation disagree about.

    Attributes:
        missing: provoked but not logged.
        unexpected: logged of this run's connections though nothing was to be denied.
        others: logged of other clients meanwhile.
    """

    missing: tuple[Denial, ...]
    unexpected: tuple[Denial, ...]
    others: tuple[Denial, ...]


def compare(
    before: Log, after: Log, expected: Mapping[Denial, int], ports: frozenset[int]
) -> Difference:
    """Compare what a log gained during a run with what the run provoked.

    Args:
        before: the log when the run began.
        after: the log at its end.
        expected: denials that the run provoked, with their number.
        ports: the ports of the run's connections, by which its entries are known.
    """
    gained: Counter[Denial] = Counter()
    ours: set[Denial] = set()
    for number, logged in after.entries.items():
        earlier = before.entries.get(number)
        gain = logged.count - (earlier.count if earlier else 0)
        if gain > 0:
            gained[logged.denial] += gain
            if logged.port in ports:
                ours.add(logged.denial)
    more = [denial for denial in sorted(gained) if gained[denial] > expected.get(denial, 0)]
    # The log merges equal denials, so what was provoked and came more often is another client's,
    # for example of a run of this tool at the same time.
    unexpected = [denial for denial in more if denial in ours and denial not in expected]
    return Difference(
        missing=tuple(d for d in sorted(expected) if gained[d] < expected[d]),
        unexpected=tuple(unexpected),
        others=tuple(denial for denial in more if denial not in unexpected),
    )


def read_logs(access: Access, nodes: Nodes) -> dict[Address, Log]:
    """The ACL log of every node that lets admin read it."""
    logs = {address: log_of(access, address) for address in nodes.everything}
    return {address: log for address, log in logs.items() if log is not None}


def log_of(access: Access, address: Address) -> Log | None:
    """The ACL log of a node; None where it cannot be read."""
    if not access.holds(Role.ADMIN) or Capability.ACL_LOG not in access.connection.capabilities:
        return None
    try:
        with access.borrow(address, Role.ADMIN) as link:
            return read_log(link.call("ACL", "LOG", _WHOLE_LOG))
    except HoldfastError as error:
        _LOG.info("no ACL log of %s: %s", address, error)
        return None
