"""What a store may not lack: held by the policy pack, and kept from being lost by the guard.

Each stands here once. The pack asks whether a resource has it, the guard whether a change gives it
up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from holdfast.verify.plan_rules import Harm, Kept, Path, value_at

UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine puts for a value that is only known after the deployment (sdk/go/common/resource/
plugin/rpc.go, UnknownStringValue; plans show the same for every type)."""


def is_one_of(*values: object) -> Callable[[Any], bool]:
    """Whether a value is one of these, of the same type: 1 is not true."""
    return lambda value: any(
        value is one or (value == one and type(value) is type(one)) for one in values
    )


def is_none_of(*values: object) -> Callable[[Any], bool]:
    """Whether a value is none of these."""
    return lambda value: not is_one_of(*values)(value)


def present(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether something was given."""
    return value not in (None, "", [], {})


def modern_tls(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether a list of protocols holds nothing older than TLS 1.2."""
    return isinstance(value, str) and set(value.split()) <= {"TLSv1.2", "TLSv1.3"} != set()


def evicts_expiring_only(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether a maxmemory-policy leaves keys without an end alone."""
    return not (isinstance(value, str) and value.startswith("allkeys"))


def eviction_policy(parameters: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The maxmemory-policy of a parameter group's list of parameters, None where it has none."""
    named = parameters if isinstance(parameters, list) else []
    values = [
        item.get("value")
        for item in named
        if isinstance(item, Mapping) and item.get("name") == "maxmemory-policy"
    ]
    return values[-1] if values else None


def planned(inputs: Mapping[str, Any], path: Path) -> Any:  # noqa: ANN401 - any JSON value
    """The value at a path, :data:`UNKNOWN` where it is part of what is only known later."""
    for length in range(len(path)):
        if value_at(inputs, path[: length + 1]) == UNKNOWN:
            return UNKNOWN
    return value_at(inputs, path)


def unmet(kept: Kept, inputs: Mapping[str, Any]) -> str | None:
    """What a resource lacks, in words; None where it has it or where that is not known yet."""
    value = planned(inputs, kept.path)
    if value == UNKNOWN or kept.good(value):
        return None
    name = ".".join(map(str, kept.path))
    found = "" if not kept.shown else f"got {_shown(value)}, "
    return f"{name}: {found}need {kept.wanted}"


def _shown(value: object) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else repr(value)


TLS_ON: Final = Kept(("transitEncryptionEnabled",), is_one_of(True), Harm.ENCRYPTION, wanted="true")
TLS_REQUIRED: Final = Kept(
    ("transitEncryptionMode",), is_one_of("required"), Harm.ENCRYPTION, wanted="required"
)
AT_REST: Final = Kept(("atRestEncryptionEnabled",), is_one_of(True), Harm.ENCRYPTION, wanted="true")
USER_GROUP: Final = Kept(
    ("userGroupIds",), present, Harm.ACCESS, shown=False, wanted="the store's user group"
)
SERVERLESS_USER_GROUP: Final = Kept(
    ("userGroupId",), present, Harm.ACCESS, shown=False, wanted="the store's user group"
)
SNAPSHOTS: Final = Kept(
    ("snapshotRetentionLimit",), is_none_of(None, 0), Harm.DURABILITY, wanted="1 day or more"
)
NO_LOGIN_WITHOUT_PASSWORD: Final = (
    Kept(("noPasswordRequired",), is_none_of(True), Harm.ACCESS, wanted="false"),
    Kept(
        ("authenticationMode", "type"),
        is_none_of("no-password-required", "no-password"),
        Harm.ACCESS,
        wanted="password or iam",
    ),
)
STORAGE_LIMIT: Final = Kept(
    ("cacheUsageLimits", "dataStorage", "maximum"),
    present,
    Harm.COST,
    wanted="a maximum: without one its cost has no end",
)
KEY_ROTATION: Final = Kept(("enableKeyRotation",), is_one_of(True), Harm.ENCRYPTION, wanted="true")
