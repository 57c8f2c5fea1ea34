"""The cluster that the provider is configured for, reachable or not, and the provider's options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from holdfast.errors import ConfigError, HoldfastError
from tests.standin.kubernetes.api import Api
from tests.standin.kubernetes.errors import ApiError, ClusterUnreachable
from tests.standin.kubernetes.kubeconfig import load
from tests.standin.kubernetes.objects import Kind

_OLDEST: Final = (1, 13)
_CLUSTER_WIDE: Final = frozenset(
    {
        "APIService",
        "ClusterRole",
        "ClusterRoleBinding",
        "CSIDriver",
        "CustomResourceDefinition",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "RuntimeClass",
        "StorageClass",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
    }
)


@dataclass(frozen=True)
class Options:
    """What the provider can be told, by its configuration or else by a variable."""

    mutable_secrets: bool = False
    mutable_config_maps: bool = False
    patch_force: bool = False
    upsert: bool = False
    delete_unreachable: bool = False

    @classmethod
    def read(cls, config: Mapping[str, Any], environment: Mapping[str, str]) -> Options:
        """From the provider's configuration and the environment, in this order."""

        def on(name: str, variable: str) -> bool:
            given = config.get(name)
            value = environment.get(f"PULUMI_K8S_{variable}", "") if given is None else given
            return str(value).lower() == "true"

        return cls(
            mutable_secrets=on("enableSecretMutable", "ENABLE_SECRET_MUTABLE"),
            mutable_config_maps=on("enableConfigMapMutable", "ENABLE_CONFIGMAP_MUTABLE"),
            patch_force=on("enablePatchForce", "ENABLE_PATCH_FORCE"),
            upsert=on("upsertExistingObjects", "UPSERT_EXISTING_OBJECTS"),
            delete_unreachable=on("deleteUnreachable", "DELETE_UNREACHABLE"),
        )


@dataclass(frozen=True)
class Cluster:
    """A cluster, or why there is none: only what needs one fails then."""

    options: Options
    namespace: str = "default"
    found: Api | None = None
    unreachable: str = ""

    @classmethod
    def connect(cls, config: Mapping[str, Any]) -> Cluster:
        """Find the cluster.

        Raises:
            ConfigError: it is too old, or an option is not one that the stand-in has.
        """
        for name in ("renderYamlToDirectory",):
            if config.get(name):
                raise ConfigError(name, config[name], "no value", "the stand-in renders nothing")
        if str(config.get("enableServerSideApply", "true")).lower() == "false":
            raise ConfigError(
                "enableServerSideApply", False, "true", "the stand-in applies on the server alone"
            )
        options = Options.read(config, os.environ)
        try:
            access = load(config)
        except ClusterUnreachable as error:
            return cls(options, str(config.get("namespace") or "default"), None, str(error))
        api = Api(access.client)
        try:
            version = api.version()
            api.exists(Kind("", "v1", "Namespace"))
        except (ApiError, ClusterUnreachable) as error:
            reason = f"unable to load schema information from the API server: {error}"
            return cls(options, access.namespace, None, reason)
        if version < _OLDEST:
            raise ConfigError(
                "cluster version", version, f"at least {_OLDEST}", "upgrade the cluster"
            )
        return cls(options, access.namespace, api)

    @property
    def api(self) -> Api:
        """The API server.

        Raises:
            ClusterUnreachable: there is none.
        """
        if self.found is None:
            reason = f"configured Kubernetes cluster is unreachable: {self.unreachable}"
            raise ClusterUnreachable(reason)
        return self.found

    def is_namespaced(self, kind: Kind) -> bool:
        """Whether its objects are in namespaces; guessed where nobody can be asked."""
        if self.found is not None:
            try:
                return self.found.endpoint(kind).namespaced
            except HoldfastError:
                # Custom: its definition is made by the same program, later.
                pass
        return kind.name not in _CLUSTER_WIDE
