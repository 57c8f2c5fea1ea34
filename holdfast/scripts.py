"""The Lua scripts, read from the package once and put together from their shared parts."""

from __future__ import annotations

import pkgutil
from typing import Final

from holdfast.operation import Script


def _read(part: str) -> str:
    data = pkgutil.get_data(__package__ or "holdfast", f"lua/{part}.lua")
    if data is None:
        raise FileNotFoundError(part)
    return data.decode()


def _session_script(name: str, *parts: str) -> Script:
    return Script(name, "".join(map(_read, ("prelude", *parts, name))))


def _cache_script(name: str) -> Script:
    return Script(name, _read(name))


CREATE: Final = _session_script("create")
APPEND: Final = _session_script("append", "tools")
SET_FIELDS: Final = _session_script("set_fields")
TOOL: Final = _session_script("tool", "tools")
END: Final = _session_script("end")
PUBLISH: Final = _session_script("publish")
LEASE_ACQUIRE: Final = _session_script("lease_acquire")
LEASE_RENEW: Final = _session_script("lease_renew")
LEASE_RELEASE: Final = _session_script("lease_release")
CACHE_CLAIM: Final = _cache_script("cache_claim")
CACHE_FILL: Final = _cache_script("cache_fill")
CACHE_ABANDON: Final = _cache_script("cache_abandon")

ALL: Final = (
    CREATE,
    APPEND,
    SET_FIELDS,
    TOOL,
    END,
    PUBLISH,
    LEASE_ACQUIRE,
    LEASE_RENEW,
    LEASE_RELEASE,
    CACHE_CLAIM,
    CACHE_FILL,
    CACHE_ABANDON,
)
"""Every script that the client may call."""
