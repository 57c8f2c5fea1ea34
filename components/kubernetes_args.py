"""What a program says about a store in a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

from config.kubernetes_settings import Issuer
from config.schema import Appendfsync, Engine, Preset
from holdfast.rotation.settings import RotationSettings
from k8s.claims import ExistingClaim


class SentinelSessionStoreArgs(TypedDict):
    """What a store in a cluster is made of. Plain values: they decide which objects there are."""

    namespace: str
    """Where the store lives. A change replaces everything."""

    create_namespace: NotRequired[bool]
    """Make the namespace, closed to pods that are not restricted; default False: it exists."""

    store: NotRequired[str]
    """Begins the name of every object, unique in the namespace; default the component's name. A
    change replaces everything."""

    owner: NotRequired[str]
    """``<project>/<stack>``, written on the StatefulSets: a second stack of their names is told."""

    jobs: NotRequired[Mapping[str, bool | None]]
    """The Jobs that are in the namespace, by name: whether each succeeded, None for one that has
    not ended. One that failed is tried again under another name."""

    preset: NotRequired[Preset]
    """``dev`` (default), ``staging`` or ``prod``: prod asks for a digest, protects what holds
    sessions, and leaves pods pending rather than in one zone."""

    engine: NotRequired[Engine]
    """``valkey`` (default) or ``redis``."""

    engine_version: NotRequired[str]
    """As the image's server says of itself; default ``9.1.2``."""

    image: NotRequired[str]
    """With a tag or a digest; default ``valkey/valkey:9.1.2``. Has a shell, TLS, and the server
    under user 999. A change rolls the pods."""

    image_pull_secrets: NotRequired[Sequence[str]]
    """Names of Secrets in the namespace."""

    app: NotRequired[str]
    """Prefix of every key; default ``agent``. Fixed for a store's life."""

    buckets: NotRequired[int]
    """Hash-tag buckets, a power of two up to 1024; default 64. Fixed for a store's life."""

    replicas: NotRequired[int]
    """2 to 7; default 2."""

    sentinels: NotRequired[int]
    """3 (default), 5 or 7."""

    quorum: NotRequired[int]
    """Sentinels that must agree that the primary is down; default the majority."""

    down_after_ms: NotRequired[int]
    """Silence after which a server counts as down, 1000 to 60000; default 5000."""

    cold_start_grace_seconds: NotRequired[int]
    """Without a primary for this long, the freshest replica may become one; 30 or more, default
    120."""

    maxmemory: NotRequired[str]
    """Memory for data of each server; default ``256mb``."""

    memory_limit: NotRequired[str]
    """Of a server's container; default what the sizing says. Less than the server takes at its
    fullest is refused."""

    storage: NotRequired[str]
    """Of a server's volume; at least, and by default, three times ``maxmemory``, or what the claims
    have already. It may grow, never shrink."""

    claims: NotRequired[Mapping[str, ExistingClaim]]
    """The servers' claims that are in the cluster, by name, as
    :func:`components.cluster_facts.look_at` finds them: those that are too small are grown. Without
    them claims that exist keep their size."""

    storage_class: NotRequired[str]
    """Of the volumes; default the cluster's."""

    server_cpu: NotRequired[str]
    """Requested by a server; default ``250m``."""

    eviction_policy: NotRequired[str]
    """``volatile-*``; default ``volatile-lru``."""

    appendfsync: NotRequired[Appendfsync]
    """``everysec`` (default) or ``always``."""

    share_nodes: NotRequired[bool]
    """Let pods of one kind share a node, for clusters with fewer nodes than pods; default False,
    refused in prod."""

    client_namespaces: NotRequired[Sequence[str]]
    """Further namespaces whose pods may connect; in each, only pods with the label
    ``holdfast-access: <store>``."""

    cluster_domain: NotRequired[str]
    """The end of the cluster's names; default ``cluster.local``. A change replaces nothing but
    moves every announced name: treat it as fixed."""

    dns_namespace: NotRequired[str]
    """Where the cluster's DNS runs; default ``kube-system``."""

    dns_ports: NotRequired[Sequence[int]]
    """Of the DNS pods; default 53 (OpenShift: 5353)."""

    expected_sessions: NotRequired[int]
    """Sessions at once that the store is meant for; for reports."""

    extra_dns_names: NotRequired[Sequence[str]]
    """Further names in the certificates."""

    issuer: NotRequired[Issuer]
    """The cert-manager issuer of the certificates; default the kit's own CA."""

    rotation: NotRequired[RotationSettings]
    """How often secrets were made anew, and the stage; default: never. Sentinels roll one by one,
    servers take everything over while they run."""
