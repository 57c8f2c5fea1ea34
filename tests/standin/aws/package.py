"""The package ``aws``: the types and functions that the kit uses, and a refusal of all others."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.errors import ConfigError, HoldfastError
from provider.package import Package
from provider.resource import Resource
from provider.values import Properties
from tests.standin.aws.functions import FUNCTIONS
from tests.standin.aws.session import Session
from tests.standin.aws.types import TYPES


class AwsPackage(Package):
    """Serves the types of ``TYPES`` over whatever AWS_ENDPOINT_URL names."""

    def __init__(self, version: str) -> None:
        super().__init__("aws", version, [])
        self._session: Session | None = None

    def configure(self, config: Properties) -> None:
        """Find region and credentials, and whose they are."""
        self._session = Session.connect(config)

    @property
    def session(self) -> Session:
        """What the provider was configured for."""
        if self._session is None:
            raise HoldfastError("the provider was not configured")
        return self._session

    def resource(self, token: str) -> Resource:
        """The resource type of a token."""
        kind = TYPES.get(token)
        if kind is None:
            rule = f"one that the stand-in for pulumi-aws has: {', '.join(sorted(TYPES))}"
            raise ConfigError("type", token, rule, "teach tests/standin/aws the type")
        return kind(self.session)

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """Run a function of a token."""
        function = FUNCTIONS.get(token)
        if function is None:
            rule = f"one that the stand-in for pulumi-aws has: {', '.join(sorted(FUNCTIONS))}"
            raise ConfigError("function", token, rule, "teach tests/standin/aws the function")
        return function(self.session, arguments)

    def schema(self) -> Mapping[str, object]:
        """No schema: the SDK has its own."""
        return {"name": self.name, "version": self.version}
