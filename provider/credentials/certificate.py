"""Certificate: issued by a CertificateAuthority, renewed in place."""
# ruff: noqa: ARG002, S105 (the signatures are those of Resource; "token" means a type token)

from __future__ import annotations

import ipaddress
import re
import secrets
from typing import ClassVar, Final

from provider.credentials import x509
from provider.credentials.authority import MAX_COMMON_NAME
from provider.credentials.validity import outputs_due, to_text
from provider.diffs import DiffResult, compare_inputs
from provider.fields import Fields
from provider.resource import CheckResult, Context, Created, Found, Resource, Stored
from provider.values import Properties

MAX_VALIDITY_DAYS: Final = 3650
DEFAULT_VALIDITY_DAYS: Final = 365
_LABEL: Final = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?"
_DNS_NAME: Final = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*\Z", re.IGNORECASE)
_MAX_DNS_NAME: Final = 253
_SIGNING: Final = ("caCertificatePem", "caPrivateKeyPem")


def is_dns_name(text: str) -> bool:
    """Whether it is a host name, a leading ``*.`` allowed."""
    return len(text) <= _MAX_DNS_NAME and bool(_DNS_NAME.match(text)) and not is_ip_address(text)


def is_ip_address(text: str) -> bool:
    """Whether it is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class Certificate(Resource):
    """One certificate and its key, for servers and clients alike.

    Any change (``rotation`` is there for nothing else), and less than a third of the validity
    left, issues a new pair by update: what depends on it is updated, not replaced.
    """

    token: ClassVar[str] = "holdfast:index:Certificate"
    computed: ClassVar[frozenset[str]] = frozenset(
        {"certificatePem", "privateKeyPem", "serial", "issuedAt", "expiresAt", "renewalDue"}
    )
    secret_outputs: ClassVar[frozenset[str]] = frozenset({"privateKeyPem"})

    def check(self, old: Properties, new: Properties, context: Context) -> CheckResult:
        """A name or an address is required: clients verify those, not the common name."""
        fields = Fields(new)
        fields.text("caCertificatePem")
        fields.text("caPrivateKeyPem", secret=True)
        fields.text("commonName")
        fields.texts("dnsNames", default=[], valid=is_dns_name, rule="a list of host names")
        fields.texts("ipAddresses", default=[], valid=is_ip_address, rule="a list of IP addresses")
        fields.integer("validityDays", low=1, high=MAX_VALIDITY_DAYS, default=DEFAULT_VALIDITY_DAYS)
        fields.text("rotation", default="")
        if fields.known("commonName") and len(fields["commonName"]) > MAX_COMMON_NAME:
            fields.refuse(
                "commonName",
                fields["commonName"],
                f"at most {MAX_COMMON_NAME} characters",
                "shorten it",
            )
        if fields.known("dnsNames", "ipAddresses") and not (
            fields["dnsNames"] or fields["ipAddresses"]
        ):
            fields.refuse("dnsNames", [], "a name or an IP address at least", "add one")
        return fields.result()

    def diff(self, stored: Stored, inputs: Properties, context: Context) -> DiffResult:
        """Changed inputs, or renewal due by the clock."""
        result = compare_inputs(stored.inputs, inputs)
        due = stored.outputs.get("renewalDue") or outputs_due(stored.outputs, context.now())
        return result.with_drift("renewalDue") if due else result

    def create(self, inputs: Properties, context: Context) -> Created:
        """Issue the first pair."""
        return Created(secrets.token_hex(8), _issue(inputs, context))

    def read(self, stored: Stored, context: Context) -> Found | None:
        """Whether it is time to renew. A certificate exists only in the state."""
        if not stored.outputs:
            return None
        due = outputs_due(stored.outputs, context.now())
        return Found({**stored.outputs, "renewalDue": due})

    def update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        """Issue another pair."""
        return _issue(inputs, context)

    def delete(self, stored: Stored, context: Context) -> None:
        """Nothing exists outside the state."""


def _issue(inputs: Properties, context: Context) -> Properties:
    issued = x509.issue(
        inputs["caCertificatePem"],
        inputs["caPrivateKeyPem"],
        common_name=inputs["commonName"],
        dns_names=inputs["dnsNames"],
        ip_addresses=inputs["ipAddresses"],
        validity_days=inputs["validityDays"],
        now=context.now(),
    )
    echoed = {name: value for name, value in inputs.items() if name not in _SIGNING}
    return {
        **echoed,
        "certificatePem": issued.certificate_pem,
        "privateKeyPem": issued.private_key_pem,
        "serial": issued.serial,
        "issuedAt": to_text(issued.issued_at),
        "expiresAt": to_text(issued.expires_at),
        "renewalDue": False,
    }
