"""Settings in, a store in a cluster out."""

from __future__ import annotations

from typing import Final

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster_facts import ClusterFacts, look_at, open_cluster
from components.cluster_rules import advice, check_cluster, check_growth
from components.kubernetes import SentinelSessionStore
from components.kubernetes_args import SentinelSessionStoreArgs
from components.kubernetes_spec import KubernetesSpec
from config.kubernetes_settings import KubernetesSettings
from config.schema import BY_NAME
from config.settings import Settings
from holdfast.errors import ConfigError
from holdfast.units import format_bytes

_SETTING_OF: Final = {
    "name": "storeName",
    "namespace": "namespace",
    "image": "image",
    "engine_version": "engineVersion",
    "memory_limit": "memoryLimit",
    "storage": "storage",
    "share_nodes": "shareNodes",
    "server_cpu": "serverCpu",
    "client_namespaces": "clientNamespaces",
    "dns_namespace": "dnsNamespace",
    "image_pull_secrets": "imagePullSecrets",
    "cold_start_grace_seconds": "coldStartGraceSeconds",
    "cluster_domain": "clusterDomain",
    "create_namespace": "createNamespace",
    "storage_class": "storageClass",
    "issuer": "certificateIssuer",
    "kubeconfig": "kubeconfig",
    "context": "context",
}
"""Arguments of the component by the name that its errors use, and their settings."""


def create_kubernetes_store(
    name: str, settings: Settings, own: KubernetesSettings
) -> SentinelSessionStore:
    """Look at the cluster, then create the store through a provider of its own.

    Raises:
        HoldfastError: a setting is refused, or the cluster does not answer or is not fit for the
            store. Nothing was registered.
    """
    args = kubernetes_args(settings, own)
    try:
        spec = KubernetesSpec.from_args(name, args)
        facts = look_at_cluster(own, spec)
        check_cluster(spec, facts)
        args["claims"], args["jobs"] = facts.claims, facts.jobs
        spec = KubernetesSpec.from_args(name, args)
        check_growth(spec, facts)
    except ConfigError as error:
        raise _named(error) from None
    for text in advice(spec, facts):
        pulumi.warn(_in_settings(text))
    provider = kubernetes.Provider(
        f"{name}-cluster",
        kubeconfig=None if own.kubeconfig is None else str(own.kubeconfig),
        context=own.context,
        # Another way to the same cluster replaces nothing, another cluster everything.
        cluster_identifier=facts.cluster_id,
        # By default it replaces a Secret whose content changes: pods would lose their mounts for
        # a moment, and a protected one could not change at all. ConfigMaps are immutable and
        # named by content, so that they are new ones anyway.
        enable_secret_mutable=True,
    )
    return SentinelSessionStore(name, args, pulumi.ResourceOptions(providers=[provider]))


def look_at_cluster(own: KubernetesSettings, spec: KubernetesSpec) -> ClusterFacts:
    """Ask the cluster that the settings name. Raises HoldfastError."""
    api = open_cluster(own.kubeconfig, own.context)
    try:
        return look_at(api, spec)
    finally:
        api.close()


def kubernetes_args(settings: Settings, own: KubernetesSettings) -> SentinelSessionStoreArgs:
    """Settings in the words of the component."""
    shape = settings.shape
    args: SentinelSessionStoreArgs = {
        "owner": settings.owner,
        "namespace": own.namespace,
        "create_namespace": own.create_namespace,
        "store": own.store,
        "preset": settings.preset,
        "engine": own.engine,
        "engine_version": own.engine_version,
        "image": own.image,
        "image_pull_secrets": own.image_pull_secrets,
        "app": settings.app,
        "buckets": settings.buckets,
        "replicas": shape.replicas,
        "sentinels": shape.sentinels,
        "quorum": shape.quorum,
        "down_after_ms": settings.down_after_ms,
        "cold_start_grace_seconds": own.cold_start_grace_seconds,
        "maxmemory": format_bytes(settings.maxmemory_bytes),
        "server_cpu": own.server_cpu,
        "eviction_policy": settings.eviction_policy.value,
        "appendfsync": settings.appendfsync,
        "share_nodes": own.share_nodes,
        "client_namespaces": own.client_namespaces,
        "cluster_domain": own.cluster_domain,
        "dns_namespace": own.dns_namespace,
        "dns_ports": own.dns_ports,
        "extra_dns_names": settings.extra_dns_names,
        "rotation": settings.rotation,
    }
    if own.storage_class is not None:
        args["storage_class"] = own.storage_class
    if own.storage is not None:
        args["storage"] = own.storage
    if own.memory_limit is not None:
        args["memory_limit"] = own.memory_limit
    if own.issuer is not None:
        args["issuer"] = own.issuer
    if settings.expected_sessions is not None:
        args["expected_sessions"] = settings.expected_sessions
    return args


def _named(error: ConfigError) -> ConfigError:
    """An error in the words of the settings."""
    setting = _SETTING_OF.get(error.field)
    field = error.field if setting is None else BY_NAME[setting].key
    return ConfigError(field, error.value, _in_settings(error.rule), _in_settings(error.fix))


def _in_settings(text: str) -> str:
    """A text with the settings' names in place of the arguments'."""
    for argument, setting in _SETTING_OF.items():
        # The others are ordinary words.
        if "_" in argument:
            text = text.replace(argument, BY_NAME[setting].key)
    return text
