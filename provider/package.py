"""A package of resource types: what one plugin serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from holdfast.errors import ConfigError
from provider.resource import Resource, utc_now
from provider.values import Properties


class Package:
    """Resource types under one name. Subclasses override what they offer beyond resources."""

    def __init__(
        self,
        name: str,
        version: str,
        resources: Sequence[Resource],
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = name
        self.version = version
        self.now = now
        self._resources: Mapping[str, Resource] = {item.token: item for item in resources}

    def resource(self, token: str) -> Resource:
        """The resource type of a token. Raises ConfigError if there is none."""
        if token not in self._resources:
            raise ConfigError(
                "type",
                token,
                f"one that {self.name} {self.version} has: {', '.join(sorted(self._resources))}",
                "correct the program, or use the provider of the same checkout",
            )
        return self._resources[token]

    def configure(self, config: Properties) -> None:
        """Take the provider's own configuration. The base needs none."""

    def replaced_settings(
        self,
        old: Properties,  # noqa: ARG002
        new: Properties,  # noqa: ARG002
    ) -> tuple[str, ...]:
        """Which changed settings of the provider replace all its resources. None in the base."""
        return ()

    def invoke(self, token: str, arguments: Properties) -> Properties:  # noqa: ARG002
        """Run a function of the package. The base has none."""
        raise ConfigError("function", token, f"a function of {self.name}", "correct the program")

    def schema(self) -> Mapping[str, object]:
        """The package schema, as far as the engine needs one."""
        tokens: dict[str, object] = {token: {} for token in self._resources}
        return {"name": self.name, "version": self.version, "resources": tokens}
