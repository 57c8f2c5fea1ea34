from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from holdfast.errors import ConfigError, HoldfastError
from provider.resource import Context, Stored
from tests.standin.aws import state
from tests.standin.aws.errors import AwsError, explained
from tests.standin.aws.services.archives import zipped
from tests.standin.aws.services.elasticache_show import shown
from tests.standin.aws.services.elasticache_users import User
from tests.standin.aws.session import Session, Settings
from tests.standin.aws.shape import DEFAULTS
from tests.standin.aws.waiting import GONE, until

SHAPE = User.shape
CONTEXT = Context("urn:pulumi:s::p::t::n")
WISH = {
    "accessString": "on ~a:*",
    "engine": "VALKEY",
    "noPasswordRequired": False,
    "passwords": ["one"],
    "region": "r",
    "userId": "a",
    "userName": "a",
}
FOUND = {"accessString": "on  ~a:*", "arn": "arn", "engine": "valkey", "userId": "a"}
ARCHIVE = {"4dabf18193072939515e22adb298388d": "0def7320c3a5731c473e5ecbe6d01bc7"}
ASSET = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17"}


def test_what_means_the_same_stays_in_the_program_s_words() -> None:
    outputs = state.merged(SHAPE, FOUND, WISH, {})
    assert outputs["engine"] == "VALKEY"
    assert outputs["accessString"] == "on ~a:*"
    assert outputs["passwords"] == ["one"]
    assert outputs["arn"] == "arn"


def test_a_preview_of_an_update_knows_what_the_update_leaves_as_it_is() -> None:
    outputs = state.merged(SHAPE, FOUND, WISH, {})
    stored = Stored("a", WISH, outputs)
    user = User(Session(Settings("eu-central-1")))
    planned = user.preview_update(stored, {**WISH, "accessString": "on ~b:*"}, CONTEXT)
    assert (planned["accessString"], planned["arn"]) == ("on ~b:*", "arn")


def test_a_refresh_keeps_what_aws_does_not_tell_and_takes_what_differs() -> None:
    known = state.merged(SHAPE, FOUND, WISH, {})
    outputs = state.merged(SHAPE, {**FOUND, "accessString": "off"}, {}, known)
    inputs = state.refreshed_inputs(SHAPE, {**WISH, DEFAULTS: []}, outputs)
    assert outputs["passwords"] == inputs["passwords"] == ["one"]
    assert outputs["accessString"] == inputs["accessString"] == "off"
    assert inputs[DEFAULTS] == []


def test_what_was_taken_out_of_the_program_leaves_the_outputs() -> None:
    known = state.merged(SHAPE, FOUND, WISH, {})
    wish = {name: value for name, value in WISH.items() if name != "passwords"}
    assert "passwords" not in state.merged(SHAPE, FOUND, wish, known)


def test_default_tags_are_in_all_tags_alone() -> None:
    every = {"by": "kit", "own": "1", "aws:made": "x"}
    assert state.tags(every, {"tags": {"own": "1"}}, {"by": "kit"}) == {
        "tags": {"own": "1"},
        "tagsAll": {"by": "kit", "own": "1"},
    }


def test_an_import_counts_what_aws_never_tells_as_left_at_its_default() -> None:
    assert state.imported(SHAPE, FOUND)["noPasswordRequired"] is False
    assert "noPasswordRequired" not in state.imported_inputs(SHAPE, state.imported(SHAPE, FOUND))


def test_an_error_says_what_was_being_done_and_aws_s_code() -> None:
    answer: Any = {
        "Error": {"Code": "UserGroupNotFound", "Message": "no such group"},
        "ResponseMetadata": {"HTTPStatusCode": 404},
    }
    with pytest.raises(AwsError) as caught, explained("creating ElastiCache User (a)"):
        raise ClientError(answer, "CreateUser")
    assert str(caught.value) == (
        "creating ElastiCache User (a): operation error CreateUser, https response error "
        "StatusCode: 404, api error UserGroupNotFound: no such group"
    )
    assert caught.value.code == "UserGroupNotFound"


def test_a_wait_ends_with_the_state_that_was_wanted() -> None:
    states = iter(["creating", "creating", "active"])
    until(
        CONTEXT,
        "waiting",
        lambda: next(states),
        wanted=("active",),
        pending=("creating",),
        seconds=60.0,
    )
    assert next(states, None) is None


def test_a_wait_that_can_come_to_nothing_says_why() -> None:
    def wait(now: str, seconds: float) -> None:
        pending = ("creating",)
        until(CONTEXT, "waiting", lambda: now, wanted=("active",), pending=pending, seconds=seconds)

    with pytest.raises(HoldfastError, match="unexpected state 'create-failed'"):
        wait("create-failed", 60.0)
    with pytest.raises(HoldfastError, match="unexpected state 'gone'"):
        wait(GONE, 60.0)
    with pytest.raises(HoldfastError, match="timeout while waiting"):
        wait("creating", -1.0)


def test_an_archive_becomes_a_zip_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "b.py").write_text("b")
    archive = {
        **ARCHIVE,
        "assets": {
            "a.py": {**ASSET, "text": "a"},
            "more": {**ARCHIVE, "path": str(tmp_path / "inside")},
        },
    }
    packed = zipped(archive)
    assert packed == zipped(archive)
    with zipfile.ZipFile(BytesIO(packed)) as files:
        assert {name: files.read(name) for name in files.namelist()} == {
            "a.py": b"a",
            "more/b.py": b"b",
        }


def test_code_that_is_no_archive_is_refused() -> None:
    with pytest.raises(ConfigError, match="AssetArchive"):
        zipped({**ARCHIVE, "uri": "http://127.0.0.1/code.zip"})


def test_a_version_is_told_as_the_program_gives_it_and_in_full() -> None:
    member = {"CacheClusterId": "s-001", "CurrentRole": "primary"}
    group = {
        "ARN": "arn",
        "Description": "d",
        "MemberClusters": ["s-001"],
        "NodeGroups": [
            {
                "NodeGroupMembers": [member],
                "PrimaryEndpoint": {"Address": "master.s", "Port": 6379},
                "ReaderEndpoint": {"Address": "replica.s", "Port": 6379},
            }
        ],
        "ReplicationGroupId": "s",
    }
    found = shown(
        group,
        {"Engine": "valkey", "EngineVersion": "9.1.0", "CacheNodeType": "t"},
        {"userGroupIds": []},
    )
    assert (found["engineVersion"], found["engineVersionActual"]) == ("9.1", "9.1.0")
    assert (found["primaryEndpointAddress"], found["port"]) == ("master.s", 6379)
    assert found["replicasPerNodeGroup"] == 0
    assert found["userGroupIds"] == []
