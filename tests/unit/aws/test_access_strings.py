from __future__ import annotations

import pytest

from holdfast.aws.access import ABSENT_ON_SERVERLESS, RESTRICTED, access_string
from holdfast.errors import ConfigError
from holdfast.roles import APPLICATION_ROLES, Role

VERSIONS = ("7.2", "8.0", "8.1", "8.2", "9.0", "9.1")
KINDS = (
    {"cluster": False, "serverless": False},
    {"cluster": True, "serverless": False},
    {"cluster": False, "serverless": True},
)


def words_of(text: str) -> list[str]:
    return text.replace("(", " ").replace(")", " ").split()


PRINTED = {
    Role.CONSOLIDATOR: "on ~agent:outbox:* resetchannels -@all +ping +xreadgroup +xack +xdel "
    "+xautoclaim +xpending +xinfo|stream +xinfo|groups +xlen +xgroup|create "
    "(%R~agent:sess:* %R~agent:hist:* %R~agent:tool:* resetchannels -@all +hgetall +hmget +lrange "
    "+llen +pttl +exists) (~agent:due:* resetchannels -@all +zrange +zrem +zscore)",
    Role.ADMIN: "on ~agent:* resetchannels &agent:* +@all -@dangerous +info +role +client|list "
    "+client|kill +slowlog|get +slowlog|len +latency|latest +latency|histogram +cluster|info "
    "+cluster|slots +cluster|nodes +cluster|shards",
}
"""What Valkey 9.1.2 printed of them in ``ACL LIST``, less what ElastiCache shows apart (the
password) or not at all (``sanitize-payload``, ``alldbs``). tests/local/test_access_strings.py asks
a server for all."""


@pytest.mark.parametrize("role", PRINTED)
def test_a_string_is_what_a_server_prints_of_it(role: Role) -> None:
    assert access_string(role, "agent", version="9.1", cluster=False) == PRINTED[role]


@pytest.mark.parametrize("role", APPLICATION_ROLES)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_string_has_what_aws_takes_and_nothing_else(
    role: Role, version: str, kind: dict[str, bool]
) -> None:
    text = access_string(role, "agent", version=version, **kind)
    first, *rest = words_of(text)
    # Without it the user is off.
    assert first == "on"
    for word in rest:
        assert word.startswith(("~", "%R~", "%W~", "&", "+", "-@")) or word == "resetchannels"
    assert not set(rest) & {"nopass", "reset", "allkeys", "allchannels", "~*", "&*", "+acl"}


@pytest.mark.parametrize("role", APPLICATION_ROLES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_string_names_what_a_store_does_not_offer(role: Role, kind: dict[str, bool]) -> None:
    absent = RESTRICTED | (ABSENT_ON_SERVERLESS if kind["serverless"] else set())
    for word in words_of(access_string(role, "agent", version="9.1", **kind)):
        command = word.removeprefix("+")
        assert command not in absent
        assert command.partition("|")[0] not in absent


@pytest.mark.parametrize("role", APPLICATION_ROLES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_role_is_held_to_its_application(role: Role, kind: dict[str, bool]) -> None:
    for word in words_of(access_string(role, "shop", version="9.1", **kind)):
        if word[0] in "~%&":
            assert word.partition("~")[2].startswith("shop:") or word.startswith("&shop:")


def test_break_glass_is_not_everything() -> None:
    text = access_string(Role.ADMIN, "agent", version="9.1", cluster=False)
    assert text.startswith("on ~agent:* resetchannels &agent:* +@all -@dangerous ")
    # How old logins are cut after a rotation.
    assert "+client|kill" in words_of(text)


def test_clients_of_a_cluster_and_of_a_serverless_store_learn_the_slots() -> None:
    for kind in KINDS:
        text = words_of(access_string(Role.SVC, "agent", version="9.1", **kind))
        slots = kind["cluster"] or kind["serverless"]
        assert ("+cluster|slots" in text) is slots
        assert ("+spublish" in text) is slots
        assert ("+wait" in text) is not kind["serverless"]


def test_roles_of_servers_have_no_user_there() -> None:
    with pytest.raises(ConfigError, match="AWS runs the servers"):
        access_string(Role.REPLICA, "agent", version="9.1", cluster=False)
