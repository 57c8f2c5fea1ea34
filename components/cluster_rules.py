"""Whether a store can be made in a cluster: rules over what was seen, no cluster is asked."""

from __future__ import annotations

from components.cluster_facts import ClusterFacts
from components.kubernetes_spec import KubernetesSpec
from holdfast.errors import ConfigError
from holdfast.roles import Place
from k8s.claims import claim_name
from k8s.memory import quantity
from k8s.spec import OLDEST_KUBERNETES


def check_cluster(spec: KubernetesSpec, facts: ClusterFacts) -> None:
    """Refuse a cluster in which the store cannot be made as it is asked for.

    Args:
        spec: the store; that of a second store must not decide on its volumes, so this comes
            before the claims that ``facts`` has are taken over into it.
        facts: what was seen.

    Raises:
        ConfigError: in the words of the component's arguments.
    """
    _check_version(facts)
    _check_namespace(spec, facts)
    _check_rights(spec, facts)
    _check_owner(spec, facts)
    _check_class(spec, facts)
    _check_issuer(spec, facts)


def advice(spec: KubernetesSpec, facts: ClusterFacts) -> tuple[str, ...]:
    """What a person should know although nothing is refused."""
    found = []
    if facts.zones is not None and not spec.objects.share_nodes:
        found += [
            f"{facts.where} has {len(facts.zones)} nodes that take pods, and {pods} {place} pods "
            "need one each: those beyond stay pending (add nodes, or set share_nodes where the "
            "loss of several at once is acceptable)"
            for place in Place
            if (pods := spec.objects.count(place)) > len(facts.zones)
        ]
    if facts.zones is not None and spec.objects.spread_zones:
        zones = set(facts.zones) - {""}
        if not zones:
            found.append(
                f"no node of {facts.where} says in which zone it is (label "
                "topology.kubernetes.io/zone): with preset prod every pod stays pending"
            )
        elif len(zones) < len(Place) + 1:
            found.append(
                f"the nodes of {facts.where} are in {len(zones)} zones: the loss of one may take "
                "the majority of the Sentinels"
            )
    wanted = spec.objects.storage_class
    for name, claim in sorted(facts.claims.items()):
        if wanted is not None and claim.storage_class not in (None, wanted):
            found.append(
                f"the claim {name} stays in storage class {claim.storage_class}: {wanted} is for "
                "new claims"
            )
    return tuple(found)


def _check_version(facts: ClusterFacts) -> None:
    oldest = tuple(int(part) for part in OLDEST_KUBERNETES.split("."))
    if facts.version < oldest:
        raise ConfigError(
            "context",
            ".".join(str(part) for part in facts.version),
            f"Kubernetes {OLDEST_KUBERNETES} or newer",
            f"upgrade {facts.where}, or name another cluster",
        )


def _check_namespace(spec: KubernetesSpec, facts: ClusterFacts) -> None:
    namespace = spec.objects.names.namespace
    if spec.create_namespace:
        # Taken over silently, it would go with the stack, and everybody's objects with it.
        if facts.namespace_exists and facts.namespace_owner != spec.objects.owner:
            raise ConfigError(
                "create_namespace",
                True,
                f"that {namespace} is not there yet, or that this stack made it",
                f"set it false: {namespace} exists in {facts.where}, and would be deleted with "
                "the stack",
            )
    elif facts.namespace_exists is False:
        raise ConfigError(
            "namespace",
            namespace,
            f"a namespace of {facts.where}",
            f"make it (kubectl create namespace {namespace}), or set create_namespace true",
        )


def _check_rights(spec: KubernetesSpec, facts: ClusterFacts) -> None:
    if facts.missing:
        raise ConfigError(
            "context",
            facts.login,
            f"a login that may {', '.join(facts.missing)} in the namespace "
            f"{spec.objects.names.namespace} of {facts.where}",
            "have a role bound to it (docs/targets.md has one), or name another context",
        )


def _check_owner(spec: KubernetesSpec, facts: ClusterFacts) -> None:
    for name, owner in sorted(facts.owners.items()):
        if owner != spec.objects.owner:
            raise ConfigError(
                "name",
                spec.objects.names.store,
                f"a name that no other store has in {spec.objects.names.namespace}: the "
                f"StatefulSet {name} belongs to {owner or 'no stack that is written on it'}",
                "set another one, or, if it is this stack's under a former name, write the new "
                f"one on it: kubectl annotate statefulset {name} --overwrite "
                f"holdfast-stack={spec.objects.owner}",
            )


def _check_class(spec: KubernetesSpec, facts: ClusterFacts) -> None:
    if facts.classes is None:
        return
    wanted = spec.objects.storage_class
    known = ", ".join(sorted(facts.classes)) or "none"
    if wanted is None and not any(one.default for one in facts.classes.values()):
        raise ConfigError(
            "storage_class",
            "nothing",
            f"one of {known}: {facts.where} has no default",
            "set one of them",
        )
    if wanted is not None and wanted not in facts.classes:
        raise ConfigError(
            "storage_class", wanted, f"a storage class of {facts.where}: {known}", "set one of them"
        )


def check_growth(spec: KubernetesSpec, facts: ClusterFacts) -> None:
    """Refuse to grow what cannot grow.

    Args:
        spec: made with the claims that ``facts`` has.
        facts: what was seen.

    Raises:
        ConfigError: the storage class of a claim does not allow it.
    """
    disk = spec.objects.memory.disk_bytes
    for ordinal in spec.growing:
        name = claim_name(spec.objects.names, ordinal)
        claim = facts.claims[name]
        known = (facts.classes or {}).get(claim.storage_class or "")
        if known is not None and not known.expandable and claim.size_bytes < disk:
            raise ConfigError(
                "storage",
                quantity(disk),
                f"{quantity(claim.size_bytes)}, which the claim {name} has: volumes of storage "
                f"class {claim.storage_class} cannot grow",
                "leave storage and maxmemory as they are, or set allowVolumeExpansion on the class "
                "if its driver can do it",
            )


def _check_issuer(spec: KubernetesSpec, facts: ClusterFacts) -> None:
    if spec.issuer is not None and facts.issuer is False:
        raise ConfigError(
            "issuer",
            f"{spec.issuer.kind}/{spec.issuer.name}",
            f"an issuer of cert-manager in {facts.where}",
            "install cert-manager and make the issuer first, or set certificates kit",
        )
