"""Kubernetes objects as plain JSON, and how types and objects are named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, TypeAlias

from holdfast.errors import ConfigError

Object: TypeAlias = dict[str, Any]
"""An object as the API server has it."""

AUTONAMED: Final = "pulumi.com/autonamed"
DELETION_PROPAGATION: Final = "pulumi.com/deletionPropagationPolicy"
FIELD_MANAGER: Final = "pulumi.com/patchFieldManager"
PATCH_FORCE: Final = "pulumi.com/patchForce"
REPLACE_UNREADY: Final = "pulumi.com/replaceUnready"
SKIP_AWAIT: Final = "pulumi.com/skipAwait"
TIMEOUT_SECONDS: Final = "pulumi.com/timeoutSeconds"

_PACKAGE: Final = "kubernetes"
_PATCH: Final = "Patch"
_NOT_API_GROUPS: Final = ("helm.sh", "kustomize", "yaml", "provider")


@dataclass(frozen=True)
class Kind:
    """Group, version and kind; the core group is the empty text."""

    group: str
    version: str
    name: str

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """The kind that an object says it is."""
        group, _, version = str(item.get("apiVersion", "")).rpartition("/")
        return cls(group, version, str(item.get("kind", "")))

    @property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return f"{self.api_version}/{self.name}"


@dataclass(frozen=True)
class TypeToken:
    """``kubernetes:apps/v1:StatefulSet``; ``...Patch`` patches what somebody else made."""

    kind: Kind
    is_patch: bool

    @classmethod
    def parse(cls, token: str) -> Self:
        """Read a type token.

        Raises:
            ConfigError: it is not one of an API object.
        """
        package, _, rest = token.partition(":")
        module, _, name = rest.partition(":")
        group, slash, version = module.partition("/")
        if package != _PACKAGE or not (slash and version and name) or group in _NOT_API_GROUPS:
            raise ConfigError(
                "type", token, "an object of the API server", "the stand-in plugin has no others"
            )
        is_patch = name.endswith(_PATCH) and name != _PATCH
        kind = Kind("" if group == "core" else group, version, name.removesuffix(_PATCH))
        return cls(kind, is_patch)

    @property
    def is_list(self) -> bool:
        """Lists are no objects; manifests have them."""
        return self.kind.name.endswith("List")


def name_of(item: Mapping[str, Any]) -> str:
    """``metadata.name``, or nothing."""
    return str(metadata_of(item).get("name") or "")


def namespace_of(item: Mapping[str, Any]) -> str:
    """``metadata.namespace``, or nothing."""
    return str(metadata_of(item).get("namespace") or "")


def metadata_of(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """``metadata``, empty if there is none or it is not known yet."""
    found = item.get("metadata")
    return found if isinstance(found, dict) else {}


def annotation(item: Mapping[str, Any], key: str) -> str:
    """An annotation's text, or nothing."""
    found = metadata_of(item).get("annotations")
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


def is_on(item: Mapping[str, Any], key: str) -> bool:
    """Whether an annotation says ``true``."""
    return annotation(item, key).lower() == "true"


def field(item: object, *path: str) -> Any:  # noqa: ANN401 (JSON)
    """What stands at a path, or None."""
    for step in path:
        if not isinstance(item, dict):
            return None
        item = item.get(step)
    return item


def identity(item: Mapping[str, Any]) -> str:
    """``namespace/name``, or ``name``: the id in the state."""
    namespace = namespace_of(item)
    return f"{namespace}/{name_of(item)}" if namespace else name_of(item)


def parse_identity(text: str) -> tuple[str, str]:
    """Namespace (may be empty) and name of an id."""
    namespace, _, name = text.rpartition("/")
    return namespace, name
