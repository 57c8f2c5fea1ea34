"""The session part of a plugin's gRPC face: who talks to whom, configuration, and errors."""
# ruff: noqa: ARG002 (the signatures are the protocol's)

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as proto

from holdfast.errors import HoldfastError
from provider import status
from provider.codec import Decoded, decode, encode, mask, secret_paths
from provider.engine import EngineLog
from provider.package import Package
from provider.resource import Severity


class Kept(Exception):
    """A PartialFailure, translated while its request is at hand."""

    def __init__(self, kept: status.Status) -> None:
        super().__init__(kept.details)
        self.status = kept


class SessionServicer(provider_pb2_grpc.ResourceProviderServicer):
    """Everything that is not about one resource. The capitalised names are the protocol's."""

    def __init__(self, package: Package, engine: EngineLog) -> None:
        self.package = package
        self._engine = engine
        self.cancelled = threading.Event()

    def stop_operations(self) -> None:
        """Tell running operations to stop at their next safe point."""
        self.cancelled.set()

    def handshake(
        self, request: proto.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> proto.ProviderHandshakeResponse:
        """First call: where the engine is, and what both sides understand."""
        self._engine.attach(request.engine_address)
        return proto.ProviderHandshakeResponse(accept_secrets=True)

    def attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> Empty:
        """Another engine takes over (a debugger's way in)."""
        self._engine.attach(request.address)
        return Empty()

    def get_plugin_info(
        self, request: Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        """The package's version."""
        return plugin_pb2.PluginInfo(version=self.package.version)

    def get_schema(
        self, request: proto.GetSchemaRequest, context: grpc.ServicerContext
    ) -> proto.GetSchemaResponse:
        """The package schema as JSON."""
        return proto.GetSchemaResponse(schema=json.dumps(self.package.schema()))

    def cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        """The user stopped the run, or it is over."""
        self.stop_operations()
        return Empty()

    def check_config(
        self, request: proto.CheckRequest, context: grpc.ServicerContext
    ) -> proto.CheckResponse:
        """Provider configuration is taken as it is; ``configure`` refuses what is wrong."""
        return proto.CheckResponse(inputs=request.news)

    def diff_config(
        self, request: proto.DiffRequest, context: grpc.ServicerContext
    ) -> proto.DiffResponse:
        """What a change of the provider's configuration means: the package knows."""
        old, new = decode(request.old_inputs or request.olds), decode(request.news)
        replaces = self.package.replaced_settings(old.values, new.values)
        if not replaces:
            return proto.DiffResponse(changes=proto.DiffResponse.DIFF_UNKNOWN)
        changes = proto.DiffResponse.DIFF_SOME
        return proto.DiffResponse(changes=changes, diffs=replaces, replaces=replaces)

    def configure(
        self, request: proto.ConfigureRequest, context: grpc.ServicerContext
    ) -> proto.ConfigureResponse:
        """Hand the configuration to the package."""
        config = decode(request.args)
        with self.reporting(context, request.urn, config):
            self.package.configure(config.values)
        return proto.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def invoke(
        self, request: proto.InvokeRequest, context: grpc.ServicerContext
    ) -> proto.InvokeResponse:
        """Run a function of the package."""
        arguments = decode(request.args)
        with self.reporting(context, "", arguments):
            result = self.package.invoke(request.tok, arguments.values)
        response = proto.InvokeResponse()
        getattr(response, "return").CopyFrom(encode(result, secret_paths(result, arguments)))
        return response

    @contextmanager
    def reporting(
        self, context: grpc.ServicerContext, urn: str, *sources: Decoded
    ) -> Iterator[None]:
        """Errors become engine errors: the message alone, secrets masked, no traceback."""
        try:
            yield
        except Kept as error:
            context.abort_with_status(error.status)
        except HoldfastError as error:
            context.abort_with_status(status.failed(mask(str(error), *sources)))
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            message = f"{where}{error.strerror or error}"
            context.abort_with_status(status.failed(mask(message, *sources)))
        except Exception as error:  # noqa: BLE001 (a bug of ours, of any kind)
            # The user sees one line; the rest is there with --debug.
            self.log(urn, Severity.DEBUG, mask(traceback.format_exc(), *sources))
            message = f"internal error in {self.package.name}: {type(error).__name__}: {error}"
            context.abort_with_status(status.failed(mask(message, *sources)))

    def log(self, urn: str, severity: Severity, message: str, *, ephemeral: bool = False) -> None:
        """Show a message beside the resource."""
        self._engine.send(severity, message, urn, ephemeral=ephemeral)

    Handshake = handshake
    Attach = attach
    GetPluginInfo = get_plugin_info
    GetSchema = get_schema
    Cancel = cancel
    CheckConfig = check_config
    DiffConfig = diff_config
    Configure = configure
    Invoke = invoke
