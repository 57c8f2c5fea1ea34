"""Create, update and delete, as the official plugin does them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Final

from holdfast.errors import HoldfastError
from provider.diffs import DiffKind, DiffResult, PropertyChange
from provider.resource import Context, Severity
from tests.standin.kubernetes.api import Api
from tests.standin.kubernetes.awaits import workloads
from tests.standin.kubernetes.cluster import Options
from tests.standin.kubernetes.errors import ApiError, NoSuchKind
from tests.standin.kubernetes.objects import (
    DELETION_PROPAGATION,
    PATCH_FORCE,
    REPLACE_UNREADY,
    Kind,
    Object,
    annotation,
    field,
    is_on,
    name_of,
    namespace_of,
)
from tests.standin.kubernetes.ownership import adopted, is_owned_by_others

_CREATE_WAITS_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
_ADOPT_ATTEMPTS: Final = 3
_PROPAGATION: Final = {"orphan": "Orphan", "background": "Background"}


def create(
    api: Api, inputs: Object, options: Options, *, manager: str, dry_run: bool = False
) -> Object:
    """Make an object that must not be there yet, unless ``upsert`` allows it to be."""
    manager = manager or "pulumi-kubernetes"
    if options.upsert:
        force = dry_run or is_forced(inputs, options)
        return api.apply(inputs, manager=manager, force=force, dry_run=dry_run)
    return api.create(inputs, manager=manager, dry_run=dry_run)


def create_patiently(
    api: Api, inputs: Object, options: Options, manager: str, context: Context
) -> Object:
    """The same, and tried again while its namespace or its kind is not there yet."""
    for number, seconds in enumerate((*_CREATE_WAITS_SECONDS, 0.0)):
        try:
            return create(api, inputs, options, manager=manager)
        except (ApiError, NoSuchKind) as error:
            missing = isinstance(error, NoSuchKind) or error.not_found
            if not missing or not seconds:
                raise
            text = f"Retry #{number}; creation failed: {error}"
            context.log(Severity.INFO, text, ephemeral=True)
            context.wait(seconds)
    raise AssertionError("the last attempt raises or returns")


def update(
    api: Api,
    inputs: Object,
    options: Options,
    manager: str,
    context: Context,
    *,
    dry_run: bool = False,
) -> Object:
    """Apply inputs to an object that is there."""
    kind = Kind.of(inputs)
    live = api.get(kind, namespace_of(inputs), name_of(inputs))
    force = is_forced(inputs, options)
    if dry_run:
        # What was created counts as another manager's until the real update adopts it.
        force = force or adopted(live, manager) is not None
    elif not is_patch_token(context):
        live = _adopt(api, live, manager)
    wanted = _without_ignored(inputs, live, manager, context.ignore_changes)
    return api.apply(wanted, manager=manager, force=force, dry_run=dry_run)


def delete(api: Api, item: Object, inputs: Object) -> Object | None:
    """Begin to delete; returns the object that is going, None if it was gone already."""
    kind, namespace, name = Kind.of(item), namespace_of(item), name_of(item)
    wanted = annotation(inputs, DELETION_PROPAGATION).lower()
    try:
        live = api.find(kind, namespace, name)
        if live is not None:
            propagation = _PROPAGATION.get(wanted, "Foreground")
            api.delete(kind, namespace, name, propagation=propagation)
    except NoSuchKind:
        return None
    except ApiError as error:
        if error.not_found:
            return None
        raise
    return live


def relinquish(api: Api, item: Object, manager: str) -> None:
    """Give up a patch's fields; those that nobody else wants go back to their defaults."""
    try:
        if api.find(Kind.of(item), namespace_of(item), name_of(item)) is None:
            return
        api.apply(bare(item), manager=manager)
    except NoSuchKind:
        return
    except ApiError as error:
        if error.not_found:
            return
        if error.missing_fields:
            raise HoldfastError(
                "this Patch resource is currently managing a required field, so it can't be "
                "deleted directly. Either set the `retainOnDelete` resource option, or transfer "
                f"ownership of the field before deleting: {', '.join(error.missing_fields)}"
            ) from error
        raise


def bare(item: Object) -> Object:
    """The object's identity alone: applied, it owns nothing."""
    metadata = {"name": name_of(item)}
    if namespace_of(item):
        metadata["namespace"] = namespace_of(item)
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": metadata}


def is_forced(inputs: Object, options: Options) -> bool:
    """Whether fields are taken from other managers."""
    return is_on(inputs, PATCH_FORCE) or options.patch_force


def is_patch_token(context: Context) -> bool:
    """Whether the resource is a patch, by its URN."""
    return context.urn.split("::")[2].endswith("Patch")


def explained(error: Exception, manager: str) -> Exception:
    """A conflict of field managers says so, and whose it is."""
    if isinstance(error, ApiError) and error.conflict:
        return HoldfastError(
            "Server-Side Apply field conflict detected. See the provider's guide to managing "
            "resources with Server-Side Apply for troubleshooting help.\n"
            f'The resource managed by field manager "{manager}" had an apply conflict: {error}'
        )
    return error


def replaced_if_unready(result: DiffResult, job: Object) -> DiffResult:
    """``pulumi.com/replaceUnready``: a Job that is not complete is made anew."""
    if workloads.job(job, ()).done:
        return result
    path = f'.metadata.annotations["{REPLACE_UNREADY}"]'
    change = PropertyChange(DiffKind.UPDATE_REPLACE)
    return DiffResult(
        {**result.changes, path: change}, result.stables, result.delete_before_replace
    )


def _adopt(api: Api, live: Object, manager: str) -> Object:
    for attempt in range(1, _ADOPT_ATTEMPTS + 1):
        fields = adopted(live, manager)
        if fields is None:
            break
        version = field(live, "metadata", "resourceVersion")
        steps = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            {"op": "replace", "path": "/metadata/managedFields", "value": fields},
        ]
        try:
            return api.patch(live, steps, manager=manager)
        except ApiError:
            # A controller writes the status all the time; then it is another version.
            if attempt == _ADOPT_ATTEMPTS:
                raise
            live = api.get(Kind.of(live), namespace_of(live), name_of(live))
    return live


def _without_ignored(inputs: Object, live: Object, manager: str, ignored: Sequence[str]) -> Object:
    wanted = deepcopy(inputs)
    for path in ignored:
        *parents, last = path.split(".")
        holder, found = field(wanted, *parents), field(live, *path.split("."))
        if not isinstance(holder, dict):
            continue
        if is_owned_by_others(live, manager, path):
            holder.pop(last, None)
        elif found is not None:
            holder[last] = deepcopy(found)
    return wanted
