"""Calls the servicer as gRPC would, without a network."""

from __future__ import annotations

from typing import NoReturn, cast

import grpc
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2 as proto
from pulumi.runtime.proto import status_pb2

from provider.codec import Path, encode
from provider.values import Properties


class Aborted(Exception):
    """The call ended with an error status."""

    def __init__(self, status: grpc.Status) -> None:
        super().__init__(status.details)
        self.status = status

    @property
    def kept(self) -> proto.ErrorResourceInitFailed:
        """What the engine is told to keep of a half-made resource."""
        [(name, value)] = self.status.trailing_metadata
        assert name == "grpc-status-details-bin"
        assert isinstance(value, bytes)
        detail = proto.ErrorResourceInitFailed()
        [packed] = status_pb2.Status.FromString(value).details
        assert packed.Unpack(detail)
        return detail


class _Call:
    def abort_with_status(self, status: grpc.Status) -> NoReturn:
        raise Aborted(status)


def call() -> grpc.ServicerContext:
    """A context that raises what it is told to abort with."""
    return cast("grpc.ServicerContext", _Call())


def marshalled(values: Properties, *secrets: Path) -> Struct:
    """Properties as the engine sends them."""
    return encode(values, secrets)


def urn(token: str, name: str = "it") -> str:
    """A URN of project ``shop`` and stack ``dev``."""
    return f"urn:pulumi:dev::shop::{token}::{name}"
