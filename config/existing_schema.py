"""The keys that only target existing has: a store that somebody else runs."""

from __future__ import annotations

from typing import Final

from config.setting import Setting, Target, auto_text, list_setting, secret_setting

_EXISTING: Final = (Target.EXISTING,)

EXISTING_SETTINGS: Final[tuple[Setting, ...]] = (
    auto_text(
        "endpoint",
        "host:port that accepts writes (existing; topology standalone, replication-group or "
        "serverless).",
        "none; required with those topologies",
        only=_EXISTING,
    ),
    auto_text(
        "readerEndpoint",
        "host:port of the replicas (existing; topology replication-group or serverless).",
        "none",
        only=_EXISTING,
    ),
    list_setting(
        "seeds",
        "host:port of nodes that tell the slots (existing; topology cluster).",
        only=_EXISTING,
    ),
    list_setting(
        "sentinelAddresses",
        "host:port of the Sentinels (existing; topology sentinel).",
        only=_EXISTING,
    ),
    auto_text(
        "sentinelService",
        "The name that the Sentinels watch (existing; topology sentinel).",
        "none; required with topology sentinel",
        only=_EXISTING,
    ),
    auto_text(
        "caFile",
        "File with the CA that signed the store's certificate, as PEM (existing).",
        "the system's certificate store",
        only=_EXISTING,
    ),
    list_setting(
        "users",
        "Roles and what they log in as (existing), role=name; a role without entry logs in by its "
        "own name.",
        only=_EXISTING,
    ),
    secret_setting(
        "passwords",
        'Password of each role (existing) as a JSON object, {"svc": "..."}; "*" for the others in '
        "users. A secret: pulumi config set --secret.",
        "none; this or passwordsFile is required with target existing",
        only=_EXISTING,
    ),
    auto_text(
        "passwordsFile",
        "File with a line HOLDFAST_PASSWORD_<ROLE>=<password> for each role (existing), readable "
        "by its owner alone.",
        "none",
        only=_EXISTING,
    ),
    list_setting(
        "capabilities",
        "What the store can do beyond the common commands (existing): wait, psubscribe, "
        "client-list, acl-log, config. What is not named is not used, and not checked.",
        only=_EXISTING,
    ),
)
