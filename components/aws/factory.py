"""Settings in, a store in ElastiCache out."""

from __future__ import annotations

from components.outputs import SessionStore
from config.aws_settings import AwsSettings
from config.schema import BY_NAME
from config.settings import Settings
from holdfast.errors import Unsupported


def create_aws_store(name: str, settings: Settings, own: AwsSettings) -> SessionStore:  # noqa: ARG001 - being built
    """Create the store through a provider of its own. Raises HoldfastError."""
    raise Unsupported(
        BY_NAME["target"].key, "aws", "local or kubernetes", "aws is being built; set one of them"
    )
