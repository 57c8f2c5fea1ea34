"""Runs a program against Pulumi's mock engine and waits for everything it registered."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, cast

import pulumi
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from pulumi.runtime import mocks as pulumi_mocks

from holdfast.acl import password_hash
from holdfast.errors import ConfigError

SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
COMPONENT = "holdfast:index:LocalSessionStore"


def password_of(name: str) -> str:
    """The value that the mock engine gives a Password resource."""
    return f"plain-text-of-{name}"


def previous_of(name: str) -> str:
    """The previous value that it gives one that is being rotated."""
    return f"plain-text-before-{name}"


def serial_of(name: str) -> str:
    """The serial number that it gives a Certificate resource."""
    return f"{len(name):x}"


def arn_of(name: str) -> str:
    """The ARN that AWS gives a resource."""
    return f"arn:aws:mock:eu-central-1:123456789012:{name}"


def cluster_ip_of(name: str) -> str:
    """The address that the API server gives a Service."""
    return f"10.96.0.{sum(name.encode()) % 250 + 1}"


@cache
def certificate_pem(common_name: str) -> str:
    """A certificate that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(len(common_name))
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


def issued(name: str) -> dict[str, str]:
    """The content of a Secret that cert-manager wrote, as the API gives it."""
    files = {
        "tls.crt": certificate_pem(name),
        "tls.key": f"KEY-{name}",
        "ca.crt": certificate_pem("issuer"),
    }
    return {file: base64.b64encode(text.encode()).decode() for file, text in files.items()}


_FIXED: Mapping[str, dict[str, Any]] = {
    "ServerProcess": {"pid": 1, "running": True},
    "ClusterFormation": {"state": "ok", "slotsCovered": 16384},
}
"""Outputs that are the same for every resource of a kind."""

_awaited = cast("Callable[[object], Callable[[], None]]", pulumi.runtime.test)
"""Pulumi's decorator, which has no types: waits for what the function returns and registered."""


@dataclass(frozen=True)
class Seen:
    """An output after the run."""

    value: Any
    secret: bool
    known: bool


@dataclass
class Deployment:
    """What a program registered: resources by name, and the outputs that were asked for."""

    created: dict[str, pulumi_mocks.MockResourceArgs] = field(default_factory=dict)
    urns: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Seen] = field(default_factory=dict)
    waits_for: dict[str, set[str]] = field(default_factory=dict)
    """Names of the resources that must exist before, by name."""
    requests: dict[str, Any] = field(default_factory=dict)
    """What the engine was asked, options included, by name."""

    def inputs(self, name: str) -> dict[str, Any]:
        """A resource's inputs with secrets unwrapped."""
        return {key: unwrap(value) for key, value in self.created[name].inputs.items()}

    def secret_inputs(self, name: str) -> set[str]:
        """Names of the inputs that came as secrets."""
        return {k for k, value in self.created[name].inputs.items() if is_secret(value)}


def is_secret(value: object) -> bool:
    """Whether a wire value is marked secret."""
    return isinstance(value, Mapping) and value.get(SECRET_SIGNATURE) == SECRET


def unwrap(value: Any) -> Any:  # noqa: ANN401 - a wire value is anything
    """A wire value without its secret mark."""
    return value["value"] if is_secret(value) else value


