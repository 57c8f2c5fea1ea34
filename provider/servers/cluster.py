"""ClusterFormation: makes a cluster of running servers, and notices when it is none any more."""
# ruff: noqa: ARG002, S105 (the signatures are those of Resource; "token" means a type token)

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar, Final

from holdfast.connection import Address
from holdfast.errors import ConfigError, HoldfastError
from provider.diffs import DiffResult, compare_inputs
from provider.fields import Fields
from provider.resource import CheckResult, Context, Created, Failure, Found, Resource, Stored
from provider.servers.admin import PROBE_SECONDS, Access, Admin, Login, Refused, connect
from provider.servers.formation import (
    SLOTS,
    Round,
    View,
    next_round,
    parse_nodes,
    stuck,
    with_addresses,
)
from provider.servers.health import Waiting
from provider.values import Properties, is_known

_FORM_SECONDS: Final = 60.0
_MIN_PRIMARIES: Final = 3
STATE_OK: Final = "ok"
STATE_DEGRADED: Final = "degraded"
STATE_UNREACHABLE: Final = "unreachable"


class ClusterFormation(Resource):
    """Lets servers meet, gives them slots and replicas, waits until all say ``ok``.

    The first nodes become primaries. Half-formed clusters are finished; nodes with other data
    are refused. Deleting it does nothing: the cluster ends with its processes.
    """

    token: ClassVar[str] = "holdfast:index:ClusterFormation"
    computed: ClassVar[frozenset[str]] = frozenset({"state", "slotsCovered"})
    secret_outputs: ClassVar[frozenset[str]] = frozenset({"adminPassword"})
    refresh_before_update: ClassVar[bool] = True

    def check(self, old: Properties, new: Properties, context: Context) -> CheckResult:
        """The nodes make whole shards, and stay those that it was formed of."""
        fields = Fields(new)
        fields.any("nodes")
        fields.integer("replicasPerPrimary", low=0, high=5, default=1)
        fields.text("adminUsername")
        fields.text("adminPassword", secret=True)
        fields.text("tlsCaPem")
        result = fields.result()
        failures = []
        if fields.known("nodes", "replicasPerPrimary"):
            try:
                _check_nodes(result.inputs, old)
            except ConfigError as error:
                failures.append(Failure(error.field, str(error)))
        return CheckResult(result.inputs, (*result.failures, *failures))

    def diff(self, stored: Stored, inputs: Properties, context: Context) -> DiffResult:
        """A slot that nobody serves, or nodes that do not agree, are drift."""
        result = compare_inputs(stored.inputs, inputs)
        drift = [] if stored.outputs.get("state") == STATE_OK else ["state"]
        drift += [] if stored.outputs.get("slotsCovered") == SLOTS else ["slotsCovered"]
        return result.with_drift(*drift)

    def create(self, inputs: Properties, context: Context) -> Created:
        """Form the cluster."""
        outputs = self._form(inputs, _access(inputs), context)
        return Created(",".join(map(str, _addresses(inputs))), outputs)

    def read(self, stored: Stored, context: Context) -> Found | None:
        """Ask every node; one that does not answer makes it unreachable, not gone."""
        if not stored.inputs:
            return None
        try:
            with _connected(stored.inputs, _access(stored.inputs)) as admins:
                views = [_view(admin, address) for address, admin in admins]
        except HoldfastError:
            outputs = {**stored.outputs, "state": STATE_UNREACHABLE, "slotsCovered": 0}
            return Found(outputs)
        return Found({**stored.outputs, **_summary(views)})

    def update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        """Finish or mend it."""
        access = _access(inputs, stored.inputs)
        return self._form(inputs, access, context)

    def delete(self, stored: Stored, context: Context) -> None:
        """Nothing: the processes are resources of their own, and their state goes with them."""

    def _form(self, inputs: Properties, access: Access, context: Context) -> Properties:
        seconds = context.timeout_seconds or _FORM_SECONDS
        replicas = inputs["replicasPerPrimary"]
        views: list[View] = []
        last = Round("an answer of every node")
        refused = ""

        def formed() -> bool:
            nonlocal views, last, refused
            views = [_view(admin, address) for address, admin in admins]
            last = next_round(views, replicas)
            for command in last.commands:
                try:
                    dict(admins)[command.node].call(*command.words)
                except Refused as error:
                    # A primary not known there yet, a slot just taken: the next round sees it.
                    refused = f" ({command.node} refused {command.words[1]}: {error})"
            return last.done

        with _connected(inputs, access) as admins:
            if not Waiting(seconds, context.wait).until(formed):
                raise stuck(last.waits_for + refused, views, seconds)
        return {**inputs, **_summary(views)}


