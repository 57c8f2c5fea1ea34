"""Errors on the wire: what the engine shows, and what it keeps of a half-made resource."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import grpc
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2 as proto
from pulumi.runtime.proto import status_pb2

_CODE: Final = grpc.StatusCode.FAILED_PRECONDITION
# Internal, Unknown and DataLoss would leave a pending operation in the state, which a person has
# to clear by hand. A failed operation here either left nothing or says what it left.


class Status(grpc.Status):
    """A gRPC status: the message and, for a half-made resource, its properties."""

    def __init__(self, details: str, detail: status_pb2.Status | None = None) -> None:
        self.code = _CODE
        self.details = details
        self.trailing_metadata = (
            (("grpc-status-details-bin", detail.SerializeToString()),) if detail else ()
        )


def failed(message: str) -> Status:
    """The operation failed and left nothing behind."""
    return Status(message)


def init_failed(
    id: str,
    properties: Struct,
    reasons: Sequence[str],
    *,
    inputs: Struct | None = None,
    refresh: bool,
) -> Status:
    """Something exists: the engine keeps it in the state and updates it on the next run."""
    message = "; ".join(reasons)
    detail = status_pb2.Status(code=_CODE.value[0], message=message)
    detail.details.add().Pack(
        proto.ErrorResourceInitFailed(
            id=id,
            properties=properties,
            reasons=reasons,
            inputs=inputs,
            refresh_before_update=refresh,
        )
    )
    return Status(message, detail)
