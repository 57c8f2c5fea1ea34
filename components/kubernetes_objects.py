"""The objects of a store in a cluster as resources, from the manifests of :mod:`k8s`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
import pulumi_kubernetes as kubernetes

from components.credentials import Credentials
from components.kubernetes_certificates import Served
from components.kubernetes_spec import KubernetesSpec
from holdfast.acl import with_revision
from holdfast.roles import APPLICATION_ROLES, Place
from k8s.claims import claim_patch
from k8s.configuration import (
    CONNECTION_KEY,
    PRESENTED_ROLES,
    conf_map,
    load_scripts,
    scripts_map,
    secret,
)
from k8s.disruption import disruption_budget
from k8s.environment import ACL_FILE
from k8s.image_check import DEADLINE_SECONDS, image_check
from k8s.metadata import namespace_of
from k8s.policies import deny_policy, traffic_policy
from k8s.services import governing_service, host_aliases, pod_service
from k8s.spec import Object
from k8s.workloads import stateful_set

ROLLOUT_TIMEOUT: Final = "20m"
"""Pods go one at a time, and a server that loads a large file takes its time."""

IMAGE_TIMEOUT: Final = f"{DEADLINE_SECONDS + 60}s"
"""Longer than the Job may take, whose own word says more."""


class StoreObjects:
    """Makes the objects of one store, in the order in which they need each other."""

    def __init__(self, name: str, spec: KubernetesSpec, child: pulumi.ResourceOptions) -> None:
        self._name = name
        self._spec = spec
        self._scripts = load_scripts()
        before: list[pulumi.Resource] = []
        if spec.create_namespace:
            before.append(
                kubernetes.core.v1.Namespace(
                    f"{name}-namespace",
                    metadata=namespace_of(spec.objects)["metadata"],
                    opts=_with(child, protect=spec.production or None),
                )
            )
        self.in_namespace = self._child = _with(child, depends_on=before)
        # What holds sessions, or whose loss would roll or stop every pod.
        self._kept = _with(self._child, protect=spec.production or None)
        self._before_pods: list[pulumi.Resource] = []

    def add_services(self) -> list[pulumi.Output[Any]]:
        """The Services; returns the addresses of the pods' own, servers first."""
        addresses = []
        for place in Place:
            manifest = governing_service(self._spec.objects, place)
            self._before_pods.append(_service(f"{self._name}-{place}-pods", manifest, self._child))
            for ordinal in range(self._spec.objects.count(place)):
                manifest = pod_service(self._spec.objects, place, ordinal)
                made = _service(f"{self._name}-{place}-{ordinal}", manifest, self._kept)
                addresses.append(made.spec.cluster_ip)
        return addresses

    def add_rules(self) -> None:
        """NetworkPolicies and PodDisruptionBudgets; no pod starts before they hold."""
        policies = {f"{self._name}-deny-all": deny_policy(self._spec.objects)}
        for place in Place:
            policies[f"{self._name}-{place}-traffic"] = traffic_policy(self._spec.objects, place)
            manifest = disruption_budget(self._spec.objects, place)
            self._before_pods.append(
                kubernetes.policy.v1.PodDisruptionBudget(
                    f"{self._name}-{place}-disruption",
                    metadata=manifest["metadata"],
                    spec=manifest["spec"],
                    opts=self._child,
                )
            )
        self._before_pods += [
            kubernetes.networking.v1.NetworkPolicy(
                policy, metadata=manifest["metadata"], spec=manifest["spec"], opts=self._child
            )
            for policy, manifest in policies.items()
        ]

    def add_configuration(self) -> None:
        """Scripts and templates.

        Other content is another resource, not another version of it: when a change fails halfway
        and is taken back, the old one is still there under its name.
        """
        maps = [scripts_map(self._spec.objects, self._scripts)]
        maps += [conf_map(self._spec.objects, place) for place in Place]
        self._before_pods += [
            kubernetes.core.v1.ConfigMap(
                self._by_content(manifest),
                metadata=manifest["metadata"],
                data=manifest["data"],
                immutable=manifest["immutable"],
                opts=self._child,
            )
            for manifest in maps
        ]

    def add_secrets(self, credentials: Credentials, served: Served) -> None:
        """What the pods read: users, certificate, and the passwords that they present."""
        names = self._spec.objects.names
        for place in Place:
            contents: dict[str, tuple[str, Mapping[str, pulumi.Output[str]]]] = {
                # The agent proves with the revision that a server has loaded what it was given.
                "acl": (names.acl(place), {ACL_FILE: credentials.acls[place].apply(with_revision)}),
                "tls": (names.tls(place), served.secrets[place]),
                "passwords": (
                    names.passwords(place),
                    {
                        role.value: credentials.presented[role.value]
                        for role in PRESENTED_ROLES[place]
                    },
                ),
            }
            self._before_pods += [
                self._secret(f"{place}-{what}", secret_name, data, self._kept, place)
                for what, (secret_name, data) in contents.items()
                if data
            ]
        self._before_pods += served.before_pods

    def check_image(self) -> None:
        """A Job that fails where the image cannot run the store: no pod depends on it yet."""
        manifest = image_check(self._spec.objects, self._spec.image_attempt)
        self._before_pods.append(
            kubernetes.batch.v1.Job(
                self._by_content(manifest),
                metadata=manifest["metadata"],
                spec=manifest["spec"],
                opts=_with(
                    self._child,
                    custom_timeouts=pulumi.CustomTimeouts(create=IMAGE_TIMEOUT),
                ),
            )
        )

    def grow_claims(self) -> None:
        """Claims that exist and are to ask for more; before pods that may need it."""
        for ordinal in self._spec.growing:
            manifest = claim_patch(self._spec.objects, ordinal)
            self._before_pods.append(
                kubernetes.core.v1.PersistentVolumeClaimPatch(
                    f"{self._name}-server-{ordinal}-claim",
                    metadata=manifest["metadata"],
                    spec=manifest["spec"],
                    # Its end would take the size back, which no claim can do without.
                    opts=_with(self._child, retain_on_delete=True),
                )
            )

    def add_stateful_sets(
        self,
        cluster_ips: Sequence[pulumi.Output[Any]],
        credentials: Credentials,
        served: Served,
    ) -> dict[Place, kubernetes.apps.v1.StatefulSet]:
        """Sentinels, then servers: a roll of both never takes a Sentinel and the primary."""
        aliases = host_aliases(self._spec.objects, cluster_ips)
        sets: dict[Place, kubernetes.apps.v1.StatefulSet] = {}
        for place in (Place.SENTINEL, Place.SERVER):
            # Sentinels read their users, certificate and passwords at their start only.
            revision = self._revision(credentials, served) if place is Place.SENTINEL else None
            manifest = stateful_set(
                self._spec.objects,
                place,
                scripts=self._scripts,
                host_aliases=aliases,
                credentials=revision,
            )
            sets[place] = kubernetes.apps.v1.StatefulSet(
                f"{self._name}-{place}",
                metadata=manifest["metadata"],
                spec=manifest["spec"],
                opts=_with(
                    self._kept,
                    depends_on=[*self._before_pods, *sets.values()],
                    # They cannot change on a StatefulSet that exists: it would be replaced.
                    ignore_changes=["spec.volumeClaimTemplates"],
                    custom_timeouts=pulumi.CustomTimeouts(
                        create=ROLLOUT_TIMEOUT, update=ROLLOUT_TIMEOUT
                    ),
                ),
            )
        return sets

    def add_connections(
        self,
        documents: pulumi.Output[dict[str, str]],
        sets: Mapping[Place, pulumi.Resource],
    ) -> pulumi.Output[Mapping[str, str]]:
        """A Secret for each application role; applications are told of a store that runs."""
        after = _with(self._child, depends_on=[*sets.values()])
        found: dict[str, pulumi.Output[str]] = {}
        for role in APPLICATION_ROLES:
            secret_name = self._spec.objects.names.connection(role)
            made = self._secret(
                f"connection-{role}", secret_name, {CONNECTION_KEY: documents[role.value]}, after
            )
            found[role.value] = made.metadata.name
        return pulumi.Output.all(**found)

    def _revision(self, credentials: Credentials, served: Served) -> pulumi.Output[str]:
        """Changes with all that a Sentinel reads at its start; made of nothing secret."""
        return pulumi.Output.all(
            served.serials[Place.SENTINEL.value],
            served.ca_pem,
            credentials.hashes,
            self._spec.rotation.password_stage.value,
        ).apply(_digest)

    def _by_content(self, manifest: Object) -> str:
        """``<name>-server-conf-<digest>``, where the object is ``<store>-server-conf-<digest>``."""
        suffix = str(manifest["metadata"]["name"]).removeprefix(self._spec.objects.names.store)
        return f"{self._name}{suffix}"

    def _secret(
        self,
        what: str,
        secret_name: str,
        data: Mapping[str, pulumi.Output[str]],
        opts: pulumi.ResourceOptions,
        place: Place | None = None,
    ) -> kubernetes.core.v1.Secret:
        hidden: dict[str, pulumi.Output[str]] = {
            file: pulumi.Output.secret(text) for file, text in data.items()
        }
        manifest = secret(self._spec.objects, secret_name, hidden, place)
        return kubernetes.core.v1.Secret(
            f"{self._name}-{what}",
            metadata=manifest["metadata"],
            type=manifest["type"],
            string_data=manifest["stringData"],
            opts=opts,
        )


def _digest(known: object) -> str:
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def _service(
    name: str, manifest: Object, opts: pulumi.ResourceOptions
) -> kubernetes.core.v1.Service:
    return kubernetes.core.v1.Service(
        name, metadata=manifest["metadata"], spec=manifest["spec"], opts=opts
    )


def _with(base: pulumi.ResourceOptions, **more: Any) -> pulumi.ResourceOptions:  # noqa: ANN401 - the options' own types
    return pulumi.ResourceOptions.merge(base, pulumi.ResourceOptions(**more))
