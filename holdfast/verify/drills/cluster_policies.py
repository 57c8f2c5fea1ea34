"""What a drill does with network policies: it cuts a pod off, and silences the DNS."""

from __future__ import annotations

from typing import Final

from holdfast.cluster.api import ClusterApi
from holdfast.cluster.resources import NETWORK_POLICIES, Object
from holdfast.verify.drills.cluster_journal import ClusterJournal

_POD_NAME: Final = "statefulset.kubernetes.io/pod-name"
_DNS_NAMESPACE: Final = "kube-system"
_DNS_PODS: Final = {"k8s-app": "kube-dns"}
_SILENT_DNS: Final = "holdfast-drill-silent-dns"


class ClusterPolicies:
    """The policies of one store, and one for the cluster's DNS.

    Args:
        api: the cluster.
        namespace: of the store.
        journal: what is to be undone.
    """

    def __init__(self, api: ClusterApi, namespace: str, journal: ClusterJournal) -> None:
        self._api = api
        self._namespace = namespace
        self._journal = journal

    def cut_off(self, pod: str) -> None:
        """Take a pod out of the policy that opens its kind: what denies everything stays."""
        policy = f"{pod.rpartition('-')[0]}-traffic"
        self._journal.add(f"closed {policy}")
        term: Object = {"key": _POD_NAME, "operator": "NotIn", "values": [pod]}
        self._select(policy, [term])

    def reopen(self, policy: str) -> None:
        """Let a policy open its whole kind again."""
        self._select(policy, None)

    def silence_dns(self) -> None:
        """A policy for the DNS pods that lets nothing in."""
        self._journal.add("silenced dns")
        self._api.create(
            NETWORK_POLICIES,
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": _SILENT_DNS},
                "spec": {"podSelector": {"matchLabels": _DNS_PODS}, "policyTypes": ["Ingress"]},
            },
            _DNS_NAMESPACE,
        )

    def unsilence_dns(self) -> None:
        """Remove it."""
        self._api.delete(NETWORK_POLICIES, _SILENT_DNS, _DNS_NAMESPACE)

    def _select(self, policy: str, terms: list[Object] | None) -> None:
        body: Object = {"spec": {"podSelector": {"matchExpressions": terms}}}
        self._api.patch(NETWORK_POLICIES, policy, body, self._namespace)
