"""CertificateAuthority: a CA of the stack's own, rotated in stages without a failed connection."""
# ruff: noqa: ARG002, S105 (the signatures are those of Resource; "token" means a type token)

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import ClassVar, Final

from holdfast.rotation.settings import CaStage
from provider.credentials import x509
from provider.credentials.validity import outputs_due, to_text
from provider.diffs import DiffResult, compare_inputs
from provider.fields import Fields
from provider.resource import CheckResult, Context, Created, Found, Resource, Severity, Stored
from provider.values import UNKNOWN, Properties

MAX_COMMON_NAME: Final = 64
MAX_VALIDITY_DAYS: Final = 36_500
DEFAULT_VALIDITY_DAYS: Final = 3650
_MINTS: Final = ("commonName", "validityDays", "rotation")


@dataclass(frozen=True)
class KeyPair:
    """One CA: certificate, key and times."""

    certificate_pem: str
    private_key_pem: str = field(repr=False)
    issued_at: str
    expires_at: str

    def to_properties(self) -> Properties:
        """As kept in the state."""
        return {
            "certificatePem": self.certificate_pem,
            "privateKeyPem": self.private_key_pem,
            "issuedAt": self.issued_at,
            "expiresAt": self.expires_at,
        }

    @staticmethod
    def from_properties(values: Properties) -> KeyPair | None:
        """From the state; None where there is none."""
        if not values:
            return None
        return KeyPair(
            values["certificatePem"],
            values["privateKeyPem"],
            values["issuedAt"],
            values["expiresAt"],
        )


def staged(stage: CaStage, newest: KeyPair, previous: KeyPair | None) -> Properties:
    """The outputs at a stage of a rotation. The bundle has the newest CA first."""
    if stage is CaStage.SINGLE:
        previous = None
    issuer = previous if stage is CaStage.TRUST_BOTH and previous else newest
    bundle = newest.certificate_pem + (previous.certificate_pem if previous else "")
    return {
        **issuer.to_properties(),
        "bundlePem": bundle,
        "newest": newest.to_properties(),
        "previous": previous.to_properties() if previous else {},
    }


class CertificateAuthority(Resource):
    """Mints a CA at creation, and another when ``rotation``, the name or the validity changes.

    ``certificatePem`` and ``privateKeyPem`` are the CA that issues at this stage; ``bundlePem`` is
    what to trust.
    """

    token: ClassVar[str] = "holdfast:index:CertificateAuthority"
    computed: ClassVar[frozenset[str]] = frozenset(
        {
            "certificatePem",
            "privateKeyPem",
            "issuedAt",
            "expiresAt",
            "bundlePem",
            "newest",
            "previous",
        }
    )
    secret_outputs: ClassVar[frozenset[str]] = frozenset({"privateKeyPem", "newest", "previous"})

    def check(self, old: Properties, new: Properties, context: Context) -> CheckResult:
        """Also refuses to begin a rotation while one is under way."""
        fields = Fields(new)
        fields.text("commonName")
        fields.integer("validityDays", low=1, high=MAX_VALIDITY_DAYS, default=DEFAULT_VALIDITY_DAYS)
        fields.text("rotation", default="")
        fields.text("stage", default=CaStage.SINGLE.value, choices=list(CaStage))
        if fields.known("commonName") and len(fields["commonName"]) > MAX_COMMON_NAME:
            fields.refuse(
                "commonName",
                fields["commonName"],
                f"at most {MAX_COMMON_NAME} characters",
                "shorten it",
            )
        under_way = old.get("stage", CaStage.SINGLE) != CaStage.SINGLE
        if under_way and any(old.get(name) != fields[name] for name in _MINTS):
            fields.refuse(
                "rotation",
                fields["rotation"],
                f"the running rotation ({old['stage']}) finished first",
                "go on to stage 'single', then begin the next",
            )
        return fields.result()

    def diff(self, stored: Stored, inputs: Properties, context: Context) -> DiffResult:
        """All changes are made in place. A CA near its end is told, not replaced unasked."""
        result = compare_inputs(stored.inputs, inputs)
        if not result and outputs_due(stored.outputs, context.now()):
            expiry = stored.outputs["expiresAt"]
            context.log(Severity.WARNING, f"the CA expires at {expiry}: run `scripts/rotate.py ca`")
        return result

    def create(self, inputs: Properties, context: Context) -> Created:
        """Mint the first CA."""
        outputs = staged(CaStage(inputs["stage"]), _mint(inputs, context), None)
        return Created(secrets.token_hex(8), {**inputs, **outputs})

    def read(self, stored: Stored, context: Context) -> Found | None:
        """A CA exists only in the state; there is none to import."""
        return Found(stored.outputs) if stored.outputs else None

    def update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        """Mint another CA, or go on to another stage."""
        newest = KeyPair.from_properties(stored.outputs.get("newest", {}))
        previous = KeyPair.from_properties(stored.outputs.get("previous", {}))
        if newest is None or _mints(stored, inputs):
            newest, previous = _mint(inputs, context), newest
        return {**inputs, **staged(CaStage(inputs["stage"]), newest, previous)}

    def delete(self, stored: Stored, context: Context) -> None:
        """Nothing exists outside the state."""

    def preview_update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        """Exact but for what is to be minted: certificates that keep their issuer do not change."""
        newest = KeyPair.from_properties(stored.outputs.get("newest", {}))
        if newest is not None and not _mints(stored, inputs):
            return self.update(stored, inputs, context)
        unknown = dict.fromkeys(self.computed, UNKNOWN)
        if newest is None or inputs["stage"] != CaStage.TRUST_BOTH:
            return {**inputs, **unknown}
        return {**inputs, **unknown, **newest.to_properties(), "previous": newest.to_properties()}


def _mints(stored: Stored, inputs: Properties) -> bool:
    return any(stored.inputs.get(name) != inputs[name] for name in _MINTS)


def _mint(inputs: Properties, context: Context) -> KeyPair:
    minted = x509.mint_authority(inputs["commonName"], inputs["validityDays"], context.now())
    return KeyPair(
        minted.certificate_pem,
        minted.private_key_pem,
        to_text(minted.issued_at),
        to_text(minted.expires_at),
    )
