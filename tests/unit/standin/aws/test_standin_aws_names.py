from __future__ import annotations

import pytest

from holdfast.errors import ConfigError
from tests.standin.aws.names import NameRule, prefixed

SEED = b"seed"


def test_a_made_up_name_is_the_resource_s_and_seven_digits() -> None:
    name = NameRule().made_up("logs", SEED)
    stem, _, digits = name.rpartition("-")
    assert stem == "logs"
    assert len(digits) == 7
    assert set(digits) <= set("0123456789abcdef")


def test_the_same_seed_makes_the_same_name_and_another_one_another() -> None:
    assert NameRule().made_up("logs", SEED) == NameRule().made_up("logs", SEED)
    assert NameRule().made_up("logs", SEED) != NameRule().made_up("logs", b"other")


def test_a_replication_group_s_name_is_in_small_letters() -> None:
    rule = NameRule("replicationGroupId", limit=40, lower=True)
    assert rule.made_up("Store", SEED).startswith("store-")


def test_a_name_that_leaves_no_room_is_refused_and_not_shortened() -> None:
    rule = NameRule("replicationGroupId", limit=40, lower=True)
    assert len(rule.made_up("s" * 32, SEED)) == 40
    with pytest.raises(ConfigError, match="at most 32 characters"):
        rule.made_up("s" * 33, SEED)


def test_an_alias_has_its_head_once() -> None:
    rule = NameRule(limit=238, head="alias/")
    assert rule.made_up("key", SEED).startswith("alias/key-")
    assert rule.made_up("alias/key", SEED).startswith("alias/key-")


def test_a_prefix_gets_26_characters() -> None:
    assert len(prefixed("store-")) == len("store-") + 26
    assert prefixed("store-") != prefixed("store-")
