"""Changes that a running server or Sentinel takes without a restart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from holdfast.errors import ConfigError
from provider.servers.admin import Access, Admin, Refused, config_set, connect
from provider.servers.changes import Plan
from provider.servers.files import restore_files, write_files
from provider.servers.log import masked
from provider.servers.spec import Kind, ServerSpec


def apply_live(spec: ServerSpec, plan: Plan, access: Access) -> tuple[str, ...]:
    """Bring a running process to its inputs, each step whole or not at all.

    The server writes its config file itself (CONFIG REWRITE): two writers would race.

    Args:
        spec: the inputs to reach.
        plan: what changes; its restart reasons are the caller's business.
        access: the administrator, with the former password as long as that may still hold.

    Returns:
        Names of what only a restart can change.

    Raises:
        ConfigError: the server refuses a value; what was there before is back in place.
    """
    if plan.acl:
        # A connection of its own: Redis 7.0 closes that of a user it has loaded anew.
        with connect(spec.endpoint, access) as admin:
            _load_acl(admin, spec)
    with connect(spec.endpoint, access) as admin:
        if plan.tls and spec.kind is Kind.SERVER:
            _load_tls(admin, spec)
        remaining = config_set(admin, plan.settings) if plan.settings else ()
        for command in plan.sentinel_commands:
            _sentinel_set(admin, command, spec)
        _rewrite(admin, spec)
        return remaining


def _load_acl(admin: Admin, spec: ServerSpec) -> None:
    before = write_files({spec.layout.acl: spec.acl.encode()})
    try:
        admin.call("ACL", "LOAD")
    except Refused as error:
        restore_files(before)
        reason = masked(str(error), spec.secrets)
        raise ConfigError("acl", "(not shown)", "rules that the server takes", reason) from error


def _load_tls(admin: Admin, spec: ServerSpec) -> None:
    layout = spec.layout
    before: Mapping[Path, bytes | None] = write_files(
        {
            layout.certificate: spec.tls_certificate_pem.encode(),
            layout.key: spec.tls_private_key_pem.encode(),
            layout.ca: spec.tls_ca_pem.encode(),
        }
    )
    try:
        # One command, also where no path changes: the server reads all three anew, or none.
        admin.call(
            "CONFIG",
            "SET",
            *("tls-cert-file", str(layout.certificate)),
            *("tls-key-file", str(layout.key)),
            *("tls-ca-cert-file", str(layout.ca)),
        )
    except Refused as error:
        restore_files(before)
        raise ConfigError(
            "tlsCertificatePem", "(not shown)", "TLS files that the server takes", str(error)
        ) from error


def _sentinel_set(admin: Admin, command: tuple[str, ...], spec: ServerSpec) -> None:
    try:
        admin.call(*command)
    except Refused as error:
        reason = masked(str(error), spec.secrets)
        raise ConfigError(
            f"directives.{' '.join(command[:-1])}", "(not shown)", "a value it takes", reason
        ) from error


def _rewrite(admin: Admin, spec: ServerSpec) -> None:
    words = ("SENTINEL", "FLUSHCONFIG") if spec.kind is Kind.SENTINEL else ("CONFIG", "REWRITE")
    try:
        admin.call(*words)
    except Refused as error:
        raise ConfigError(
            "groupDir",
            str(spec.layout.conf),
            "a config file that the server can write (is the disk full?)",
            f"mend it and run again; the server says: {error}",
        ) from error