class Cloud:
    """What a provider answers beside the inputs: nothing, and it may not be called."""

    def computed(self, token: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs of a resource that was made."""
        return {}

    def identifier(self, token: str, name: str, inputs: Mapping[str, Any]) -> str:
        """A resource's id."""
        return f"{name}-id"

    def call(self, token: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """What an invoke answers."""
        raise AssertionError(f"the program called {token}")


class _Engine(pulumi_mocks.Mocks):
    def __init__(self, deployment: Deployment, cloud: Cloud, *, preview: bool) -> None:
        self._deployment = deployment
        self._cloud = cloud
        self._preview = preview

    def call(self, args: pulumi_mocks.MockCallArgs) -> tuple[dict[str, Any], list[Any]]:
        return self._cloud.call(args.token, args.args), []

    def new_resource(self, args: pulumi_mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        assert args.name not in self._deployment.created, f"two resources named {args.name}"
        self._deployment.created[args.name] = args
        inputs = {key: unwrap(value) for key, value in args.inputs.items()}
        if self._preview:
            return "", inputs  # what is planned has no id
        computed = _computed(args.typ, args.name, inputs)
        computed |= self._cloud.computed(args.typ, args.name, inputs)
        return self._cloud.identifier(args.typ, args.name, inputs), {**inputs, **computed}


class _Monitor(pulumi_mocks.MockMonitor):
    """Records what each resource depends on, which mocks are not told."""

    def __init__(self, deployment: Deployment, cloud: Cloud, *, preview: bool) -> None:
        super().__init__(_Engine(deployment, cloud, preview=preview))
        self._deployment = deployment

    def RegisterResource(self, request: Any) -> Any:  # noqa: ANN401, N802 - the SDK's signature
        self._deployment.waits_for[request.name] = {
            urn.rpartition("::")[2] for urn in request.dependencies
        }
        self._deployment.requests[request.name] = request
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]  # untyped SDK


def _computed(token: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    match token.removeprefix("holdfast:index:"):
        case "Password":
            value = password_of(name)
            previous = previous_of(name) if inputs["rotation"] and inputs["keepPrevious"] else ""
            valid = [password_hash(text) for text in (value, previous) if text]
            return {"value": value, "previous": previous, "sha256": valid}
        case "CertificateAuthority":
            return {
                "certificatePem": "CA-CERTIFICATE",
                "bundlePem": "CA-BUNDLE",
                "privateKeyPem": "CA-KEY",
            }
        case "Certificate":
            return {
                "certificatePem": f"CERT-{name}",
                "privateKeyPem": f"KEY-{name}",
                "serial": serial_of(name),
            }
        case "kubernetes:core/v1:Secret" if name.endswith("-issued"):
            return {"data": issued(name)}
        case "kubernetes:core/v1:Service":
            return {"spec": {"clusterIP": cluster_ip_of(name), **inputs["spec"]}}
        case noun:
            named = {"arn": arn_of(name), "name": inputs.get("name", f"{name}-0a1b2c3")}
            return named if noun.startswith("aws:") else _FIXED.get(noun, {})


async def _seen(output: pulumi.Output[Any]) -> Seen:
    known = await output.is_known()
    return Seen(await output.future(), await output.is_secret(), known)


def deploy(
    program: Callable[[], Mapping[str, pulumi.Output[Any]]],
    *,
    preview: bool = False,
    cloud: Cloud | None = None,
) -> Deployment:
    """Run ``program`` in a fresh engine; it returns the outputs to look at."""
    deployment = Deployment()
    monitor = _Monitor(deployment, cloud or Cloud(), preview=preview)

    def run() -> Awaitable[None]:
        outputs = program()

        async def look() -> None:
            for name, output in outputs.items():
                deployment.outputs[name] = await _seen(output)

        return look()

    def start() -> None:
        with _event_loops():
            pulumi.runtime.set_mocks(
                monitor.mocks,
                project="holdfast",
                stack="test",
                preview=preview,
                monitor=monitor,
            )
            _awaited(run)()

    # The runtime keeps settings and configuration in context variables: none must outlive this.
    copy_context().run(start)
    deployment.urns = {urn.rpartition("::")[2]: urn for urn in monitor.get_registered_resources()}
    return deployment


def refused_fields(
    make: Callable[[], object], *, preview: bool = False, cloud: Cloud | None = None
) -> list[str]:
    """What a refusal of ``make`` blames; nothing may have been registered before it."""
    blamed: list[str] = []

    def program() -> Mapping[str, pulumi.Output[Any]]:
        try:
            make()
        except ConfigError as error:
            blamed.append(error.field)
        return {}

    assert deploy(program, preview=preview, cloud=cloud).created == {}
    return blamed


@contextmanager
def _event_loops() -> Iterator[None]:
    """A loop for this thread and each worker: the ones Pulumi makes for them stay open."""
    loops = [asyncio.new_event_loop()]

    def enter_thread() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    executor = ThreadPoolExecutor(4, initializer=enter_thread)
    loops[0].set_default_executor(executor)
    asyncio.set_event_loop(loops[0])
    try:
        yield
    finally:
        executor.shutdown()
        asyncio.set_event_loop(None)
        for loop in loops:
            loop.close()
