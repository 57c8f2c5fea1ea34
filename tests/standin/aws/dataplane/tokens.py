"""Which IAM tokens a server accepts: those that the emulated credentials can sign now.

A Valkey server cannot check a signature, but it can hold digests of several passwords for a user.
A token says the second at which it was signed and nothing else that changes, so the plane signs for
every second itself: those of the last fifteen minutes are the passwords. So a real server refuses
a token that is too old, or for another user, cache or region, or signed with another key.

Written from the algorithm (AWS Signature Version 4, presigned URL) and not with the SDK, which
what is tested here uses.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urlencode

ACCESS_KEY_ID: Final = "emulated"
SECRET_ACCESS_KEY: Final = "emulated"
"""Those that the emulator's environment has."""

TOKEN_SECONDS: Final = 900
AHEAD_SECONDS: Final = 120
"""Tokens of this near future count already, so that a busy machine may be late with the next."""

REFRESH_SECONDS: Final = 20.0

_SERVICE: Final = "elasticache"
_EMPTY_BODY: Final = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Target:
    """What a token is for: a replication group or a serverless cache."""

    name: str
    region: str
    serverless: bool = False


def token_hashes(target: Target, user_id: str, now: float) -> tuple[str, ...]:
    """Digests of every token that holds now, for ``ACL SETUSER``."""
    seconds = range(int(now) - TOKEN_SECONDS, int(now) + AHEAD_SECONDS)
    return tuple(
        hashlib.sha256(token(target, user_id, second).encode()).hexdigest() for second in seconds
    )


def token(target: Target, user_id: str, second: int) -> str:
    """The token that is signed at a second since the epoch."""
    at = datetime.datetime.fromtimestamp(second, datetime.UTC)
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    scope = f"{day}/{target.region}/{_SERVICE}/aws4_request"
    query = {"Action": "connect", "User": user_id}
    if target.serverless:
        query["ResourceType"] = "ServerlessCache"
    query |= {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{ACCESS_KEY_ID}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(TOKEN_SECONDS),
        "X-Amz-SignedHeaders": "host",
    }
    canonical = f"GET\n/\n{_canonical(query)}\nhost:{target.name}\n\nhost\n{_EMPTY_BODY}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    key = _signing_key(day, target.region)
    query["X-Amz-Signature"] = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{target.name}/?{urlencode(query)}"


def _canonical(query: Mapping[str, str]) -> str:
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items()
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


@lru_cache(maxsize=16)
def _signing_key(day: str, region: str) -> bytes:
    key = f"AWS4{SECRET_ACCESS_KEY}".encode()
    for part in (day, region, _SERVICE, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
