"""ServerProcess: one server or Sentinel as a process of this machine."""
# ruff: noqa: S105 ("token" means a type token)

from __future__ import annotations

from typing import ClassVar

from holdfast.errors import HoldfastError, Unsupported
from provider.diffs import DiffResult, compare_inputs
from provider.fields import Fields
from provider.resource import (
    CheckResult,
    Context,
    Created,
    Failure,
    Found,
    PartialFailure,
    Resource,
    Severity,
    Stored,
)
from provider.servers import group
from provider.servers.changes import plan
from provider.servers.checks import bad_values, refused_together, with_kept_meanings
from provider.servers.live import apply_live
from provider.servers.node import Node
from provider.servers.process import Running
from provider.servers.spec import (
    DEFAULT_ADDRESS,
    DEFAULT_START_TIMEOUT_SECONDS,
    Kind,
    ServerSpec,
)
from provider.servers.tlspair import check_material
from provider.servers.versions import ServerVersion, installed_version
from provider.values import Properties, is_known


class ServerProcess(Resource):
    """Runs ``valkey-server`` or ``redis-server`` in ``<group_dir>/<node>``, detached.

    Another node, group_dir or kind replaces it (the old one goes first, with its data). The port
    cannot change. All else is applied in place: without a restart where the server can, else
    with one that keeps the data.
    """

    token: ClassVar[str] = "holdfast:index:ServerProcess"
    computed: ClassVar[frozenset[str]] = frozenset(
        {"pid", "running", "serverVersion", "dataDir", "confPath", "drift"}
    )
    secret_outputs: ClassVar[frozenset[str]] = frozenset(
        {"adminPassword", "tlsPrivateKeyPem", "secretDirectives", "acl"}
    )
    refresh_before_update: ClassVar[bool] = True

    def check(self, old: Properties, new: Properties, context: Context) -> CheckResult:  # noqa: ARG002
        """Refuse what no server could run on, before anything is touched."""
        fields = Fields(new)
        for name in ("node", "groupDir", "owner", "executable", "adminUsername"):
            fields.text(name)
        for name in ("tlsCertificatePem", "tlsCaPem"):
            fields.text(name)
        for name in ("adminPassword", "acl", "tlsPrivateKeyPem"):
            fields.text(name, secret=True)
        fields.text("kind", choices=[kind.value for kind in Kind])
        fields.text("address", default=DEFAULT_ADDRESS)
        fields.any("port")
        fields.flag("keepData", default=False)
        fields.any("startTimeoutSeconds", default=DEFAULT_START_TIMEOUT_SECONDS)
        for name in ("directives", "secretDirectives", "seed"):
            fields.any(name, default={})
        result = fields.result()
        refused = {failure.property for failure in result.failures}
        known = {n: v for n, v in result.inputs.items() if n not in refused and is_known(v)}
        errors = bad_values(known)
        refused = {error.field.partition(".")[0] for error in errors}
        sound = {n: v for n, v in known.items() if n not in refused}
        errors += refused_together(old, sound)
        found = [Failure(error.field, str(error)) for error in errors]
        return CheckResult(result.inputs, (*result.failures, *found))

    def diff(self, stored: Stored, inputs: Properties, context: Context) -> DiffResult:  # noqa: ARG002
        """What differs in meaning; a dead process and changed files are drift."""
        drift = [] if stored.outputs.get("running") else ["running"]
        drift += ["drift"] if stored.outputs.get("drift") else []
        stables = {"dataDir", "confPath"}
        if not drift and is_known(inputs):
            old, new = _spec(stored.inputs), _spec(inputs)
            if old.executable == new.executable:
                stables.add("serverVersion")
            if not plan(old, new).restart:
                stables |= {"pid", "running", "drift"}
        return compare_inputs(
            stored.inputs,
            with_kept_meanings(stored.inputs, inputs),
            replace_on={"node", "groupDir", "kind"},
            stables=stables,
            delete_before_replace=True,
        ).with_drift(*drift)

    def create(self, inputs: Properties, context: Context) -> Created:
        """Start it on a new folder, or on what an earlier run or a kept folder left."""
        node = _node(inputs, None, context)
        version = _checked(node.spec)
        # Both again with the lock held; here they refuse before a folder is made.
        node.record()
        node.require_startable(version)
        try:
            with group.locked(node.spec.group_dir, context.wait):
                group.survey(node.spec.group_dir, node.owners)
                running = node.boot(version)
            node.wait_ready(running)
        except HoldfastError as error:
            if not node.spec.layout.record.exists():
                node.remove_empty_folders()
                raise
            left = node.running()
            outputs = _outputs(inputs, node, left, version)
            raise PartialFailure(_id(node), outputs, str(error)) from error
        return Created(_id(node), _outputs(inputs, node, running, version))

    def read(self, stored: Stored, context: Context) -> Found | None:
        """Look for the process and compare its files."""
        if not stored.inputs:
            raise Unsupported(
                "id", stored.id, "a resource that was created by a stack", "do not import it"
            )
        node = _node(stored.inputs, stored.inputs, context)
        layout = node.spec.layout
        if not layout.conf.exists() and not layout.data.exists():
            return None
        running = node.running()
        outputs = {
            **stored.outputs,
            "running": running is not None,
            "pid": running.pid if running else 0,
            "drift": list(node.drift()),
        }
        return Found(outputs)

    def update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        """Bring it to the new inputs: live, by a restart, or by a start where it is dead."""
        node = _node(inputs, stored.inputs, context)
        version = _checked(node.spec)
        with group.locked(node.spec.group_dir, context.wait):
            # Looked for with the lock held: another node's start may just be starting this one.
            running = node.running()
            started = running or node.boot(version)
        node.wait_ready(started)
        if running:
            started = self._change(node, _spec(stored.inputs), running, version, context)
        return _outputs(inputs, node, started, version)

    def _change(
        self,
        node: Node,
        previous: ServerSpec,
        running: Running,
        version: ServerVersion,
        context: Context,
    ) -> Running:
        todo = plan(previous, node.spec, node.drift())
        reasons = todo.restart
        if not reasons and todo.live:
            reasons = apply_live(node.spec, todo, node.access)
        reasons = reasons or node.drift()
        if not reasons:
            node.store_record(version, running)
            return running
        context.log(Severity.INFO, f"restarting {node.spec.node} for {', '.join(reasons)}")
        with group.locked(node.spec.group_dir, context.wait):
            return node.boot(version)

    def delete(self, stored: Stored, context: Context) -> None:
        """Stop it and remove its folder, unless its data is to be kept."""
        _node(stored.inputs, stored.inputs, context).remove()


def _spec(inputs: Properties) -> ServerSpec:
    return ServerSpec.from_properties(inputs)


def _node(inputs: Properties, previous: Properties | None, context: Context) -> Node:
    return Node(
        _spec(inputs),
        _spec(previous) if previous else None,
        context.wait,
        lambda message: context.log(Severity.WARNING, message),
        context.timeout_seconds,
    )


def _checked(spec: ServerSpec) -> ServerVersion:
    """Inputs that were unknown when Check ran are checked here, before anything is touched."""
    check_material(
        spec.tls_certificate_pem, spec.tls_private_key_pem, spec.tls_ca_pem, spec.address
    )
    return installed_version(spec.executable)


def _id(node: Node) -> str:
    return str(node.spec.layout.folder)


def _outputs(
    inputs: Properties, node: Node, running: Running | None, version: ServerVersion
) -> Properties:
    return {
        **inputs,
        "pid": running.pid if running else 0,
        "running": running is not None,
        "serverVersion": str(version),
        "dataDir": str(node.spec.layout.data),
        "confPath": str(node.spec.layout.conf),
        "drift": [],
    }
