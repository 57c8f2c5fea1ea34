"""Tokens of logins by IAM, against the algorithm as AWS documents it, written down a second time.

Signature Version 4 for a request in the query string: AWS, "Signature Version 4 signing process";
the request that is signed: ElastiCache user guide, "Authenticating with IAM".
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import ssl
from collections.abc import Callable
from urllib.parse import parse_qsl, quote

import botocore.auth
import pytest
from botocore.exceptions import ClientError

from holdfast.access import Access
from holdfast.aws import iam
from holdfast.aws.iam import Cache, IamLogin, SdkSigner, cache_of, make_token
from holdfast.connection import Address, Connection, Tls, Topology, User
from holdfast.errors import ConfigError
from holdfast.login import PasswordLogin, TokenUnavailable, login_for
from holdfast.options import ClientOptions
from holdfast.retry import Kind
from holdfast.roles import Role

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
HOST = "master.store-prod.abc123.use1.cache.amazonaws.com"


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_: NOW.replace(tzinfo=None))


def expected_token(
    cache: str, query: dict[str, str], *, region: str, session_token: str | None = None
) -> str:
    """The same by hand: canonical request, string to sign, derived key."""
    stamp, day = NOW.strftime("%Y%m%dT%H%M%SZ"), NOW.strftime("%Y%m%d")
    scope = f"{day}/{region}/elasticache/aws4_request"
    query = query | {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{KEY}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": "900",
        "X-Amz-SignedHeaders": "host",
    }
    if session_token is not None:
        query["X-Amz-Security-Token"] = session_token
    pairs = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in query.items())
    canonical_query = "&".join(f"{k}={v}" for k, v in pairs)
    payload = hashlib.sha256(b"").hexdigest()
    canonical = f"GET\n/\n{canonical_query}\nhost:{cache}\n\nhost\n{payload}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    key = f"AWS4{SECRET}".encode()
    for part in (day, region, "elasticache", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def taken_apart(token: str) -> tuple[str, dict[str, str]]:
    place, _, query = token.partition("?")
    return place, dict(parse_qsl(query, strict_parsing=True))


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("serverless", [False, True])
@pytest.mark.parametrize("session_token", [None, "a/temporary+token=="])
def test_a_token_is_the_presigned_request_that_aws_documents(
    serverless: bool, session_token: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if session_token is not None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", session_token)
    token = make_token(Cache("store-prod", "eu-central-1", serverless), "store-svc", SdkSigner())
    place, query = taken_apart(token)
    assert place == "store-prod/"
    asked = {"Action": "connect", "User": "store-svc"}
    if serverless:
        asked["ResourceType"] = "ServerlessCache"
    assert {k: v for k, v in query.items() if not k.startswith("X-Amz-")} == asked
    assert query["X-Amz-Expires"] == "900"
    assert query["X-Amz-Date"] == "20260102T030405Z"
    assert query["X-Amz-Credential"] == f"{KEY}/20260102/eu-central-1/elasticache/aws4_request"
    assert query["X-Amz-Signature"] == expected_token(
        "store-prod", asked, region="eu-central-1", session_token=session_token
    )
    assert SECRET not in token


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(("name", "region"), [("other", "us-east-1"), ("store-prod", "eu-west-1")])
def test_a_token_for_another_cache_or_region_has_another_signature(name: str, region: str) -> None:
    signatures = {
        taken_apart(make_token(cache, "store-svc", SdkSigner()))[1]["X-Amz-Signature"]
        for cache in (Cache("store-prod", "us-east-1"), Cache(name, region))
    }
    assert len(signatures) == 2


def stored(topology: Topology, host: str, **more: object) -> Connection:
    address = Address(host, 6379)
    return Connection(
        target="aws",
        topology=topology,
        engine="valkey",
        engine_version="9.1",
        app="agent",
        users={Role.SVC: User("store-svc", iam=True)},
        tls=Tls(),
        primary=None if topology is Topology.CLUSTER else address,
        seeds=(address,) if topology is Topology.CLUSTER else (),
    )


@pytest.mark.parametrize(
    ("topology", "host", "cache"),
    [
        (Topology.REPLICATION_GROUP, HOST, Cache("store-prod", "us-east-1")),
        (
            Topology.CLUSTER,
            "clustercfg.my-store.abc123.apne1.cache.amazonaws.com",
            Cache("my-store", "ap-northeast-1"),
        ),
        (
            Topology.SERVERLESS,
            "my-store-abc123.serverless.euc1.cache.amazonaws.com",
            Cache("my-store", "eu-central-1", serverless=True),
        ),
        (
            Topology.REPLICATION_GROUP,
            "master.store.abc123.cnn1.cache.amazonaws.com.cn",
            Cache("store", "cn-north-1"),
        ),
        (
            Topology.REPLICATION_GROUP,
            "Master.Store.abc123.us-west-2.cache.amazonaws.com",
            Cache("store", "us-west-2"),
        ),
    ],
)
def test_cache_and_region_are_told_from_the_endpoint(
    topology: Topology, host: str, cache: Cache
) -> None:
    assert cache_of(stored(topology, host)) == cache


@pytest.mark.parametrize(
    "host", ["store.example.com", "127.0.0.1", "use1.cache.amazonaws.com", "a.b.cache.aws.com"]
)
def test_a_name_that_is_none_of_elasticache_is_refused(host: str) -> None:
    with pytest.raises(
        ConfigError, match=r"connection\.primary: got .* name that ElastiCache gave"
    ):
        cache_of(stored(Topology.REPLICATION_GROUP, host))


def test_the_sdks_region_counts_where_the_endpoints_is_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = "master.store.abc123.zzz9.cache.amazonaws.com"
    for name in ("AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    iam._region.cache_clear()
    with pytest.raises(ConfigError, match=r"^AWS_REGION: got 'nothing', need the region .*zzz9"):
        cache_of(stored(Topology.REPLICATION_GROUP, host))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "zz-new-9")
    assert cache_of(stored(Topology.REPLICATION_GROUP, host)).region == "zz-new-9"
    iam._region.cache_clear()


class Counting:
    """A signer that numbers what it signs."""

    def __init__(self) -> None:
        self.signed = 0

    def __call__(self, url: str, region: str) -> str:
        self.signed += 1
        return f"{url}&X-Amz-Signature={self.signed}"


class Hands:
    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.sign = Counting()
        self.login = IamLogin(
            Cache("store", "us-east-1"), "u", sign=self.sign, clock=lambda: self.now
        )


def test_a_token_is_used_for_ten_minutes_and_then_signed_anew() -> None:
    hands = Hands()
    assert not hands.login.ready()
    first = hands.login.secret()
    hands.now += 599.0
    assert hands.login.ready()
    assert hands.login.secret() == first
    hands.now += 2.0
    assert not hands.login.ready()
    assert hands.login.secret() != first
    assert hands.sign.signed == 2
    assert iam.FRESH_SECONDS < iam.TOKEN_SECONDS - 60


def test_a_token_that_was_refused_is_not_used_again() -> None:
    hands = Hands()
    first = hands.login.secret()
    hands.login.refused()
    assert hands.login.secret() != first


def test_a_clock_that_was_set_back_makes_a_token_of_no_use() -> None:
    hands = Hands()
    first = hands.login.secret()
    hands.now -= 30.0
    assert hands.login.secret() != first


@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0])
def test_a_connection_logs_in_again_an_hour_before_it_would_be_cut(spread: float) -> None:
    login = IamLogin(Cache("store", "us-east-1"), "u", sign=Counting(), spread=lambda: spread)
    assert 0 < login.renew_after_seconds <= iam.CONNECTION_SECONDS - 3600


def test_without_credentials_the_message_says_so_and_another_attempt_is_of_no_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    access = Access(stored(Topology.REPLICATION_GROUP, HOST), None, ClientOptions())
    with pytest.raises(TokenUnavailable, match="no IAM token for 'store-svc'") as caught:
        access.endpoint(Address(HOST, 6379))
    failure = access.failure(caught.value, Address(HOST, 6379))
    assert failure.kind is Kind.LOGIN


@pytest.mark.parametrize(("code", "lasting"), [("AccessDenied", True), ("Throttling", False)])
def test_a_role_that_cannot_be_assumed_is_a_token_that_is_not_to_be_had(
    code: str, *, lasting: bool
) -> None:
    def sign(url: str, region: str) -> str:
        message = f"not for {url} in {region}"
        raise ClientError({"Error": {"Code": code, "Message": message}}, "AssumeRole")

    login = IamLogin(Cache("store-prod", "us-east-1"), "store-svc", sign=sign)
    with pytest.raises(TokenUnavailable, match="no IAM token for 'store-svc'") as caught:
        login.secret()
    assert caught.value.lasting is lasting


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Callable[[], ssl.SSLContext]:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    monkeypatch.setattr("holdfast.access.build_context", lambda _: made)
    return lambda: made


@pytest.mark.usefixtures("credentials", "context")
def test_an_access_gives_each_connection_the_token_and_keeps_it_when_the_connection_changes() -> (
    None
):
    connection = stored(Topology.REPLICATION_GROUP, HOST)
    first = Access(connection, None, ClientOptions())
    endpoint = first.endpoint(Address(HOST, 6379))
    assert endpoint.user == "store-svc"
    assert endpoint.password.startswith("store-prod/?Action=connect&User=store-svc&X-Amz-")
    assert endpoint.password not in repr(endpoint)
    assert first.ready
    assert first.renew_after_seconds < iam.CONNECTION_SECONDS
    second = Access(connection, None, ClientOptions(), first)
    assert second.ready
    other = stored(Topology.REPLICATION_GROUP, HOST.replace("store-prod", "other"))
    assert not Access(other, None, ClientOptions(), first).ready


def test_a_password_never_has_to_be_renewed() -> None:
    connection = stored(Topology.REPLICATION_GROUP, HOST)
    known = {Role.SVC: User("svc", "a-password")}
    login = login_for(
        Connection(**{f: getattr(connection, f) for f in connection.__slots__} | {"users": known}),
        Role.SVC,
    )
    assert login == PasswordLogin("svc", "a-password")
    assert login.renew_after_seconds == float("inf")
    assert "a-password" not in repr(login)


def test_the_client_comes_in_without_the_aws_sdk() -> None:
    import subprocess
    import sys

    code = (
        "import sys, holdfast, holdfast.client, holdfast.store, holdfast.async_store\n"
        "found = {name.partition('.')[0] for name in sys.modules}\n"
        "assert not found & {'boto3', 'botocore'}, found\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
