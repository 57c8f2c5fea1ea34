from __future__ import annotations

import pytest

from holdfast.errors import ConfigError
from k8s.claims import ExistingClaim, claim_name, claim_patch, claims_to_grow, plan_disk
from k8s.memory import parse_quantity, quantity
from tests.unit.k8s.specs import spec as store_spec

MIB = 1024**2


def test_a_claim_is_named_as_its_stateful_set_names_it() -> None:
    spec = store_spec()
    assert claim_name(spec.names, 2) == f"data-{spec.names.store}-server-2"


def test_a_size_is_what_is_needed_or_there_already_unless_one_is_asked_for() -> None:
    held = {
        "data-s-server-0": ExistingClaim(500 * MIB),
        "data-s-server-1": ExistingClaim(400 * MIB),
    }
    assert plan_disk(None, 300 * MIB, {}) == 300 * MIB
    assert plan_disk(None, 300 * MIB, held) == 500 * MIB
    assert plan_disk(None, 600 * MIB, held) == 600 * MIB
    assert plan_disk(700 * MIB, 300 * MIB, held) == 700 * MIB
    assert plan_disk(500 * MIB, 300 * MIB, held) == 500 * MIB


def test_a_shrink_is_refused_with_the_size_that_is_there() -> None:
    held = {"data-s-server-0": ExistingClaim(500 * MIB)}
    with pytest.raises(ConfigError, match="do not shrink") as caught:
        plan_disk(499 * MIB, 300 * MIB, held)
    assert caught.value.field == "storage"
    assert "500Mi" in caught.value.rule
    assert "data-s-server-0" in caught.value.rule


def test_only_claims_that_exist_and_are_too_small_are_grown_and_stay_so() -> None:
    spec = store_spec()
    disk = spec.memory.disk_bytes
    names = [claim_name(spec.names, ordinal) for ordinal in range(4)]
    existing = {
        names[0]: ExistingClaim(disk - 1),
        names[1]: ExistingClaim(disk),
        names[2]: ExistingClaim(disk, grown=True),
        # Of a pod that is gone.
        names[3]: ExistingClaim(1),
    }
    assert claims_to_grow(spec, existing) == (0, 2)
    assert claims_to_grow(spec, {}) == ()


def test_a_patch_names_the_claim_its_new_size_and_who_owns_it_from_now_on() -> None:
    spec = store_spec()
    patch = claim_patch(spec, 1)
    assert patch["metadata"]["name"] == claim_name(spec.names, 1)
    assert patch["metadata"]["namespace"] == spec.names.namespace
    assert patch["spec"] == {
        "resources": {"requests": {"storage": quantity(spec.memory.disk_bytes)}}
    }
    assert patch["metadata"]["annotations"] == {
        "pulumi.com/patchForce": "true",
        "pulumi.com/skipAwait": "true",
        "pulumi.com/patchFieldManager": "holdfast-storage",
    }


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("768Mi", 768 * MIB),
        ("1.5Gi", 1536 * MIB),
        ("10G", 10**10),
        ("1e9", 10**9),
        ("512k", 512_000),
        ("805306368", 805306368),
    ],
)
def test_quantities_are_read_as_the_api_server_writes_them(text: str, amount: int) -> None:
    assert parse_quantity(text) == amount
    assert parse_quantity(quantity(amount)) == amount


@pytest.mark.parametrize("text", ["", "Mi", "1 Gi", "1KB", "-1"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no quantity"):
        parse_quantity(text)
