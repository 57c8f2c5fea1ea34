from __future__ import annotations

from typing import Any

import pytest

from provider.resource import CheckResult, Context
from provider.values import UNKNOWN
from tests.standin.aws.base import AwsResource
from tests.standin.aws.services.ec2_security import SecurityGroup
from tests.standin.aws.services.elasticache_store import ReplicationGroup
from tests.standin.aws.services.elasticache_users import User
from tests.standin.aws.services.kms import Alias, Key
from tests.standin.aws.services.logs import LogGroup
from tests.standin.aws.services.secretsmanager import Secret
from tests.standin.aws.session import Session, Settings
from tests.standin.aws.shape import DEFAULTS
from tests.standin.aws.types import TYPES

SESSION = Session(Settings("eu-central-1", default_tags={"by": "kit", "own": "no"}))
CONTEXT = Context("urn:pulumi:s::p::aws:x::thing", random_seed=b"seed")
STORE = {"description": "x", "engine": "valkey", "engineVersion": "9.1"}
USER = {"accessString": "on", "engine": "valkey", "userId": "a", "userName": "a"}


def check(
    kind: type[AwsResource], new: dict[str, Any], old: dict[str, Any] | None = None
) -> CheckResult:
    return kind(SESSION).check(old or {}, new, CONTEXT)


def failed(kind: type[AwsResource], new: dict[str, Any]) -> dict[str, str]:
    return {item.property: item.reason for item in check(kind, new).failures}


def test_a_name_is_made_up_once_and_kept() -> None:
    first = check(SecurityGroup, {}).inputs
    assert first["name"].startswith("thing-")
    assert "name" in first[DEFAULTS]
    assert check(SecurityGroup, {}, first).inputs["name"] == first["name"]


def test_a_name_that_the_program_gave_up_is_made_up_anew() -> None:
    given = check(SecurityGroup, {"name": "mine"}).inputs
    assert check(SecurityGroup, {}, given).inputs["name"].startswith("thing-")


def test_with_a_prefix_the_name_is_left_to_the_creation() -> None:
    assert "name" not in check(SecurityGroup, {"namePrefix": "store-"}).inputs
    assert "name" in failed(SecurityGroup, {"name": "a", "namePrefix": "b"})


def test_description_region_and_tags_are_filled_in() -> None:
    inputs = check(SecurityGroup, {"tags": {"own": "yes"}}).inputs
    assert inputs["description"] == "Managed by Pulumi"
    assert inputs["region"] == "eu-central-1"
    assert inputs["tags"] == {"own": "yes"}
    assert inputs["tagsAll"] == {"by": "kit", "own": "yes"}


def test_tags_that_are_not_known_make_all_of_them_unknown() -> None:
    assert check(SecurityGroup, {"tags": UNKNOWN}).inputs["tagsAll"] is UNKNOWN


def test_what_is_required_and_what_nobody_knows_is_told_by_name() -> None:
    assert "is required" in failed(User, {})["userId"]
    assert "passwordsWo" in failed(User, {**USER, "passwordsWo": "x"})["passwordsWo"]


@pytest.mark.parametrize(
    ("kind", "inputs", "property"),
    [
        (LogGroup, {"retentionInDays": 31}, "retentionInDays"),
        (Key, {"deletionWindowInDays": 6}, "deletionWindowInDays"),
        (Secret, {"recoveryWindowInDays": 3}, "recoveryWindowInDays"),
        (Alias, {"name": "store", "targetKeyId": "k"}, "name"),
        (User, {**USER, "passwords": ["1" * 16, "2" * 16, "3" * 16]}, "passwords"),
        (User, {**USER, "passwords": ["short"]}, "passwords"),
        (User, {**USER, "engine": "memcached"}, "engine"),
        (ReplicationGroup, {**STORE, "engineVersion": "9"}, "engineVersion"),
        (ReplicationGroup, {**STORE, "multiAzEnabled": True}, "automaticFailoverEnabled"),
        (
            ReplicationGroup,
            {**STORE, "automaticFailoverEnabled": True, "numCacheClusters": 1},
            "numCacheClusters",
        ),
        (
            ReplicationGroup,
            {**STORE, "numNodeGroups": 1, "numCacheClusters": 1},
            "numCacheClusters",
        ),
        (
            ReplicationGroup,
            {**STORE, "authToken": "x", "userGroupIds": ["y"]},
            "authToken",
        ),
    ],
)
def test_what_the_official_plugin_refuses_before_a_call_is_refused(
    kind: type[AwsResource], inputs: dict[str, Any], property: str
) -> None:
    reason = failed(kind, inputs)[property]
    assert "short" not in reason
    unknown = {**inputs, property: UNKNOWN}
    assert property not in failed(kind, unknown) or property in ("numCacheClusters", "authToken")


@pytest.mark.parametrize("token", sorted(TYPES))
def test_every_table_speaks_of_inputs_and_outputs_that_the_type_has(token: str) -> None:
    shape = TYPES[token].shape
    assert shape.token == token
    told = shape.required | shape.replace_on | shape.kept | shape.ours | shape.defaults.keys()
    told |= shape.documents | shape.caseless | {name for group in shape.conflicts for name in group}
    assert told <= shape.settable
    assert shape.sets <= shape.settable | shape.computed
    assert shape.volatile <= shape.computed
    assert not shape.computed & shape.inputs
    assert shape.name is None or shape.name.property in shape.inputs
