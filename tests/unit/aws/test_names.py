from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.aws.names import (
    MAX_ID,
    MAX_PREFIX,
    is_id,
    member_ids,
    user_group_id,
    user_id,
    user_name,
)
from holdfast.roles import APPLICATION_ROLES, Role

PREFIXES = st.from_regex(r"[a-z](-?[a-z0-9]){0,11}", fullmatch=True).filter(
    lambda text: len(text) <= MAX_PREFIX
)


@given(
    prefix=PREFIXES,
    role=st.sampled_from(APPLICATION_ROLES),
    generation=st.integers(1, 99),
    iam=st.booleans(),
)
def test_an_id_is_one_that_aws_takes_and_keeps(
    prefix: str, role: Role, generation: int, *, iam: bool
) -> None:
    made = user_id(prefix, role, generation, iam=iam)
    assert is_id(made)
    assert f"-{role}-" in made
    assert is_id(user_group_id(prefix))


def test_ids_differ_where_users_do() -> None:
    made = {
        user_id(prefix, role, generation, iam=iam)
        # So long that they are cut to the same text.
        for prefix in ("store-production-of-chat", "store-production-of-chap", "store")
        for role in APPLICATION_ROLES
        for generation in (1, 2)
        for iam in (False, True)
    }
    assert len(made) == 3 * len(APPLICATION_ROLES) * 2 * 2
    assert max(map(len, made)) <= MAX_ID


def test_an_id_stays_what_it_is() -> None:
    # A change would replace every user of every store.
    assert user_id("store-dev", Role.SVC) == "store-dev-svc-3afc07"
    assert user_id("store-dev", Role.SVC, iam=True) == "store-dev-svc-2013f3"


def test_a_user_is_named_by_role_and_by_id_where_aws_wants_both_the_same() -> None:
    assert user_name("store-dev", Role.SVC) == "svc"
    assert user_name("store-dev", Role.SVC, 2) == "svc-2"
    iam = user_name("store-dev", Role.SVC, 2, iam=True)
    assert iam == user_id("store-dev", Role.SVC, 2, iam=True)


@pytest.mark.parametrize("text", ["", "Chat", "1chat", "chat-", "a--b", "a_b", "a" * 41, "å"])
def test_what_aws_would_refuse_or_change_is_no_id(text: str) -> None:
    assert not is_id(text)


def test_members_are_numbered_as_aws_numbers_them() -> None:
    assert member_ids("g", shards=1, nodes=3, cluster=False) == ("g-001", "g-002", "g-003")
    assert member_ids("g", shards=2, nodes=2, cluster=True) == (
        "g-0001-001",
        "g-0001-002",
        "g-0002-001",
        "g-0002-002",
    )
