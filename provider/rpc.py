"""The gRPC face of a package: translates requests for Resource objects, and answers back.

Written once, for the kit's own provider and for stand-in plugins of other packages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2 as proto

from holdfast.errors import ConfigError
from provider import status
from provider.codec import Decoded, decode, encode, mask
from provider.diffs import DiffKind, DiffResult
from provider.resource import Context, Failure, PartialFailure, Resource, Stored
from provider.session import Kept, SessionServicer
from provider.values import Properties

_KINDS: Final = {
    DiffKind.ADD: proto.PropertyDiff.ADD,
    DiffKind.ADD_REPLACE: proto.PropertyDiff.ADD_REPLACE,
    DiffKind.DELETE: proto.PropertyDiff.DELETE,
    DiffKind.DELETE_REPLACE: proto.PropertyDiff.DELETE_REPLACE,
    DiffKind.UPDATE: proto.PropertyDiff.UPDATE,
    DiffKind.UPDATE_REPLACE: proto.PropertyDiff.UPDATE_REPLACE,
}


class _Request(Protocol):
    @property
    def urn(self) -> str: ...


@dataclass(frozen=True)
class _Call:
    """One request taken apart. ``sources`` are all properties that came with it."""

    resource: Resource
    context: Context
    sources: tuple[Decoded, ...]

    def encoded(self, values: Properties, *sources: Decoded) -> Struct:
        """Marshal, with everything wrapped that is secret by rule or was in a source."""
        always = self.resource.secret_outputs
        return encode(values, self.resource.secrets(values, *sources, always=always))

    def encoded_inputs(self, values: Properties, *sources: Decoded) -> Struct:
        """Marshal inputs, with everything wrapped that was secret in a source."""
        return encode(values, self.resource.secrets(values, *sources))


class Servicer(SessionServicer):
    """Serves the resources of one package. The capitalised names are those of the protocol."""

    def check(
        self, request: proto.CheckRequest, context: grpc.ServicerContext
    ) -> proto.CheckResponse:
        """Validate and complete the inputs of a resource."""
        old, new = decode(request.olds), decode(request.news)
        with self._call(request, context, old, new, seed=request.randomSeed) as call:
            try:
                result = call.resource.check(old.values, new.values, call.context)
            except ConfigError as error:
                failures = (Failure(error.field, str(error)),)
                return proto.CheckResponse(inputs=request.news, failures=_failures(failures, new))
            return proto.CheckResponse(
                inputs=call.encoded_inputs(result.inputs, new),
                failures=_failures(result.failures, new),
            )

    def diff(self, request: proto.DiffRequest, context: grpc.ServicerContext) -> proto.DiffResponse:
        """Compare the state with the program's wish."""
        old, new, old_inputs = (
            decode(request.olds),
            decode(request.news),
            decode(request.old_inputs),
        )
        with self._call(request, context, old, new, old_inputs) as call:
            stored = Stored(request.id, old_inputs.values, old.values)
            return _diff_response(call.resource.diff(stored, new.values, call.context))

    def create(
        self, request: proto.CreateRequest, context: grpc.ServicerContext
    ) -> proto.CreateResponse:
        """Make a resource, or say what making it would give."""
        inputs = decode(request.properties)
        with self._call(request, context, inputs, preview=request.preview) as call:
            if request.preview:
                outputs = call.resource.preview_create(inputs.values, call.context)
                return proto.CreateResponse(properties=call.encoded(outputs, inputs))
            created = call.resource.create(inputs.values, call.context)
            return proto.CreateResponse(
                id=created.id,
                properties=call.encoded(created.outputs, inputs),
                refresh_before_update=call.resource.refresh_before_update,
            )

    def read(self, request: proto.ReadRequest, context: grpc.ServicerContext) -> proto.ReadResponse:
        """Look at what is there. No id in the answer means that it is gone."""
        outputs, inputs = decode(request.properties), decode(request.inputs)
        with self._call(request, context, outputs, inputs) as call:
            found = call.resource.read(
                Stored(request.id, inputs.values, outputs.values), call.context
            )
            if found is None:
                return proto.ReadResponse()
            return proto.ReadResponse(
                id=request.id,
                properties=call.encoded(found.outputs, outputs, inputs),
                inputs=request.inputs
                if found.inputs is None
                else call.encoded_inputs(found.inputs, inputs),
                refresh_before_update=call.resource.refresh_before_update,
            )

    def update(
        self, request: proto.UpdateRequest, context: grpc.ServicerContext
    ) -> proto.UpdateResponse:
        """Change a resource in place, or say what that would give."""
        old, new, old_inputs = (
            decode(request.olds),
            decode(request.news),
            decode(request.old_inputs),
        )
        with self._call(request, context, new, old, old_inputs, preview=request.preview) as call:
            stored = Stored(request.id, old_inputs.values, old.values)
            change = call.resource.preview_update if request.preview else call.resource.update
            return proto.UpdateResponse(
                properties=call.encoded(change(stored, new.values, call.context), new),
                refresh_before_update=call.resource.refresh_before_update,
            )

    def delete(self, request: proto.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        """Remove a resource."""
        outputs, inputs = decode(request.properties), decode(request.old_inputs)
        with self._call(request, context, outputs, inputs) as call:
            call.resource.delete(Stored(request.id, inputs.values, outputs.values), call.context)
        return Empty()

    @contextmanager
    def _call(
        self,
        request: _Request,
        context: grpc.ServicerContext,
        *sources: Decoded,
        preview: bool = False,
        seed: bytes = b"",
    ) -> Iterator[_Call]:
        timeout = getattr(request, "timeout", 0.0)
        with self.reporting(context, request.urn, *sources):
            resource = self.package.resource(_token(request.urn))
            operation = Context(
                urn=request.urn,
                preview=preview,
                timeout_seconds=timeout or None,
                cancelled=self.cancelled,
                log=partial(self.log, request.urn),
                now=self.package.now,
                random_seed=seed,
                ignore_changes=tuple(getattr(request, "ignoreChanges", ())),
            )
            call = _Call(resource, operation, sources)
            try:
                yield call
            except PartialFailure as error:
                # Created and updated resources echo the new inputs: they are the first source.
                properties = call.encoded(error.outputs, sources[0])
                found = error.inputs
                inputs = None if found is None else call.encoded_inputs(found, *sources[1:])
                reasons = [mask(reason, *sources) for reason in error.reasons]
                refresh = resource.refresh_before_update
                raise Kept(
                    status.init_failed(
                        error.id, properties, reasons, inputs=inputs, refresh=refresh
                    )
                ) from error

    Check = check
    Diff = diff
    Create = create
    Read = read
    Update = update
    Delete = delete


def _token(urn: str) -> str:
    return urn.split("::")[2].rsplit("$", 1)[-1]


def _failures(failures: tuple[Failure, ...], source: Decoded) -> list[proto.CheckFailure]:
    return [
        proto.CheckFailure(
            property=item.property if _may_show(item.property, source) else "",
            reason=mask(item.reason, source),
        )
        for item in failures
    ]


def _may_show(name: str, source: Decoded) -> bool:
    # The engine prints the value of a property that a failure names, whole and unmasked. The reason
    # names the property in any case.
    secret = any(path[0] == name for path in source.secrets)
    return not secret and not isinstance(source.values.get(name), dict | list)


def _diff_response(result: DiffResult) -> proto.DiffResponse:
    changed = proto.DiffResponse.DIFF_SOME if result else proto.DiffResponse.DIFF_NONE
    return proto.DiffResponse(
        changes=changed,
        replaces=result.replaces,
        stables=sorted(result.stables),
        diffs=sorted(result.changes),
        detailedDiff={
            path: proto.PropertyDiff(kind=_KINDS[change.kind], inputDiff=change.is_input)
            for path, change in result.changes.items()
        },
        hasDetailedDiff=True,
        deleteBeforeReplace=result.delete_before_replace and bool(result.replaces),
    )
