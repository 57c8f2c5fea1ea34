from __future__ import annotations

import json
from typing import Any

import pytest

from components.aws.users import IAM_ROLES
from config.aws_settings import Authentication
from holdfast.aws.access import access_string
from holdfast.aws.names import user_id
from holdfast.aws.secret_value import parse_value
from holdfast.connection import Connection, Topology, User
from holdfast.roles import APPLICATION_ROLES, Role
from holdfast.rotation.settings import PasswordStage, RotationSettings
from tests.unit.components.aws.stores import GROUP, NAME, nodes, serverless
from tests.unit.components.mocks import Deployment, is_secret, password_of, previous_of

STAGES = {
    PasswordStage.SINGLE: RotationSettings({Role.SVC: 1}, PasswordStage.SINGLE),
    PasswordStage.ACCEPT_BOTH: RotationSettings({Role.SVC: 1}, PasswordStage.ACCEPT_BOTH),
    PasswordStage.PRESENT_NEW: RotationSettings({Role.SVC: 1}, PasswordStage.PRESENT_NEW),
}
NEW, OLD = password_of("s-password-svc"), previous_of("s-password-svc")


def secret(made: Deployment, role: Role) -> dict[str, Any]:
    """A role's value in Secrets Manager, which has to be secret as the engine sees it."""
    name = f"s-secret-{role}-value"
    assert "secretString" in made.secret_inputs(name)
    value: dict[str, Any] = json.loads(made.inputs(name)["secretString"])
    return value


def full(made: Deployment) -> Connection:
    return Connection.from_json(made.outputs["connection"].value)


def test_each_role_is_a_user_with_its_own_rule_and_password() -> None:
    made = nodes(app="shop")
    for role in APPLICATION_ROLES:
        name = f"s-user-{role}"
        assert made.inputs(name) == {
            "userId": user_id(NAME, role),
            "userName": role.value,
            "engine": "valkey",
            "accessString": access_string(role, "shop", version="9.1", cluster=False),
            "passwords": [password_of(f"s-password-{role}")],
            "tags": {},
        }


def test_passwords_are_secret_wherever_they_are_an_input() -> None:
    for stage, rotation in STAGES.items():
        made = nodes(rotation=rotation, authentication=Authentication.PASSWORD_AND_IAM)
        for name, args in made.created.items():
            plain = {key: value for key, value in args.inputs.items() if not is_secret(value)}
            assert "plain-text" not in json.dumps(plain, default=str), (stage, name)
        shown = [seen.value for seen in made.outputs.values() if not seen.secret]
        assert "plain-text" not in json.dumps(shown)


def test_passwords_and_values_of_secrets_are_secret_outputs_too() -> None:
    made = nodes()
    for role in APPLICATION_ROLES:
        assert "passwords" in made.requests[f"s-user-{role}"].additionalSecretOutputs
        version = made.requests[f"s-secret-{role}-value"]
        assert "secretString" in version.additionalSecretOutputs


@pytest.mark.parametrize("preview", [False, True])
def test_the_group_has_every_user_and_none_named_default(*, preview: bool) -> None:
    made = nodes(preview=preview)
    inputs = made.inputs("s-users")
    assert (inputs["userGroupId"], inputs["engine"]) == ("chat-test-users", "valkey")
    assert sorted(inputs["userIds"]) == sorted(user_id(NAME, role) for role in APPLICATION_ROLES)
    names = {
        made.inputs(name)["userName"]
        for name, args in made.created.items()
        if args.typ.endswith(":User")
    }
    assert "default" not in names


def test_a_store_waits_for_its_users() -> None:
    made = nodes()
    assert "s-users" in made.waits_for[NAME]
    for role in APPLICATION_ROLES:
        assert f"s-user-{role}" in made.waits_for["s-users"]
        # A secret names no login that the store does not take yet.
        assert {f"s-user-{role}", "s-users"} <= made.waits_for[f"s-secret-{role}-value"]


@pytest.mark.parametrize(
    ("stage", "accepted", "presented"),
    [
        (PasswordStage.SINGLE, [NEW], NEW),
        (PasswordStage.ACCEPT_BOTH, [NEW, OLD], OLD),
        (PasswordStage.PRESENT_NEW, [NEW, OLD], NEW),
    ],
)
def test_a_rotation_accepts_both_before_anybody_presents_the_new(
    stage: PasswordStage, accepted: list[str], presented: str
) -> None:
    made = nodes(rotation=STAGES[stage])
    assert made.inputs("s-user-svc")["passwords"] == accepted
    assert secret(made, Role.SVC)["password"] == presented
    assert full(made).users[Role.SVC].password == presented
    untouched = password_of("s-password-admin")
    assert made.inputs("s-user-admin")["passwords"] == [untouched]
    assert secret(made, Role.ADMIN)["password"] == untouched


def test_only_the_roles_that_exist_on_aws_have_passwords() -> None:
    made = nodes()
    assert {name for name in made.created if name.startswith("s-password-")} == {
        f"s-password-{role}" for role in APPLICATION_ROLES
    }


