"""The keys that only target kubernetes has."""

from __future__ import annotations

from typing import Final

from config.setting import (
    Setting,
    Target,
    auto_text,
    flag_setting,
    list_setting,
    number_setting,
    text_setting,
)

_K8S: Final = (Target.KUBERNETES,)

KUBERNETES_SETTINGS: Final[tuple[Setting, ...]] = (
    auto_text(
        "namespace",
        "Namespace of the store (kubernetes). A change leaves the sessions behind.",
        "none; required with target kubernetes",
        only=_K8S,
    ),
    flag_setting(
        "createNamespace",
        "Make the namespace, and delete it with the stack; else it has to be there (kubernetes).",
        only=_K8S,
    ),
    auto_text(
        "kubeconfig",
        "Path of the kubeconfig (kubernetes); relative to the project.",
        "KUBECONFIG, else ~/.kube/config",
        only=_K8S,
    ),
    auto_text("context", "Context of the kubeconfig (kubernetes).", "its current one", only=_K8S),
    auto_text(
        "image",
        "Image of servers and Sentinels (kubernetes), with a tag or a digest; preset prod asks "
        "for the digest.",
        "valkey/valkey:9.1.2",
        only=_K8S,
    ),
    list_setting(
        "imagePullSecrets",
        "Names of Secrets in the namespace, for a private registry (kubernetes).",
        only=_K8S,
    ),
    auto_text(
        "storageClass",
        "Storage class of the volumes (kubernetes).",
        "the cluster's default",
        only=_K8S,
    ),
    auto_text(
        "storage",
        "Size of each server's volume, such as 3gb (kubernetes). It may grow, never shrink.",
        "three times maxmemory",
        only=_K8S,
    ),
    auto_text(
        "memoryLimit",
        "Memory limit of a server's container (kubernetes).",
        "what docs/sizing.md says for maxmemory",
        only=_K8S,
    ),
    text_setting("serverCpu", "250m", "CPU that a server requests (kubernetes).", only=_K8S),
    number_setting(
        "coldStartGraceSeconds",
        120,
        "Without a primary for this long, the freshest replica may become one; 30 or more "
        "(kubernetes).",
        only=_K8S,
    ),
    flag_setting(
        "shareNodes",
        "Let pods of one kind share a node, for clusters with fewer nodes than pods (kubernetes); "
        "refused with preset prod.",
        only=_K8S,
    ),
    list_setting(
        "clientNamespaces",
        "Further namespaces whose labelled pods may connect (kubernetes).",
        only=_K8S,
    ),
    text_setting(
        "clusterDomain",
        "cluster.local",
        "The end of the cluster's names (kubernetes). Fixed for a store's life.",
        only=_K8S,
    ),
    text_setting(
        "dnsNamespace", "kube-system", "Where the cluster's DNS runs (kubernetes).", only=_K8S
    ),
    text_setting(
        "dnsPorts",
        "53",
        "Ports of the DNS pods, with commas between (kubernetes; OpenShift: 5353).",
        only=_K8S,
    ),
    text_setting(
        "certificates",
        "kit",
        "Who issues the certificates (kubernetes): kit, which is Holdfast's own CA, or "
        "cert-manager.",
        only=_K8S,
    ),
    auto_text(
        "certificateIssuer",
        "The cert-manager issuer (kubernetes): Issuer/<name> or ClusterIssuer/<name>.",
        "none; required with certificates cert-manager",
        only=_K8S,
    ),
    auto_text(
        "certificateCaFile",
        "File with the CA that clients are to trust, as PEM (kubernetes, cert-manager).",
        "ca.crt of the issued Secret",
        only=_K8S,
    ),
)
