"""What a resource of this provider is: six operations over plain Python dicts.

The gRPC base (provider.server) translates: secrets are unwrapped before a resource sees them and
wrapped again in whatever it returns; values that a preview does not know are UNKNOWN; errors of
holdfast.errors reach the user as their message alone. Operations run on threads, several at once:
a resource object keeps no state of its own.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from holdfast.errors import HoldfastError
from provider.codec import Decoded, Path, secret_paths
from provider.diffs import DiffResult
from provider.values import UNKNOWN, Properties


class Severity(StrEnum):
    """How a message is shown to the user. DEBUG only with ``--debug``."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Log(Protocol):
    """Shows a message beside the resource. Never pass a secret."""

    def __call__(self, severity: Severity, message: str, *, ephemeral: bool = False) -> None:
        """Show it; ``ephemeral`` only as the passing status of the running operation."""


class Cancelled(HoldfastError):
    """The user stopped the run (Ctrl-C); what exists so far is kept."""


class PartialFailure(HoldfastError):
    """Create or update failed, but something exists and belongs into the state.

    The next ``up`` repairs it by update, ``destroy`` deletes it: nothing is orphaned.

    Attributes:
        id: the id of what exists.
        outputs: its properties as far as they hold, inputs echoed.
        reasons: what went wrong, for the user.
        inputs: from Read alone, which may find that they differ from the stored ones.
    """

    def __init__(
        self, id: str, outputs: Properties, *reasons: str, inputs: Properties | None = None
    ) -> None:
        self.id = id
        self.outputs = outputs
        self.reasons = reasons
        self.inputs = inputs
        super().__init__("; ".join(reasons))


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def _silent(severity: Severity, message: str, *, ephemeral: bool = False) -> None:
    """Log nothing: for tests and for callers without an engine."""


@dataclass(frozen=True)
class Context:
    """One operation's surroundings.

    Attributes:
        urn: the resource's URN, ``urn:pulumi:<stack>::<project>::<types>::<name>``.
        preview: nothing may be created, changed or deleted.
        timeout_seconds: the user's ``custom_timeouts``, None if not given.
        cancelled: set when the user stops the run.
        log: shows messages.
        now: the clock (UTC).
        random_seed: from Check, for names that the provider makes up.
        ignore_changes: from Diff and Update, property paths that the user's options exempt.
    """

    urn: str
    preview: bool = False
    timeout_seconds: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    log: Log = _silent
    now: Callable[[], datetime] = utc_now
    random_seed: bytes = b""
    ignore_changes: tuple[str, ...] = ()

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.urn.removeprefix("urn:pulumi:").split("::")[0]

    @property
    def project(self) -> str:
        """The project's name."""
        return self.urn.split("::")[1]

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.split("::", 3)[3]

    @property
    def owner(self) -> str:
        """``<project>/<stack>``: what a folder or a process on this machine belongs to."""
        return f"{self.project}/{self.stack}"

    def check_cancelled(self) -> None:
        """Raise Cancelled if the user stopped the run. Long operations call it between steps."""
        if self.cancelled.is_set():
            raise Cancelled("stopped by the user")

    def wait(self, seconds: float) -> None:
        """Sleep; wakes up and raises Cancelled if the user stops the run."""
        self.cancelled.wait(seconds)
        self.check_cancelled()


@dataclass(frozen=True)
class Failure:
    """One property that Check refuses, and why (``reason`` carries value, rule and fix)."""

    property: str
    reason: str


@dataclass(frozen=True)
class CheckResult:
    """Checked inputs, with defaults filled in, and what is wrong with them."""

    inputs: Properties
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Stored:
    """What the engine's state holds of a resource.

    Attributes:
        id: the id that Create returned.
        inputs: as last applied. Empty in Read for an import.
        outputs: as Create, Update or Read last returned them.
    """

    id: str
    inputs: Properties
    outputs: Properties


@dataclass(frozen=True)
class Created:
    """A new resource: its id and all outputs, inputs echoed where the program reads them."""

    id: str
    outputs: Properties


@dataclass(frozen=True)
class Found:
    """What Read found.

    Attributes:
        outputs: as they are now; a difference to the stored ones is shown as drift.
        inputs: None leaves the stored inputs as they are.
    """

    outputs: Properties
    inputs: Properties | None = None


class Resource(ABC):
    """One resource type.

    Class attributes:
        token: type token, ``holdfast:index:Noun``.
        computed: names of the computed outputs, unknown while a create is previewed.
        secret_outputs: outputs (computed or echoed) that are always secret in the state. An
            echoed input that came in as a secret stays one without being named here.
        refresh_before_update: the engine reads the resource before each update, also without
            ``--refresh``.

    Errors: raise ConfigError (or another HoldfastError) for what the user can mend; ConfigError
    raised by ``check`` becomes a failure of the property it names.
    """

    token: ClassVar[str]
    computed: ClassVar[frozenset[str]] = frozenset()
    secret_outputs: ClassVar[frozenset[str]] = frozenset()
    refresh_before_update: ClassVar[bool] = False

    @abstractmethod
    def check(self, old: Properties, new: Properties, context: Context) -> CheckResult:
        """Validate and complete inputs. ``new`` may hold UNKNOWN; ``old`` is {} at first."""

    @abstractmethod
    def diff(self, stored: Stored, inputs: Properties, context: Context) -> DiffResult:
        """Compare the state with checked inputs. Changes nothing; also runs in previews."""

    @abstractmethod
    def create(self, inputs: Properties, context: Context) -> Created:
        """Make it. Everything is known. Raise PartialFailure once something exists."""

    @abstractmethod
    def read(self, stored: Stored, context: Context) -> Found | None:
        """Look at what is there; None if it is gone. Only outputs that were found may differ."""

    @abstractmethod
    def update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        """Bring it to the new inputs in place and return all outputs."""

    @abstractmethod
    def delete(self, stored: Stored, context: Context) -> None:
        """Remove it. Already gone is success."""

    def secrets(
        self, values: Properties, *sources: Decoded, always: Iterable[str] = ()
    ) -> frozenset[Path]:
        """Which of ``values`` to wrap as secret, given where the sources were secret."""
        return secret_paths(values, *sources, always=always)

    def preview_create(self, inputs: Properties, context: Context) -> Properties:  # noqa: ARG002
        """Outputs that a create would have; computed ones are unknown unless overridden."""
        return {**inputs, **dict.fromkeys(self.computed, UNKNOWN)}

    def preview_update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        """Outputs that an update would have: stable ones kept, other computed ones unknown."""
        stables = self.diff(stored, inputs, context).stables
        computed = {
            name: stored.outputs[name] if name in stables and name in stored.outputs else UNKNOWN
            for name in self.computed
        }
        return {**inputs, **computed}