def test_a_secret_holds_the_login_the_address_and_a_connection_that_refers_to_it() -> None:
    made = nodes(replicas=1, app="shop")
    for role in APPLICATION_ROLES:
        value = secret(made, role)
        arn = f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:s-secret-{role}-Ab1"
        assert made.outputs["connection_secrets"].value[role] == arn
        narrow = Connection.from_json(json.dumps(value.pop("connection")))
        assert value == {
            "username": role.value,
            "password": password_of(f"s-password-{role}"),
            "user_arn": f"arn:aws:elasticache:eu-west-1:123456789012:s-user-{role}",
            "host": f"master.{GROUP}.example.cache.amazonaws.com",
            "port": 6379,
            "tls": True,
            "reader": f"replica.{GROUP}.example.cache.amazonaws.com:6379",
        }
        assert narrow.users == {role: User(role.value, secret_arn=arn)}
        assert narrow.app == "shop"


def test_a_client_reads_what_the_secret_holds() -> None:
    made = nodes(authentication=Authentication.IAM)
    text = json.dumps(secret(made, Role.ADMIN))
    assert parse_value("arn", text).password == password_of("s-password-admin")
    by_iam = parse_value("arn", json.dumps(secret(made, Role.SVC)))
    assert by_iam.password is None
    assert by_iam.connection is not None
    assert by_iam.connection.users[Role.SVC].iam


def test_secrets_are_encrypted_named_by_role_and_closed_to_other_accounts() -> None:
    made = nodes()
    for role in APPLICATION_ROLES:
        inputs = made.inputs(f"s-secret-{role}")
        assert inputs["namePrefix"] == f"holdfast/chat-test/{role}-"
        assert inputs["kmsKeyId"].startswith("arn:aws:kms:")
        assert "name" not in inputs
        policy = made.inputs(f"s-secret-{role}-policy")
        assert policy["blockPublicPolicy"] is True
        own, plain = json.loads(policy["policy"])["Statement"]
        assert own["Effect"] == plain["Effect"] == "Deny"
        assert own["Condition"]["StringNotEquals"] == {"aws:PrincipalAccount": "123456789012"}


def test_by_iam_applications_have_no_password_and_log_in_by_their_id() -> None:
    made = nodes(authentication=Authentication.IAM)
    for role in APPLICATION_ROLES:
        user = full(made).users[role]
        if role not in IAM_ROLES:
            assert user == User(role.value, password_of(f"s-password-{role}"))
            continue
        wanted = user_id(NAME, role, iam=True)
        inputs = made.inputs(f"s-user-{role}-iam")
        assert (inputs["userId"], inputs["userName"]) == (wanted, wanted)
        assert inputs["authenticationMode"] == {"type": "iam"}
        assert "passwords" not in inputs
        assert user == User(wanted, iam=True)
        value = secret(made, role)
        assert "password" not in value
        assert value["username"] == wanted


@pytest.mark.parametrize("role", IAM_ROLES)
def test_who_logs_in_by_iam_gets_the_right_to_the_store_and_to_its_own_users_alone(
    role: Role,
) -> None:
    made = nodes(authentication=Authentication.IAM, user_generations=[1, 2])
    inputs = made.inputs(f"s-connect-{role}")
    (statement,) = json.loads(inputs["policy"])["Statement"]
    arn = "arn:aws:elasticache:eu-west-1:123456789012"
    assert statement["Action"] == "elasticache:Connect"
    assert statement["Resource"] == [
        f"{arn}:{NAME}",
        f"{arn}:s-user-{role}-iam",
        f"{arn}:s-user-{role}-iam-2",
    ]
    assert inputs["description"] == f"Log in to session store {NAME} as {role} by IAM"


def test_the_way_to_log_in_changes_over_a_step_that_only_adds_users_and_one_that_only_removes() -> (
    None
):
    def ids(way: Authentication) -> set[str]:
        return set(nodes(authentication=way).inputs("s-users")["userIds"])

    before, between, after = (ids(way) for way in Authentication)
    assert before < between
    assert after < between
    assert full(nodes(authentication=Authentication.PASSWORD_AND_IAM)).users[Role.SVC].iam


def test_users_are_replaced_by_others_of_another_name_beside_them() -> None:
    first, both, second = (
        nodes(user_generations=list(generations)) for generations in ((1,), (1, 2), (2,))
    )
    ids = [set(made.inputs("s-users")["userIds"]) for made in (first, both, second)]
    assert ids[1] == ids[0] | ids[2]
    assert not ids[0] & ids[2]
    # A group takes a name once.
    names = [
        both.inputs(name)["userName"]
        for name, args in both.created.items()
        if args.typ.endswith(":User")
    ]
    assert len(set(names)) == len(names)
    assert full(first).users[Role.SVC].name == "svc"
    assert full(both).users[Role.SVC].name == full(second).users[Role.SVC].name == "svc-2"


def test_a_changed_rule_changes_the_user_and_not_its_id() -> None:
    before, after = (nodes(engine_version=version) for version in ("7.2", "9.1"))
    cluster = nodes(topology=Topology.CLUSTER)
    for made in (after, cluster):
        for role in APPLICATION_ROLES:
            assert made.inputs(f"s-user-{role}")["userId"] == user_id(NAME, role)
    assert (
        cluster.inputs("s-user-svc")["accessString"] != before.inputs("s-user-svc")["accessString"]
    )


def test_users_of_a_serverless_store_have_rules_for_what_it_can_do() -> None:
    made = serverless()
    for role in APPLICATION_ROLES:
        assert made.inputs(f"s-user-{role}")["accessString"] == access_string(
            role, "agent", version="9.1", cluster=False, serverless=True
        )
