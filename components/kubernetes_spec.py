"""Arguments of the store in a cluster: completed and checked once, then frozen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from components.credentials import CredentialsSpec, role_users
from components.kubernetes_args import SentinelSessionStoreArgs
from config.directives import ServerConfig
from config.kubernetes_settings import DEFAULT_IMAGE, DEFAULT_VERSION, Issuer
from config.rules import (
    check_app,
    check_buckets,
    check_dns_names,
    check_down_after_ms,
    check_eviction_policy,
    check_expected_sessions,
    check_maxmemory,
)
from config.schema import Appendfsync, Engine, Preset
from config.server import MINIMUM_VERSIONS
from config.shape import resolve_shape
from holdfast.acl import parse_version
from holdfast.connection import Address, Capacity, Connection, Tls, Topology
from holdfast.errors import ConfigError
from holdfast.roles import Place
from holdfast.rotation.settings import RotationSettings
from holdfast.units import parse_bytes
from k8s.claims import claims_to_grow, plan_disk
from k8s.image_check import next_attempt
from k8s.memory import plan_memory
from k8s.names import CLUSTER_DOMAIN, Names
from k8s.spec import COLD_START_GRACE_SECONDS, StoreSpec
from k8s.templates import SENTINEL_PORT

_IMAGE: Final = re.compile(
    r"(?P<name>[^\s@]+?)(:(?P<tag>[\w][\w.-]{0,127}))?(@sha256:[0-9a-f]{64})?\Z"
)
_QUANTITY: Final = re.compile(r"([0-9]+)([KMG])i\Z")
_OBJECT_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?\Z")
_CPU: Final = re.compile(r"[0-9]{1,6}m\Z|[0-9]{1,3}(\.[0-9]{1,3})?\Z")
_MIN_GRACE_SECONDS: Final = 30
_CRASHES_SINCE: Final = (8, 0)
_CRASHES_UNTIL: Final = (8, 0, 3)


@dataclass(frozen=True, slots=True)
class KubernetesSpec:
    """Checked arguments."""

    app: str
    buckets: int
    production: bool
    create_namespace: bool
    expected_sessions: int | None
    extra_dns_names: tuple[str, ...]
    rotation: RotationSettings
    issuer: Issuer | None
    objects: StoreSpec
    growing: tuple[int, ...]
    """Servers whose claim exists and is to ask for more, by ordinal."""

    image_attempt: int
    """How many Jobs have found that the image will not do."""

    @classmethod
    def from_args(cls, name: str, args: SentinelSessionStoreArgs) -> KubernetesSpec:
        """Fill in the defaults and check every rule. Raises ConfigError."""
        production = Preset(args.get("preset", Preset.DEV)) is Preset.PROD
        names = Names(
            args.get("store", name),
            args["namespace"],
            args.get("cluster_domain", CLUSTER_DOMAIN),
        )
        config = _server_config(names, args)
        claims = args.get("claims", {})
        memory = plan_memory(
            config.maxmemory_bytes,
            limit_bytes=_amount("memory_limit", args.get("memory_limit")),
            disk_bytes=_amount("storage", args.get("storage")),
        )
        disk = plan_disk(_amount("storage", args.get("storage")), memory.disk_bytes, claims)
        objects = StoreSpec(
            names=names,
            config=config,
            memory=replace(memory, disk_bytes=disk),
            image=_check_image(args.get("image", DEFAULT_IMAGE), production=production),
            image_pull_secrets=_check_names(
                "image_pull_secrets", args.get("image_pull_secrets", ()), longest=253
            ),
            storage_class=args.get("storage_class"),
            server_cpu=_check_cpu(args.get("server_cpu", "250m")),
            cold_start_grace_seconds=_check_grace(
                args.get("cold_start_grace_seconds", COLD_START_GRACE_SECONDS)
            ),
            share_nodes=_check_sharing(args.get("share_nodes", False), production=production),
            spread_zones=production,
            client_namespaces=_check_names(
                "client_namespaces", args.get("client_namespaces", ()), longest=63
            ),
            dns_namespace=_check_names(
                "dns_namespace", (args.get("dns_namespace", "kube-system"),), longest=63
            )[0],
            dns_ports=tuple(args.get("dns_ports", (53,))),
            owner=args.get("owner", ""),
        )
        return cls(
            app=check_app(args.get("app", "agent")),
            buckets=check_buckets(args.get("buckets", 64)),
            production=production,
            create_namespace=args.get("create_namespace", False),
            expected_sessions=check_expected_sessions(args.get("expected_sessions")),
            extra_dns_names=check_dns_names(tuple(args.get("extra_dns_names", ()))),
            rotation=args.get("rotation", RotationSettings()),
            issuer=args.get("issuer"),
            objects=objects,
            growing=claims_to_grow(objects, claims),
            image_attempt=next_attempt(objects, args.get("jobs", {})),
        )

    @property
    def fixed_inputs(self) -> dict[str, str | int]:
        """What decides where sessions are found and how many fit.

        A preview shows a change of it by name: the servers' own files are named by their content.
        """
        issuer = self.issuer
        return {
            "app": self.app,
            "buckets": self.buckets,
            "topology": Topology.SENTINEL.value,
            "namespace": self.objects.names.namespace,
            "store": self.objects.names.store,
            "maxmemory": self.objects.config.maxmemory_bytes,
            "certificates": "kit" if issuer is None else f"{issuer.kind}/{issuer.name}",
        }

    @property
    def credentials(self) -> CredentialsSpec:
        """What passwords and certificates follow from."""
        names, objects = self.objects.names, self.objects
        dns_names = {
            place: sorted({*names.dns_names(place, objects.count(place)), *self.extra_dns_names})
            for place in Place
        }
        return CredentialsSpec(self.app, objects.config, self.rotation, dns_names)

    @property
    def endpoints(self) -> tuple[Address, ...]:
        """The Sentinels, by their announced names."""
        return tuple(Address(name, SENTINEL_PORT) for name in self.objects.fqdns(Place.SENTINEL))

    def connection(
        self, passwords: Mapping[str, str], ca_pem: str, cluster_ips: Sequence[str]
    ) -> Connection:
        """The full Connection: every role's login.

        Args:
            passwords: by role.
            ca_pem: what to trust.
            cluster_ips: of the pods' Services, servers first; clients dial them, so that they
                need no DNS either, and verify the names.
        """
        config = self.objects.config
        return Connection(
            target="kubernetes",
            topology=Topology.SENTINEL,
            engine=config.engine.value,
            engine_version=config.version,
            app=self.app,
            buckets=self.buckets,
            users=role_users(passwords),
            tls=Tls(ca=ca_pem),
            sentinels=self.endpoints,
            sentinel_service=config.service,
            dial=dict(zip(self.objects.all_fqdns, cluster_ips, strict=True)),
            capacity=Capacity(
                maxmemory_bytes=config.maxmemory_bytes,
                eviction_policy=config.eviction_policy.value,
                expected_sessions=self.expected_sessions,
            ),
        )


def _server_config(names: Names, args: SentinelSessionStoreArgs) -> ServerConfig:
    shape = resolve_shape(
        Topology.SENTINEL,
        replicas=args.get("replicas"),
        sentinels=args.get("sentinels"),
        quorum=args.get("quorum"),
    )
    engine = Engine(args.get("engine", Engine.VALKEY))
    return ServerConfig(
        service=names.service,
        engine=engine,
        version=_check_version(engine, args.get("engine_version", DEFAULT_VERSION)),
        shape=shape,
        down_after_ms=check_down_after_ms(args.get("down_after_ms", 5000)),
        maxmemory_bytes=check_maxmemory(args.get("maxmemory", "256mb"), servers=shape.servers),
        eviction_policy=check_eviction_policy(args.get("eviction_policy", "volatile-lru")),
        appendfsync=Appendfsync(args.get("appendfsync", Appendfsync.EVERYSEC)),
    )


def _check_version(engine: Engine, version: str) -> str:
    oldest = MINIMUM_VERSIONS[engine]
    if parse_version(version) < oldest:
        needed = ".".join(str(part) for part in oldest)
        raise ConfigError(
            "engine_version", version, f"{engine} {needed} or newer (for ACL selectors)", "raise it"
        )
    if engine is Engine.VALKEY and _CRASHES_SINCE <= parse_version(version) < _CRASHES_UNTIL:
        raise ConfigError(
            "engine_version",
            version,
            "a Valkey that does not crash when a replica is told of new users, as 8.0.0 to 8.0.2 "
            "do (valkey-io/valkey issue 1832)",
            f"set 8.0.3, or {DEFAULT_VERSION}",
        )
    return version


def _check_image(image: str, *, production: bool) -> str:
    match = _IMAGE.match(image)
    digest = "@sha256:" in image
    if match is None or not (digest or match["tag"]) or (match["tag"] == "latest" and not digest):
        raise ConfigError(
            "image",
            image,
            "a name with a tag other than latest, or with a digest",
            f"set for example {DEFAULT_IMAGE}",
        )
    if production and not digest:
        raise ConfigError(
            "image",
            image,
            "a digest (name@sha256:...) with preset prod",
            "a tag can be given to another image: look its digest up, and set it",
        )
    return image


def _check_sharing(share_nodes: bool, *, production: bool) -> bool:
    if share_nodes and production:
        raise ConfigError(
            "share_nodes",
            share_nodes,
            "False with preset prod",
            "one node's end would take the quorum with it; remove it",
        )
    return share_nodes


def _check_grace(seconds: int) -> int:
    if seconds < _MIN_GRACE_SECONDS:
        raise ConfigError(
            "cold_start_grace_seconds",
            seconds,
            f"{_MIN_GRACE_SECONDS} or more",
            "a primary that is only restarting must not be given up; set 120",
        )
    return seconds


def _check_names(field: str, names: Sequence[str], *, longest: int) -> tuple[str, ...]:
    for name in names:
        if not _OBJECT_NAME.match(name) or len(name) > longest:
            raise ConfigError(
                field, name, f"names of objects: 1 to {longest} of a-z, 0-9, - and .", "correct it"
            )
    return tuple(dict.fromkeys(names))


def _check_cpu(cpu: str) -> str:
    if not _CPU.match(cpu) or float(cpu.removesuffix("m")) == 0:
        raise ConfigError(
            "server_cpu", cpu, "CPUs such as 250m or 2", "set 250m: a server needs some to answer"
        )
    return cpu


def _amount(field: str, text: str | None) -> int | None:
    if text is None:
        return None
    match = _QUANTITY.match(text)
    # Servers write mb and gb for the same powers of two.
    amount = parse_bytes(f"{match[1]}{match[2].lower()}b" if match else text)
    if amount is None:
        raise ConfigError(field, text, "an amount such as 640mb, 2gb or 2Gi", "correct it")
    return amount
