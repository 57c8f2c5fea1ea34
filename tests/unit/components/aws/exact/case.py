"""A variant of a stack: its settings, and the facts that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.unit.components.aws.cloud import ACCOUNT, KEY_ARN, REGION, TOPIC_ARN, auto_name
from tests.unit.components.aws.wire import UNKNOWN

NAME: Final = "store"
AWS_NAME: Final = "store-test"
TAGS: Final[dict[str, str]] = {}

Children = dict[str, tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class Node:
    """What AWS's documentation says of a node type, and the kit makes of it.

    Attributes:
        name: the type.
        reserve: percent of memory that data does not get.
        backlog: bytes of the replication backlog: 1/64 of the memory, 16 MiB to 64 MiB.
        memory: bytes that data gets.
        connections: 80 % of the most.
    """

    name: str
    reserve: int
    backlog: int
    memory: int
    connections: int


MICRO: Final = Node("cache.t4g.micro", 50, 16_777_216, 268_435_456, 16_000)
SMALL: Final = Node("cache.t4g.small", 30, 16_777_216, 1_029_718_409, 36_800)
MEDIUM: Final = Node("cache.t4g.medium", 25, 38_797_312, 2_488_396_677, 36_800)
XLARGE: Final = Node("cache.r7g.xlarge", 25, 67_108_864, 21_196_387_276, 52_000)


@dataclass(frozen=True)
class Case:
    """One variant, in a deployment or in its preview. The defaults are those of preset dev.

    Attributes:
        raw: settings beside target, region and engine version.
        preset: whose.
        node: None: serverless.
        shards: None: cluster mode is off.
        replicas: of each shard.
        sessions: that it is meant for.
        zones: of the network; 0: it was there.
        snapshot_days: how long snapshots are kept.
        recovery_days: of a deleted secret.
        at_once: whether changes do not wait for the window.
        verifier: whether there is one.
        ways: how svc and worker log in, the presented way last.
        version: of the engine.
        eviction: policy.
        log_days: how long logs are kept.
        sources: who may connect beside the client group: the ending of the rules' names, the input
            that names it, its value, and what the description calls it.
        mails: addresses that alarms go to.
        own_key: whether a key was given; likewise ``own_topic``.
        snapshot: that it begins with.
        windows: of snapshots and of maintenance.
        preview: whether what AWS decides is not known yet.
    """

    raw: Mapping[str, Any] = field(default_factory=dict)
    preset: str = "dev"
    node: Node | None = MICRO
    shards: int | None = None
    replicas: int = 0
    sessions: int = 1_000
    zones: int = 2
    snapshot_days: int = 1
    recovery_days: int = 0
    at_once: bool = True
    verifier: bool = False
    ways: tuple[str, ...] = ("password",)
    version: str = "9.1"
    eviction: str = "volatile-lru"
    log_days: int = 30
    sources: tuple[tuple[str, str, str, str], ...] = ()
    mails: tuple[str, ...] = ()
    own_key: bool = False
    own_topic: bool = False
    snapshot: str | None = None
    windows: tuple[str, str] = ("03:00-04:00", "sun:05:00-sun:06:00")
    preview: bool = False

    @property
    def nodes(self) -> int:
        """How many there are."""
        return (self.shards or 1) * (1 + self.replicas) if self.node is not None else 0

    @property
    def topology(self) -> str:
        """As clients are told it."""
        if self.node is None:
            return "serverless"
        return "replication-group" if self.shards is None else "cluster"

    @property
    def production(self) -> bool:
        return self.preset == "prod"

    @property
    def ports(self) -> tuple[int, ...]:
        """That clients reach."""
        return (6379, 6380) if self.node is None else (6379,)

    @property
    def aws_id(self) -> str:
        """What AWS calls the store, once it is there."""
        return auto_name(AWS_NAME)

    @property
    def vpc(self) -> Any:  # noqa: ANN401 - what stands in its place is a text too
        return "vpc-00000001" if self.zones == 0 else self.id(f"{NAME}-network-vpc")

    @property
    def subnets(self) -> Any:  # noqa: ANN401 - a list, or that it is not known
        """As the network gives them to others: known together or not at all."""
        if self.zones == 0:
            return ["subnet-0000000a", "subnet-0000000b"]
        return self.later([f"{NAME}-network-subnet-{zone}-id" for zone in range(self.zones)])

    @property
    def key(self) -> Any:  # noqa: ANN401 - likewise
        """ARN of the key."""
        return KEY_ARN if self.own_key else self.later(KEY_ARN)

    @property
    def topic(self) -> Any:  # noqa: ANN401 - likewise
        """ARN of the topic of the alarms."""
        return TOPIC_ARN if self.own_topic else self.arn("sns", f"{NAME}-alarms")

    def later(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        """What AWS decides: a preview does not know it."""
        return UNKNOWN if self.preview else value

    def id(self, name: str) -> Any:  # noqa: ANN401 - a text, or that it is not known
        """Id of a resource."""
        return self.later(f"{name}-id")

    def arn(self, service: str, name: str) -> Any:  # noqa: ANN401 - likewise
        """ARN of a resource."""
        return self.later(f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}")

    def secret_arn(self, role: str) -> Any:  # noqa: ANN401 - likewise
        """ARN of a role's secret."""
        return self.later(
            f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{NAME}-secret-{role}-Ab1"
        )


def child(token: str, **inputs: Any) -> tuple[str, dict[str, Any]]:  # noqa: ANN401 - any inputs
    """A resource that takes no tags."""
    return token, inputs


def tagged(token: str, **inputs: Any) -> tuple[str, dict[str, Any]]:  # noqa: ANN401 - any inputs
    """A resource that takes tags; the provider's come on top of its own."""
    return token, {"tags": TAGS, **inputs}
