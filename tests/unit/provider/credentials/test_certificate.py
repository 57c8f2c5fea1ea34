from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.credentials.certificate import Certificate, is_dns_name, is_ip_address
from provider.credentials.x509 import Issued, mint_authority
from provider.diffs import DiffKind, PropertyChange
from provider.resource import Context, Stored
from provider.values import UNKNOWN, Properties
from tests.unit.provider.grpc_context import urn

_NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def _at(days: int) -> Context:
    moment = _NOW + timedelta(days=days)
    return Context(urn(Certificate.token), now=lambda: moment)


@pytest.fixture(scope="module")
def ca() -> Issued:
    return mint_authority("test CA", 3650, _NOW)


def _inputs(ca: Issued, **changes: object) -> Properties:
    given = {
        "caCertificatePem": ca.certificate_pem,
        "caPrivateKeyPem": ca.private_key_pem,
        "commonName": "valkey-0",
        "dnsNames": ["localhost"],
        "validityDays": 90,
        **changes,
    }
    result = Certificate().check({}, given, _at(0))
    assert not result.failures
    return result.inputs


def _created(ca: Issued, **changes: object) -> Stored:
    inputs = _inputs(ca, **changes)
    created = Certificate().create(inputs, _at(0))
    return Stored(created.id, inputs, created.outputs)


def test_the_outputs_tell_serial_and_times_but_not_the_ca_key(ca: Issued) -> None:
    outputs = _created(ca).outputs
    assert outputs["issuedAt"] == "2026-11-23T10:00:00Z"
    assert outputs["expiresAt"] == "2027-02-21T10:00:00Z"
    assert int(outputs["serial"], 16) > 0
    assert ca.private_key_pem not in outputs.values()


def test_nothing_changes_while_a_third_of_the_validity_is_left(ca: Issued) -> None:
    stored = _created(ca)
    assert not Certificate().diff(stored, stored.inputs, _at(60))
    found = Certificate().read(stored, _at(60))
    assert found is not None
    assert found.outputs == stored.outputs


@pytest.mark.parametrize("days", [61, 89, 400])
def test_renewal_shows_as_drift_and_is_made_in_place(ca: Issued, days: int) -> None:
    stored = _created(ca)
    result = Certificate().diff(stored, stored.inputs, _at(days))
    assert result.changes == {"renewalDue": PropertyChange(DiffKind.UPDATE, is_input=False)}
    found = Certificate().read(stored, _at(days))
    assert found is not None
    assert found.outputs["renewalDue"] is True
    renewed = Certificate().update(stored, stored.inputs, _at(days))
    assert renewed["renewalDue"] is False
    assert renewed["serial"] != stored.outputs["serial"]
    assert renewed["privateKeyPem"] != stored.outputs["privateKeyPem"]
    assert not Certificate().diff(Stored("id", stored.inputs, renewed), stored.inputs, _at(days))


def test_a_changed_name_or_ca_issues_anew_without_replacement(ca: Issued) -> None:
    other = mint_authority("test CA", 3650, _NOW)
    stored = _created(ca)
    result = Certificate().diff(stored, _inputs(other, dnsNames=["elsewhere"]), _at(0))
    assert set(result.changes) == {"caCertificatePem", "caPrivateKeyPem", "dnsNames"}
    assert not result.replaces


def test_another_rotation_issues_anew_and_changes_nothing_else(ca: Issued) -> None:
    stored = _created(ca)
    inputs = _inputs(ca, rotation="1")
    result = Certificate().diff(stored, inputs, _at(0))
    assert set(result.changes) == {"rotation"}
    assert not result.replaces
    renewed = Certificate().update(stored, inputs, _at(0))
    for name in ("serial", "certificatePem", "privateKeyPem"):
        assert renewed[name] != stored.outputs[name]
    assert renewed["dnsNames"] == stored.outputs["dnsNames"]
    assert not Certificate().diff(Stored("id", inputs, renewed), inputs, _at(0))


def test_a_preview_leaves_the_new_pair_unknown(ca: Issued) -> None:
    stored = _created(ca)
    outputs = Certificate().preview_update(stored, _inputs(ca, dnsNames=["new"]), _at(0))
    assert outputs["certificatePem"] is UNKNOWN
    assert outputs["privateKeyPem"] is UNKNOWN


def test_a_ca_that_is_yet_to_be_made_passes_the_check() -> None:
    inputs = {"caCertificatePem": UNKNOWN, "caPrivateKeyPem": UNKNOWN, "commonName": "n"}
    [failure] = Certificate().check({}, inputs, _at(0)).failures
    assert failure.property == "dnsNames"


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("dnsNames", ["has space"], "a list of host names"),
        ("dnsNames", ["127.0.0.1"], "a list of host names"),
        ("ipAddresses", ["localhost"], "a list of IP addresses"),
        ("ipAddresses", ["127.0.0.256"], "a list of IP addresses"),
        ("validityDays", 0, "a whole number from 1 to 3650"),
        ("commonName", "x" * 65, "at most 64 characters"),
    ],
)
def test_bad_inputs_are_refused_by_name(ca: Issued, field: str, value: object, rule: str) -> None:
    inputs = {**_inputs(ca), field: value}
    [failure] = Certificate().check({}, inputs, _at(0)).failures
    assert failure.property == field
    assert rule in failure.reason


@given(st.ip_addresses().map(str))
def test_every_address_is_an_address_and_no_name(text: str) -> None:
    assert is_ip_address(text)
    assert not is_dns_name(text)


@pytest.mark.parametrize("name", ["localhost", "valkey-0", "*.pool.test", "a.b.c", "A.Example"])
def test_host_names_are_names(name: str) -> None:
    assert is_dns_name(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a..b", "a b", "*", "a.*.b", "x" * 64, "a\n"])
def test_other_text_is_no_host_name(name: str) -> None:
    assert not is_dns_name(name)
