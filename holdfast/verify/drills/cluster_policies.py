"""What a drill does with network policies: it cuts a pod off, and silences the DNS."""

from __future__ import annotations

from typing import Final

from holdfast.cluster.api import ClusterApi
from holdfast.cluster.errors import Forbidden
from holdfast.cluster.resources import NETWORK_POLICIES, Object
from holdfast.cluster.store import StoreName
from holdfast.verify.drills.cluster_journal import ClusterJournal

_POD_NAME: Final = "statefulset.kubernetes.io/pod-name"
_NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"
_DNS_NAMESPACE: Final = "kube-system"
_DNS_PODS: Final = {"k8s-app": "kube-dns"}
_SILENT_DNS: Final = "holdfast-drill-silent-dns"


class ClusterPolicies:
    """The policies of one store, and one for the cluster's DNS.

    Args:
        api: the cluster.
        store: which store.
        journal: what is to be undone.

    Attributes:
        dns_namespace: where the cluster's DNS runs.
    """

    def __init__(self, api: ClusterApi, store: StoreName, journal: ClusterJournal) -> None:
        self._api = api
        self._namespace = store.namespace
        self._journal = journal
        self.dns_namespace = self._dns_of(_traffic(store.workload(sentinel=False)))

    def cut_off(self, pod: str) -> None:
        """Take a pod out of the policy that opens its kind: what denies everything stays."""
        policy = _traffic(pod.rpartition("-")[0])
        self._journal.add(f"closed {policy}")
        term: Object = {"key": _POD_NAME, "operator": "NotIn", "values": [pod]}
        self._select(policy, [term])

    def reopen(self, policy: str) -> None:
        """Let a policy open its whole kind again."""
        self._select(policy, None)

    def silence_dns(self) -> None:
        """A policy for the DNS pods that lets nothing in."""
        self._journal.add(f"silenced {self.dns_namespace}")
        self._api.create(
            NETWORK_POLICIES,
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": _SILENT_DNS},
                "spec": {"podSelector": {"matchLabels": _DNS_PODS}, "policyTypes": ["Ingress"]},
            },
            self.dns_namespace,
        )

    def unsilence_dns(self, namespace: str) -> None:
        """Remove it."""
        self._api.delete(NETWORK_POLICIES, _SILENT_DNS, namespace)

    def _dns_of(self, policy: str) -> str:
        """The one namespace that a policy of the store opens the way out to."""
        try:
            found = self._api.find(NETWORK_POLICIES, policy, self._namespace)
        except Forbidden:
            # Whoever may not see policies is not asked to change any.
            found = None
        for rule in (found or {}).get("spec", {}).get("egress") or ():
            for peer in rule.get("to") or ():
                labels = (peer.get("namespaceSelector") or {}).get("matchLabels") or {}
                if _NAMESPACE_NAME in labels:
                    return str(labels[_NAMESPACE_NAME])
        return _DNS_NAMESPACE

    def _select(self, policy: str, terms: list[Object] | None) -> None:
        body: Object = {"spec": {"podSelector": {"matchExpressions": terms}}}
        self._api.patch(NETWORK_POLICIES, policy, body, self._namespace)


def _traffic(workload: str) -> str:
    return f"{workload}-traffic"