def _check_nodes(inputs: Properties, old: Properties) -> None:
    nodes, shard = inputs["nodes"], inputs["replicasPerPrimary"] + 1
    if not isinstance(nodes, list) or not all(
        isinstance(node, dict) and {"address", "port"} <= node.keys() for node in nodes
    ):
        raise ConfigError("nodes", "(other)", "a list of {node, address, port}", "correct it")
    if len(nodes) % shard or len(nodes) // shard < _MIN_PRIMARIES:
        raise ConfigError(
            "nodes",
            f"{len(nodes)} nodes with {shard - 1} replicas a primary",
            f"at least {_MIN_PRIMARIES} primaries, each with its replicas",
            f"give {_MIN_PRIMARIES * shard} nodes, or a multiple of {shard} above that",
        )
    addresses = _addresses(inputs)
    if len(set(addresses)) < len(addresses):
        raise ConfigError("nodes", "an address given twice", "nodes that differ", "correct it")
    if is_known(old.get("nodes")) and old.get("nodes") and set(_addresses(old)) != set(addresses):
        raise ConfigError(
            "nodes",
            f"{len(nodes)} nodes",
            "the nodes that the cluster was formed of: slots are not moved by this resource",
            "keep them, or destroy the stack first",
        )


def _addresses(inputs: Properties) -> list[Address]:
    return [Address(node["address"], int(node["port"])) for node in inputs["nodes"]]


def _access(*inputs: Properties) -> Access:
    logins = dict.fromkeys(Login(i["adminUsername"], i["adminPassword"]) for i in inputs)
    return Access(tuple(logins), "\n".join(dict.fromkeys(i["tlsCaPem"] for i in inputs)))


@contextmanager
def _connected(inputs: Properties, access: Access) -> Iterator[list[tuple[Address, Admin]]]:
    context = access.tls_context()
    with ExitStack() as stack:
        yield [
            (
                address,
                stack.enter_context(
                    connect(address, access, context=context, timeout_seconds=PROBE_SECONDS)
                ),
            )
            for address in _addresses(inputs)
        ]


def _view(admin: Admin, address: Address) -> View:
    info = dict(
        line.split(":", 1) for line in str(admin.call("CLUSTER", "INFO")).splitlines() if line
    )
    replication = admin.info("replication")
    return with_addresses(
        View(
            address,
            parse_nodes(str(admin.call("CLUSTER", "NODES"))),
            ok=info["cluster_state"] == STATE_OK,
            slots_ok=int(info["cluster_slots_ok"]),
            keys=int(admin.call("DBSIZE")),
            in_step=replication["role"] == "master"
            or replication.get("master_link_status") == "up",
        )
    )


def _summary(views: Sequence[View]) -> dict[str, Any]:
    whole = all(view.ok and view.slots_ok == SLOTS and view.in_step for view in views)
    alike = len({frozenset(p.id for p in (view.myself, *view.others)) for view in views}) == 1
    return {
        "state": STATE_OK if whole and alike else STATE_DEGRADED,
        "slotsCovered": min(view.slots_ok for view in views),
    }
