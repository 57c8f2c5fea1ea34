"""The provider's configuration: which account and region, and clients for both."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from holdfast.errors import ConfigError, HoldfastError
from provider.values import Properties
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.errors import AwsError, explained

_KNOWN: Final = frozenset(
    {
        "accessKey",
        "allowedAccountIds",
        "defaultTags",
        "forbiddenAccountIds",
        "profile",
        "region",
        "secretKey",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "token",
    }
)
_NOT_OURS: Final = frozenset({"version", "pluginDownloadURL"})
_NO_CREDENTIALS: Final = (
    "No valid credential sources found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile "
    "(AWS_PROFILE or aws:profile), or a role. Keys that are nobody's let a preview run without "
    "asking, with skipCredentialsValidation and skipRequestingAccountId."
)
_CALLS: Final = Config(
    connect_timeout=5, read_timeout=60, retries={"mode": "standard", "max_attempts": 3}
)


@dataclass(frozen=True)
class Settings:
    """The provider's configuration, read.

    Attributes:
        region: where resources go that name no other.
        default_tags: for every resource that can carry tags; its own ones win.
        allowed: account ids, none for any.
        forbidden: account ids.
        checks_credentials: whether STS is asked if they are good; there must be some anyway.
        asks_account: whether STS is asked whose they are.
        keys: explicit credentials by their boto3 names.
    """

    region: str
    default_tags: Mapping[str, str] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    checks_credentials: bool = True
    asks_account: bool = True
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, config: Properties, environment: Mapping[str, str]) -> Settings:
        """From the provider's configuration and the environment, in this order.

        Raises:
            ConfigError: an option that the stand-in does not have, or no region.
        """
        given = {name: _parsed(value) for name, value in config.items() if value is not None}
        for name in sorted(given.keys() - _KNOWN - _NOT_OURS):
            if not name.startswith("__") and given[name] not in ("", [], {}):
                rule = f"one that the stand-in has: {', '.join(sorted(_KNOWN))}"
                raise ConfigError(f"aws:{name}", given[name], rule, "leave it out in tests")
        region = given.get("region") or environment.get("AWS_REGION")
        region = region or environment.get("AWS_DEFAULT_REGION")
        if not region:
            fix = "set aws:region, the provider's region, or AWS_REGION"
            raise ConfigError("aws:region", None, "the name of an AWS region", fix)

        def on(name: str, variable: str) -> bool:
            return str(given.get(name, environment.get(variable, ""))).lower() in ("true", "1")

        tags = (given.get("defaultTags") or {}).get("tags") or {}
        names = {
            "accessKey": "aws_access_key_id",
            "secretKey": "aws_secret_access_key",
            "token": "aws_session_token",
            "profile": "profile_name",
        }
        return cls(
            region=str(region),
            default_tags={str(key): str(value) for key, value in tags.items()},
            allowed=tuple(map(str, given.get("allowedAccountIds") or ())),
            forbidden=tuple(map(str, given.get("forbiddenAccountIds") or ())),
            checks_credentials=not on(
                "skipCredentialsValidation", "AWS_SKIP_CREDENTIALS_VALIDATION"
            ),
            asks_account=not on("skipRequestingAccountId", "AWS_SKIP_REQUESTING_ACCOUNT_ID"),
            keys={boto: str(given[name]) for name, boto in names.items() if given.get(name)},
        )


def _parsed(value: object) -> Answer:
    # The SDK hands a provider everything but text as JSON.
    if isinstance(value, str) and (value[:1] in ("[", "{") or value in ("true", "false")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


class Session:
    """Clients of one provider, made once for each service and region. Safe to use from threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._clients: dict[tuple[str, str], Api] = {}
        self._lock = threading.Lock()
        try:
            self._boto = boto3.session.Session(region_name=settings.region, **settings.keys)  # type: ignore[arg-type]  # all are texts
        except BotoCoreError as error:
            raise HoldfastError(f"unable to validate AWS credentials: {error}") from error

    @classmethod
    def connect(cls, config: Properties) -> Session:
        """Read the configuration and, unless told to skip it, ask STS who this is.

        Raises:
            ConfigError: the configuration is wrong.
            HoldfastError: no credentials, AWS refuses them, or the account is not an allowed one.
        """
        session = cls(Settings.read(config, os.environ))
        session.verify()
        return session

    def verify(self) -> None:
        """Check credentials and account as the official plugin does when it is configured."""
        settings = self.settings
        if not self._has_credentials():
            raise HoldfastError(_NO_CREDENTIALS)
        account = ""
        if settings.checks_credentials or settings.asks_account:
            try:
                account = str(self.identity()["Account"])
            except AwsError as error:
                raise HoldfastError(
                    f"unable to validate AWS credentials. Details: {error}"
                ) from error
        if not settings.asks_account:
            account = ""
        self._refuse_account(account, settings.allowed, settings.forbidden)

    def identity(self) -> Answer:
        """Who the credentials belong to: ``Account``, ``Arn``, ``UserId``."""
        with explained("retrieving caller identity from STS"):
            return self.client("sts").get_caller_identity()

    def client(self, service: str, region: str | None = None) -> Api:
        """A boto3 client. Where it goes, AWS_ENDPOINT_URL says, as for the official plugin."""
        key = (service, region or self.settings.region)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._boto.client(
                    service_name=service,  # type: ignore[call-overload]  # any service
                    region_name=key[1],
                    config=_CALLS,
                )
            return self._clients[key]

    def _has_credentials(self) -> bool:
        try:
            return self._boto.get_credentials() is not None
        except (BotoCoreError, ClientError) as error:
            raise HoldfastError(f"unable to validate AWS credentials: {error}") from error

    def _refuse_account(
        self, account: str, allowed: Sequence[str], forbidden: Sequence[str]
    ) -> None:
        if account in forbidden or (allowed and account not in allowed):
            raise HoldfastError(f"AWS Account ID not allowed: {account}")


def partition_of(region: str) -> str:
    """``aws``, ``aws-cn``, ``aws-us-gov`` ...: of which partition a region is."""
    session = botocore.session.get_session()
    return str(session.get_partition_for_region(region))
