"""The rules of keys and ids."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from holdfast.errors import ConfigError, InvalidSessionId
from holdfast.keys import (
    MAX_BUCKETS,
    History,
    KeySpace,
    bucket_of,
    crc16,
    mint_session_id,
    new_token,
    user_bucket,
    user_digest,
    validate_app,
    validate_buckets,
    validate_tenant,
    validate_turn_id,
)

names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True)
bucket_counts = st.sampled_from([1, 2, 16, 64, 128, MAX_BUCKETS])
users = st.none() | st.text(min_size=1, max_size=30)
histories = st.sampled_from(History)


def hash_tag(key: str) -> str:
    found = re.search(r"\{([^}]+)\}", key)
    assert found is not None
    return found[1]


def test_crc16_is_the_checksum_of_the_cluster_specification() -> None:
    assert crc16(b"123456789") == 0x31C3


@given(names, names, bucket_counts, users, histories)
def test_all_keys_of_a_session_share_one_hash_tag(
    app: str, tenant: str, buckets: int, user: str | None, history: History
) -> None:
    space = KeySpace(app, tenant, buckets)
    keys = space.session(space.mint(user, history))
    tags = {hash_tag(key) for key in (*keys.named_with_lease, keys.channel)}
    assert len(tags) == 1
    assert int(tags.pop()[1:]) < buckets
    assert keys.timeline is (history is History.TIMELINE)
    assert keys.named == tuple(k for k in keys.named_with_lease if k != keys.lease)


@given(names, names, bucket_counts, st.text(min_size=1, max_size=30))
def test_the_user_index_is_known_from_the_session_id(
    app: str, tenant: str, buckets: int, user: str
) -> None:
    space = KeySpace(app, tenant, buckets)
    assert space.session(space.mint(user)).user == space.user_index(user)


@given(names, names)
def test_a_session_without_a_user_has_no_index_and_spreads_by_its_random_part(
    app: str, tenant: str
) -> None:
    space = KeySpace(app, tenant)
    session_id = space.mint(None)
    keys = space.session(session_id)
    assert keys.user is None
    assert hash_tag(keys.session) == "b" + bucket_of(session_id.rpartition(".")[2], space.buckets)
    assert len(keys.named) == 3


@given(names, names, names, st.text(min_size=1, max_size=30))
def test_the_same_id_gives_another_tenant_other_keys(
    app: str, mine: str, theirs: str, user: str
) -> None:
    assume(mine != theirs)
    session_id = KeySpace(app, mine).mint(user)
    ours = KeySpace(app, mine).session(session_id)
    others = KeySpace(app, theirs).session(session_id)
    assert not set(ours.named_with_lease) & set(others.named_with_lease)


@given(names, st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_users_have_digests_of_their_own_and_never_stand_in_a_key(
    tenant: str, one: str, other: str
) -> None:
    assume(one != other)
    assert user_digest(tenant, one) != user_digest(tenant, other)
    assert re.fullmatch(r"[A-Za-z0-9_-]{16}", user_digest(tenant, one))


def test_a_user_of_two_tenants_has_two_digests() -> None:
    assert user_digest("a", "ann") != user_digest("b", "ann")


def test_minted_ids_differ_and_carry_128_random_bits() -> None:
    minted = {mint_session_id("acme", "ann", 64) for _ in range(1000)}
    assert len(minted) == 1000
    assert len(new_token()) == 22


@given(st.text(max_size=60))
def test_whatever_was_not_minted_is_refused_before_anything_is_sent(text: str) -> None:
    assume(not re.fullmatch(r"[lt]\d{2,4}\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{22}", text))
    with pytest.raises(InvalidSessionId):
        KeySpace("agent", "acme").session(text)


@pytest.mark.parametrize(
    "forge",
    [
        lambda sid: sid + "\n",
        lambda sid: sid + "}",
        lambda sid: sid.replace(".", ":", 1),
        lambda sid: "x" + sid[1:],
        lambda sid: sid[1:],
        lambda sid: sid[0] + "64" + sid[3:],
        lambda sid: sid[0] + "0" + sid[1:],
        lambda sid: sid[0] + "\u0660\u0661" + sid[3:],
    ],
)
def test_a_changed_id_is_refused(forge: object) -> None:
    assert callable(forge)
    with pytest.raises(InvalidSessionId):
        KeySpace("agent", "acme").session(forge(mint_session_id("acme", "ann", 64)))


def test_a_forged_bucket_of_a_session_without_user_is_refused() -> None:
    session_id = mint_session_id("acme", None, 64)
    other = (int(session_id[1:3]) + 1) % 64
    with pytest.raises(InvalidSessionId):
        KeySpace("agent", "acme").session(f"l{other:02d}{session_id[3:]}")


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
def test_cache_names_never_meet_each_other_or_a_lock(one: str, other: str) -> None:
    assume(one != other)
    space = KeySpace("agent", "acme")
    keys = {space.cache(one), space.cache_lock(one), space.cache(other), space.cache_lock(other)}
    assert len(keys) == 4
    assert hash_tag(space.cache(one)) == hash_tag(space.cache_lock(one))
    assert all(re.fullmatch(r"agent:cache:\{b\d\d\}:acme:[\w.~%-]+!?(lock)?", k) for k in keys)


@pytest.mark.parametrize("name", ["", "x" * 513, "é" * 257])
def test_cache_names_are_1_to_512_bytes(name: str) -> None:
    with pytest.raises(ConfigError, match="cache name"):
        KeySpace("agent", "acme").cache(name)


@pytest.mark.parametrize("bad", ["", "A", "a:b", "a{b}", "-a", "a b", "a" * 64, "a\n", None, 7])
@pytest.mark.parametrize("check", [validate_app, validate_tenant])
def test_names_that_break_out_of_their_place_are_refused(check: object, bad: object) -> None:
    assert callable(check)
    with pytest.raises(ConfigError, match="rename it"):
        check(bad)


@pytest.mark.parametrize("buckets", [0, -1, 3, 65, 2048])
def test_buckets_are_a_power_of_two_up_to_1024(buckets: int) -> None:
    with pytest.raises(ConfigError, match="buckets"):
        validate_buckets(buckets)


@pytest.mark.parametrize(
    "turn_id", ["short", "x" * 65, "has space", "comma,comma", "a=bbbbbbbb", ""]
)
def test_turn_ids_hold_nothing_that_separates_them_in_the_store(turn_id: str) -> None:
    with pytest.raises(ConfigError, match="turn_id"):
        validate_turn_id(turn_id)


def test_the_bucket_of_a_user_does_not_depend_on_the_application() -> None:
    assert user_bucket("acme", "ann", 64) == user_bucket("acme", "ann", 64)
    assert (
        KeySpace("a", "acme").user_index("ann")[1:] == KeySpace("b", "acme").user_index("ann")[1:]
    )
