"""An object of the API server as a resource: one class for every kind."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from copy import deepcopy
from typing import Final

from holdfast.errors import ConfigError, HoldfastError
from provider.codec import Decoded, Path
from provider.diffs import DiffResult
from provider.resource import (
    CheckResult,
    Context,
    Created,
    Found,
    PartialFailure,
    Resource,
    Severity,
    Stored,
)
from provider.values import Properties, is_known
from tests.standin.kubernetes import operations
from tests.standin.kubernetes.cluster import Cluster
from tests.standin.kubernetes.comparison import compare
from tests.standin.kubernetes.errors import ApiError, NoSuchKind
from tests.standin.kubernetes.normal import READ_ONLY_METADATA, normalized, pruned
from tests.standin.kubernetes.objects import (
    AUTONAMED,
    REPLACE_UNREADY,
    Kind,
    Object,
    TypeToken,
    identity,
    is_on,
    metadata_of,
    name_of,
    namespace_of,
    parse_identity,
)
from tests.standin.kubernetes.ownership import manager_name
from tests.standin.kubernetes.replacements import replacing_fields
from tests.standin.kubernetes.secrecy import INPUTS, secret_places
from tests.standin.kubernetes.waiting import NotReady, Waiter

_INITIAL_VERSION: Final = "__initialApiVersion"
_MANAGER: Final = "__fieldManager"
_NAME_HEX: Final = 8
_FOUND_NOT_GIVEN: Final = ("kubectl.kubernetes.io/last-applied-configuration",)


class Manifest(Resource):
    """An object, or a patch of one."""

    def __init__(self, token: TypeToken, cluster: Cluster) -> None:
        self._token = token
        self._cluster = cluster

    def check(self, old: Properties, new: Properties, context: Context) -> CheckResult:
        """Complete apiVersion, kind, name and namespace; bring the rest into the server's form."""
        if self._token.is_list:
            raise ConfigError(
                "type", self._token.kind.name, "an object", "use the type of the list's elements"
            )
        inputs = normalized({"apiVersion": self._token.kind.api_version, **new})
        inputs.setdefault("kind", self._token.kind.name)
        if not is_known(inputs.get("metadata")) and not isinstance(inputs["metadata"], dict):
            return CheckResult(inputs)
        metadata: Object = inputs.setdefault("metadata", {})
        if self._token.is_patch and not metadata.get("name"):
            raise ConfigError(
                "metadata.name", None, "the name of the object to patch", "set it in the program"
            )
        if "name" not in metadata and "generateName" not in metadata:
            _name(metadata, old, context)
        if "namespace" not in metadata and self._cluster.is_namespaced(Kind.of(inputs)):
            metadata["namespace"] = self._cluster.namespace
        return CheckResult(inputs)

    def diff(self, stored: Stored, inputs: Properties, context: Context) -> DiffResult:
        """Compare what was last seen of the object, as far as the program speaks of it."""
        shape = normalized(stored.inputs or stored.outputs.get(INPUTS) or {})
        there, wanted = pruned(stored.outputs, shape), normalized(inputs)
        for item in (there, wanted):
            self._place(item)
        options = self._cluster.options
        result = compare(
            there,
            wanted,
            replacing=replacing_fields(
                wanted,
                is_patch=self._token.is_patch,
                mutable_secrets=options.mutable_secrets,
                mutable_config_maps=options.mutable_config_maps,
            ),
            ignored=context.ignore_changes,
        )
        return self._with_unready(result, wanted) if is_on(wanted, REPLACE_UNREADY) else result

    def preview_create(self, inputs: Properties, context: Context) -> Properties:
        """What the server would make of it, where it can be asked."""
        if self._token.is_patch or not self._can_ask(inputs):
            return inputs
        api = self._cluster.api
        try:
            live = operations.create(api, inputs, self._cluster.options, manager="", dry_run=True)
        except ApiError as error:
            if error.already_exists or error.forbidden or error.namespace_missing:
                return inputs
            raise _created_not(inputs, error) from error
        # Reading a status that is empty would be an error in the program.
        live.pop("status", None)
        return _state(inputs, live, inputs["apiVersion"], manager_name(inputs))

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create it, or apply the patch; wait until it is ready."""
        api, manager = self._cluster.api, manager_name(inputs)
        try:
            if self._token.is_patch:
                force = operations.is_forced(inputs, self._cluster.options)
                live = api.apply(inputs, manager=manager, force=force)
            else:
                live = operations.create_patiently(
                    api, inputs, self._cluster.options, manager, context
                )
        except (ApiError, NoSuchKind) as error:
            raise _created_not(inputs, operations.explained(error, manager)) from error
        version = inputs["apiVersion"]
        try:
            live = Waiter(api, inputs, context).until_ready(live, is_new=True)
        except NotReady as error:
            raise PartialFailure(
                identity(error.item),
                _state(inputs, error.item, version, manager),
                f"resource {identity(inputs)} was successfully created, but the Kubernetes API "
                f"server reported that it failed to fully initialize or become live: {error}",
                *error.problems,
            ) from error
        return Created(identity(live), _state(inputs, live, version, manager))

    def read(self, stored: Stored, context: Context) -> Found | None:
        """Look at the object; without inputs, as in an import, all of it becomes inputs."""
        if self._cluster.found is None and self._cluster.options.delete_unreachable:
            context.log(Severity.WARNING, self._cluster.unreachable)
            return None
        namespace, name = parse_identity(stored.id)
        given = stored.inputs or stored.outputs.get(INPUTS) or {}
        kind = Kind.of(given) if given.get("kind") else self._token.kind
        try:
            live = self._cluster.api.find(kind, namespace, name)
        except NoSuchKind:
            return None
        if live is None:
            return None
        inputs = pruned(live, normalized(given)) if given else _as_inputs(live)
        version = stored.outputs.get(_INITIAL_VERSION) or inputs["apiVersion"]
        manager = manager_name(inputs, stored.outputs.get(_MANAGER))
        state = _state(inputs, live, version, manager)
        if given:
            try:
                Waiter(self._cluster.api, given, context).require_ready(live)
            except NotReady as error:
                raise PartialFailure(
                    stored.id, state, str(error), *error.problems, inputs=inputs
                ) from error
        return Found(state, inputs)

    def preview_update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        """What the server would make of the change, where it can be asked."""
        if not self._can_ask(inputs):
            return inputs
        manager = manager_name(inputs, stored.outputs.get(_MANAGER))
        try:
            live = operations.update(
                self._cluster.api, inputs, self._cluster.options, manager, context, dry_run=True
            )
        except ApiError as error:
            if error.forbidden:
                return inputs
            raise
        version = stored.outputs.get(_INITIAL_VERSION) or inputs["apiVersion"]
        return _state(inputs, live, version, manager)

    def update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        """Apply the new inputs; wait until it is ready."""
        api = self._cluster.api
        manager = manager_name(inputs, stored.outputs.get(_MANAGER))
        version = stored.outputs.get(_INITIAL_VERSION) or inputs["apiVersion"]
        try:
            live = operations.update(api, inputs, self._cluster.options, manager, context)
            live = Waiter(api, inputs, context).until_ready(live, is_new=False)
        except (ApiError, NoSuchKind, NotReady) as error:
            seen = error.item if isinstance(error, NotReady) else self._last_seen(inputs)
            message = (
                f'the Kubernetes API server reported that "{identity(inputs)}" failed to fully '
                f"initialize or become live: {operations.explained(error, manager)}"
            )
            if seen is None:
                raise HoldfastError(message) from error
            problems = error.problems if isinstance(error, NotReady) else ()
            raise PartialFailure(
                identity(seen), _state(inputs, seen, version, manager), message, *problems
            ) from error
        before = stored.outputs.get(_MANAGER)
        if before and before != manager:
            api.apply(operations.bare(live), manager=str(before))
        return _state(inputs, live, version, manager)

    def delete(self, stored: Stored, context: Context) -> None:
        """Delete it and wait until it is gone; a patch gives up its fields."""
        if self._cluster.found is None and self._cluster.options.delete_unreachable:
            context.log(Severity.WARNING, self._cluster.unreachable)
            return
        inputs = stored.inputs or stored.outputs.get(INPUTS) or {}
        manager = manager_name(inputs, stored.outputs.get(_MANAGER))
        namespace, name = parse_identity(stored.id)
        item = {**stored.outputs, "metadata": {**metadata_of(stored.outputs), "name": name}}
        if namespace:
            item["metadata"]["namespace"] = namespace
        if self._token.is_patch:
            operations.relinquish(self._cluster.api, item, manager)
            return
        live = operations.delete(self._cluster.api, item, inputs)
        if live is not None:
            Waiter(self._cluster.api, inputs, context).until_gone(live)

    def secrets(
        self, values: Properties, *sources: Decoded, always: Iterable[str] = ()
    ) -> frozenset[Path]:
        """Field by field: one secret annotation does not hide a whole StatefulSet."""
        return secret_places(values, *sources) | {(name,) for name in always if name in values}

    def _can_ask(self, inputs: Object) -> bool:
        api = self._cluster.found
        return api is not None and is_known(inputs) and api.exists(Kind.of(inputs))

    def _place(self, item: Object) -> None:
        # "default" said or not said is the same; and what is cluster-wide has no namespace.
        metadata = dict(metadata_of(item))
        namespaced = self._cluster.is_namespaced(self._token.kind)
        namespace = metadata.pop("namespace", None) or "default"
        if namespaced:
            metadata["namespace"] = namespace
        if isinstance(item.get("metadata", {}), dict):
            item["metadata"] = metadata

    def _with_unready(self, result: DiffResult, wanted: Object) -> DiffResult:
        live = self._last_seen(wanted)
        if live is None or wanted.get("kind") != "Job":
            return result
        return operations.replaced_if_unready(result, live)

    def _last_seen(self, item: Object) -> Object | None:
        try:
            return self._cluster.api.find(Kind.of(item), namespace_of(item), name_of(item))
        except HoldfastError:
            return None


def _name(metadata: Object, old: Object, context: Context) -> None:
    if old:
        if not is_on(old, AUTONAMED):
            return
        metadata["name"] = name_of(old)
    else:
        seed = context.random_seed
        made = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(_NAME_HEX)
        metadata["name"] = f"{context.name}-{made[:_NAME_HEX]}"
    annotations = metadata.setdefault("annotations", {})
    if isinstance(annotations, dict):
        annotations[AUTONAMED] = "true"


def _state(inputs: Object, live: Object, version: object, manager: str) -> Properties:
    return {**live, INPUTS: inputs, _INITIAL_VERSION: version, _MANAGER: manager}


def _as_inputs(live: Object) -> Object:
    inputs = deepcopy({key: value for key, value in live.items() if key != "status"})
    metadata = inputs.get("metadata", {})
    for key in READ_ONLY_METADATA:
        metadata.pop(key, None)
    annotations = metadata.get("annotations", {})
    for key in _FOUND_NOT_GIVEN:
        annotations.pop(key, None)
    return inputs


def _created_not(inputs: Object, reason: Exception) -> HoldfastError:
    where = identity(inputs)
    if isinstance(reason, NoSuchKind):
        return HoldfastError(
            f"creation of resource {where} failed because the Kubernetes API server reported that "
            "the apiVersion for this resource does not exist. Verify that any required CRDs have "
            f"been created: {reason}"
        )
    return HoldfastError(
        f"resource {where} was not successfully created by the Kubernetes API server: {reason}"
    )
