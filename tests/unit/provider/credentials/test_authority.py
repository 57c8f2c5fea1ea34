from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.rotation.settings import CaStage
from provider.credentials.authority import CertificateAuthority, KeyPair, staged
from provider.credentials.certificate import Certificate
from provider.resource import Context, Severity, Stored
from provider.values import UNKNOWN, Properties
from tests.unit.provider.credentials.handshake import accepts
from tests.unit.provider.grpc_context import urn

_CONTEXT = Context(urn(CertificateAuthority.token))
_OLD = KeyPair("old certificate\n", "old key", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
_NEW = KeyPair("new certificate\n", "new key", "2026-06-01T00:00:00Z", "2027-06-01T00:00:00Z")


def _checked(**inputs: object) -> Properties:
    result = CertificateAuthority().check({}, {"commonName": "test CA", **inputs}, _CONTEXT)
    assert not result.failures
    return result.inputs


def _created(**inputs: object) -> Stored:
    checked = _checked(**inputs)
    created = CertificateAuthority().create(checked, _CONTEXT)
    return Stored(created.id, checked, created.outputs)


def _updated(stored: Stored, **inputs: object) -> Stored:
    checked = _checked(**inputs)
    outputs = CertificateAuthority().update(stored, checked, _CONTEXT)
    return Stored(stored.id, checked, outputs)


def _leaf(ca: Stored) -> Properties:
    certificate = Certificate()
    checked = certificate.check(
        {},
        {
            "caCertificatePem": ca.outputs["certificatePem"],
            "caPrivateKeyPem": ca.outputs["privateKeyPem"],
            "commonName": "valkey-0",
            "ipAddresses": ["127.0.0.1"],
        },
        _CONTEXT,
    )
    return certificate.create(checked.inputs, _CONTEXT).outputs


def _accepts(folder: Path, ca: Stored, leaf: Properties) -> bool:
    return accepts(
        folder,
        ca.outputs["bundlePem"],
        leaf["certificatePem"],
        leaf["privateKeyPem"],
        "127.0.0.1",
    )


@pytest.mark.parametrize(
    ("stage", "issuer", "bundle", "previous"),
    [
        (CaStage.SINGLE, _NEW, "new certificate\n", {}),
        (
            CaStage.TRUST_BOTH,
            _OLD,
            "new certificate\nold certificate\n",
            _OLD.to_properties(),
        ),
        (
            CaStage.ISSUE_NEW,
            _NEW,
            "new certificate\nold certificate\n",
            _OLD.to_properties(),
        ),
    ],
)
def test_each_stage_says_who_issues_and_whom_to_trust(
    stage: CaStage, issuer: KeyPair, bundle: str, previous: Properties
) -> None:
    assert staged(stage, _NEW, _OLD) == {
        **issuer.to_properties(),
        "bundlePem": bundle,
        "newest": _NEW.to_properties(),
        "previous": previous,
    }


@pytest.mark.parametrize("stage", CaStage)
def test_without_an_older_ca_every_stage_is_the_same(stage: CaStage) -> None:
    assert staged(stage, _NEW, None) == staged(CaStage.SINGLE, _NEW, None)


def test_every_certificate_is_trusted_everywhere_throughout_a_rotation(tmp_path: Path) -> None:
    before = _created()
    old_leaf = _leaf(before)
    both = _updated(before, rotation="2", stage="trust-both")
    assert both.outputs["certificatePem"] == before.outputs["certificatePem"]
    assert _accepts(tmp_path, both, old_leaf)
    issuing = _updated(both, rotation="2", stage="issue-new")
    new_leaf = _leaf(issuing)
    # Servers change one by one: a client with the bundle of the stage before meets a new one.
    for client in (both, issuing):
        assert _accepts(tmp_path, client, old_leaf)
        assert _accepts(tmp_path, client, new_leaf)
    after = _updated(issuing, rotation="2", stage="single")
    assert _accepts(tmp_path, after, new_leaf)
    assert not _accepts(tmp_path, after, old_leaf)
    assert before.outputs["privateKeyPem"] not in str(after.outputs)


def test_a_rotation_under_single_replaces_the_ca_at_once(tmp_path: Path) -> None:
    before = _created()
    after = _updated(before, rotation="leaked")
    assert _accepts(tmp_path, after, _leaf(after))
    assert not _accepts(tmp_path, after, _leaf(before))


def test_a_rotation_cannot_begin_while_one_is_under_way() -> None:
    old = _checked(rotation="2", stage="issue-new")
    new = {"commonName": "test CA", "rotation": "3", "stage": "trust-both"}
    [failure] = CertificateAuthority().check(old, new, _CONTEXT).failures
    assert failure.property == "rotation"
    assert "the running rotation (issue-new) finished first" in failure.reason


def test_an_unknown_stage_is_refused_with_those_there_are() -> None:
    inputs = {"commonName": "test CA", "stage": "both"}
    [failure] = CertificateAuthority().check({}, inputs, _CONTEXT).failures
    assert "one of single, trust-both, issue-new" in failure.reason


def test_unchanged_inputs_are_no_change() -> None:
    stored = _created()
    assert not CertificateAuthority().diff(stored, _checked(), _CONTEXT)
    assert _updated(stored).outputs == stored.outputs


@pytest.mark.parametrize("change", [{"rotation": "2"}, {"stage": "issue-new"}])
def test_a_ca_is_never_replaced(change: dict[str, str]) -> None:
    result = CertificateAuthority().diff(_created(), _checked(**change), _CONTEXT)
    assert set(result.changes) == set(change)
    assert not result.replaces


def test_a_preview_of_trust_both_keeps_the_issuer_known() -> None:
    stored = _created()
    inputs = _checked(rotation="2", stage="trust-both")
    outputs = CertificateAuthority().preview_update(stored, inputs, _CONTEXT)
    assert outputs["certificatePem"] == stored.outputs["certificatePem"]
    assert outputs["privateKeyPem"] == stored.outputs["privateKeyPem"]
    assert outputs["bundlePem"] is UNKNOWN


def test_a_preview_of_a_later_stage_is_exact() -> None:
    both = _updated(_created(), rotation="2", stage="trust-both")
    inputs = _checked(rotation="2", stage="issue-new")
    outputs = CertificateAuthority().preview_update(both, inputs, _CONTEXT)
    assert outputs == CertificateAuthority().update(both, inputs, _CONTEXT)


def test_a_ca_near_its_end_is_told() -> None:
    messages: list[tuple[Severity, str]] = []

    def log(severity: Severity, message: str, *, ephemeral: bool = False) -> None:
        messages.append((severity, message))

    stored = _created(validityDays=30)
    late = datetime.now(UTC) + timedelta(days=21)
    context = Context(urn(CertificateAuthority.token), log=log, now=lambda: late)
    assert not CertificateAuthority().diff(stored, _checked(validityDays=30), context)
    [(severity, message)] = messages
    assert severity is Severity.WARNING
    assert stored.outputs["expiresAt"] in message
