"""Logins by IAM: a token in place of a password, signed with the AWS credentials of this process.

A token is a presigned request "connect" (Signature Version 4, service ``elasticache``) without its
scheme. It may be used for 15 minutes, and a connection that logged in with one is cut after 12
hours unless it logs in again (ElastiCache user guide, "Authenticating with IAM"). Nothing here
speaks to a network but the search for credentials, which the SDK keeps and renews.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol
from urllib.parse import urlencode

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.model import ServiceId
from botocore.signers import RequestSigner

from holdfast.connection import Connection, Topology
from holdfast.errors import ConfigError
from holdfast.login import TokenUnavailable

TOKEN_SECONDS: Final = 900
"""How long a token may be used to log in."""

FRESH_SECONDS: Final = 600.0
"""A token is used for so long; the rest is for clocks that differ and slow connections."""

CONNECTION_SECONDS: Final = 12 * 3600.0
"""After so long the service cuts a connection that did not log in again."""

_RENEW_SECONDS: Final = CONNECTION_SECONDS - 2 * 3600.0
_SPREAD_SECONDS: Final = 3600.0
"""So that the connections of a fleet, opened at once, do not all log in again at once."""

_SERVICE: Final = "elasticache"
_SCHEME: Final = "https://"
_DOMAIN: Final = r"\.(?P<region>[a-z0-9-]+)\.cache\.amazonaws\.com(\.cn)?\Z"
_GROUP: Final = re.compile(r"[a-z0-9-]+\.(?P<name>[a-z][a-z0-9-]*)\.[a-z0-9]+" + _DOMAIN)
_SERVERLESS: Final = re.compile(r"(?P<name>[a-z][a-z0-9-]*)-[a-z0-9]+\.serverless" + _DOMAIN)
_PARTITIONS: Final = ("aws", "aws-us-gov", "aws-cn")
_SHORT: Final = {
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "central": "c",
    "northeast": "ne",
    "northwest": "nw",
    "southeast": "se",
    "southwest": "sw",
}


@dataclass(frozen=True, slots=True)
class Cache:
    """What a token is good for.

    Attributes:
        name: of the replication group or serverless cache, lower-case.
        region: such as ``us-east-1``.
        serverless: which of the two it is.
    """

    name: str
    region: str
    serverless: bool = False


def cache_of(connection: Connection) -> Cache:
    """The cache that a Connection leads to, told from its endpoint's name.

    The name holds the region in short (``use1``); where it is one that the SDK does not know, the
    SDK's own setting counts (``AWS_REGION``, profile).

    Raises:
        ConfigError: the endpoint is none of ElastiCache's, or the region is not to be told.
    """
    serverless = connection.topology is Topology.SERVERLESS
    address = connection.primary or connection.seeds[0]
    match = (_SERVERLESS if serverless else _GROUP).match(address.host.lower())
    if match is None:
        raise ConfigError(
            "connection.primary" if connection.primary else "connection.seeds",
            address.host,
            "the name that ElastiCache gave the endpoint: a login by IAM is for that cache",
            "export the connection again, without a name of your own before it",
        )
    return Cache(match["name"], _region(match["region"]), serverless)


@cache
def _region(label: str) -> str:
    session = botocore.session.Session()
    for region in _regions(session):
        if label in (region, _short(region)):
            return region
    configured: str | None = session.get_config_variable("region")
    if configured is None:
        raise ConfigError(
            "AWS_REGION", "nothing", f"the region that endpoints call {label}", "set it"
        )
    return configured


def _regions(session: botocore.session.Session) -> Iterator[str]:
    for partition in _PARTITIONS:
        yield from session.get_available_regions(_SERVICE, partition_name=partition)


def _short(region: str) -> str:
    """``ap-northeast-1`` as names of endpoints have it: ``apne1``."""
    first, *middle, number = region.split("-")
    return first + "".join(_SHORT.get(part, part) for part in middle) + number


class Signer(Protocol):
    """Makes a presigned URL of one."""

    def __call__(self, url: str, region: str) -> str:
        """Raises BotoCoreError where there are no credentials, ClientError where STS gives none."""
        ...


class SdkSigner:
    """Signs with the SDK's credentials: environment, profile, web identity, container, instance.

    They are searched for once, at the first use; those that expire the SDK renews by itself.
    """

    def __init__(self) -> None:
        self._session = botocore.session.Session()

    def __call__(self, url: str, region: str) -> str:
        """See :class:`Signer`."""
        credentials = self._session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        signer = RequestSigner(
            ServiceId(_SERVICE),
            region,
            _SERVICE,
            "v4",
            credentials,
            self._session.get_component("event_emitter"),
        )
        request = {"method": "GET", "url": url, "body": {}, "headers": {}, "context": {}}
        signed: str = signer.generate_presigned_url(
            request, operation_name="connect", expires_in=TOKEN_SECONDS, region_name=region
        )
        return signed


def make_token(target: Cache, user_id: str, sign: Signer) -> str:
    """A token for one user of one cache. Raises what :class:`Signer` does."""
    query = {"Action": "connect", "User": user_id}
    if target.serverless:
        query["ResourceType"] = "ServerlessCache"
    return sign(f"{_SCHEME}{target.name}/?{urlencode(query)}", target.region).removeprefix(_SCHEME)


class IamLogin:
    """The login of one user by IAM; see :class:`holdfast.login.Login`. Thread-safe.

    Args:
        target: the cache.
        user_id: of the user; AWS demands that its name is the same.
        sign: by the SDK's credentials unless told otherwise.
        clock: seconds since the epoch.
        spread: a number from 0 to 1, different for each client.
    """

    def __init__(
        self,
        target: Cache,
        user_id: str,
        *,
        sign: Signer | None = None,
        clock: Callable[[], float] = time.time,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._target = target
        self._user_id = user_id
        self._sign = sign or SdkSigner()
        self._clock = clock
        self._lock = threading.Lock()
        self._token: tuple[float, str] | None = None
        self._renew_after_seconds = _RENEW_SECONDS + _SPREAD_SECONDS * spread()

    def __repr__(self) -> str:
        return f"IamLogin({self._target!r}, {self._user_id!r})"

    @property
    def name(self) -> str:
        """The user's id."""
        return self._user_id

    @property
    def renew_after_seconds(self) -> float:
        """At least an hour before the service would cut the connection."""
        return self._renew_after_seconds

    def same_as(self, other: IamLogin) -> bool:
        """Whether both are for the same user of the same cache."""
        return (self._target, self._user_id) == (other._target, other._user_id)

    def ready(self) -> bool:
        """Whether there is a token that is fresh enough."""
        return self._fresh() is not None

    def secret(self) -> str:
        """A token that can be used for five minutes at least.

        Raises:
            TokenUnavailable: there are no credentials to sign it with.
        """
        with self._lock:
            token = self._fresh()
            if token is None:
                made_at = self._clock()
                token = self._make()
                self._token = made_at, token
            return token

    def refused(self) -> None:
        """Sign another one next time: the credentials may be new, or this clock was wrong."""
        self._token = None

    def _fresh(self) -> str | None:
        known = self._token
        # By the clock that the token carries; one that was set back makes it of no use as well.
        if known is None or not 0 <= self._clock() - known[0] < FRESH_SECONDS:
            return None
        return known[1]

    def _make(self) -> str:
        try:
            return make_token(self._target, self._user_id, self._sign)
        except (BotoCoreError, ClientError) as error:
            raise TokenUnavailable(
                f"no IAM token for {self._user_id!r}: {error}", lasting=_lasts(error)
            ) from error


def _lasts(error: BotoCoreError | ClientError) -> bool:
    """Whether nobody gives this process credentials, however often it asks."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "")).startswith("AccessDenied")
    return isinstance(error, NoCredentialsError)
