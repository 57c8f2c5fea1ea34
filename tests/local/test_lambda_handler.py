"""The verifier's function against real servers: in this process, and as the archive holds it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest

from components.aws.verifier_code import code_files
from holdfast.aws.lambda_handler import run
from holdfast.aws.lambda_protocol import RESERVE_SECONDS, SECRETS_VARIABLE, Answer
from holdfast.aws.secret_value import SecretValue, parse_value
from holdfast.connection import Connection
from holdfast.errors import AccessDenied, ConfigError, StoreUnavailable
from holdfast.roles import APPLICATION_ROLES, Role
from holdfast.verify.result import ExitCode, Outcome
from tests.servers import Install, Servers, start_standalone, wait_until

ARNS: Final = {
    role: f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{role}"
    for role in APPLICATION_ROLES
}
ENVIRONMENT: Final = {SECRETS_VARIABLE: json.dumps(ARNS)}

# Stands for Lambda: the archive alone is on the path, and the SDK that its runtime brings answers
# from a file. hiredis would be found only if something but the archive were looked at.
LAMBDA: Final = """
import json, sys, types

code, secrets, event = sys.argv[1:4]
sys.path.insert(0, code)
values = json.load(open(secrets))

class Client:
    def get_secret_value(self, SecretId, VersionStage):
        return {"SecretString": values[SecretId]}

class Session:
    def client(self, service, **options):
        return Client()

class Errors(types.ModuleType):
    def __getattr__(self, name):
        return type(name, (Exception,), {})

for name in ("boto3", "boto3.session", "botocore", "botocore.config"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["botocore.exceptions"] = Errors("botocore.exceptions")
sys.modules["boto3"].session = sys.modules["boto3.session"]
sys.modules["boto3.session"].Session = Session
sys.modules["botocore.config"].Config = lambda **options: options

class Context:
    def get_remaining_time_in_millis(self):
        return 120_000

from holdfast.aws.lambda_handler import handler
answer = handler(json.loads(event), Context())
loaded = {name.partition(".")[0] for name in sys.modules}
answer["outside"] = sorted(loaded & {"hiredis", "libvalkey", "valkey", "pulumi", "kubernetes"})
answer["from"] = sys.modules["holdfast"].__file__
print(json.dumps(answer))
"""


@dataclass
class Context:
    """Lambda's, as far as it is used."""

    left_seconds: float = 120.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.left_seconds * 1000)


@pytest.fixture(scope="module")
def servers(server_install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with start_standalone(server_install, tmp_path_factory.mktemp("lambda")) as started:
        yield started


def secrets_of(connection: Connection) -> dict[Role, str]:
    """What the secret of each role holds, as the stack writes it."""
    found = {}
    for role in APPLICATION_ROLES:
        user = connection.users[role]
        reference = replace(user, password=None, secret_arn=ARNS[role])
        narrow = replace(connection, users={role: reference})
        found[role] = json.dumps(
            {
                "username": user.name,
                "password": user.password,
                "connection": json.loads(narrow.to_json()),
            }
        )
    return found


def asked(
    event: Mapping[str, Any], secrets: Mapping[Role, str], context: Context | None = None
) -> Answer:
    def read(arns: Mapping[Role, str]) -> Mapping[Role, SecretValue]:
        assert arns == ARNS
        return {role: parse_value(ARNS[role], text) for role, text in secrets.items()}

    return run(event, context or Context(), ENVIRONMENT, read)


def test_a_sound_store_passes_every_check_from_inside_and_no_secret_is_told(
    servers: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    answer = asked({}, secrets_of(servers.connection))
    assert answer.report is not None
    failed = [(r.check, r.error) for r in answer.report.checks if r.outcome is Outcome.FAIL]
    assert (answer.exit_code, failed) == (ExitCode.PASS, [])
    held = [f"the connection holds no {role} role" for role in APPLICATION_ROLES]
    assert not [r for r in answer.report.checks if r.details in held]
    told = json.dumps(answer.to_document()) + caplog.text
    passwords = [user.password or "" for user in servers.connection.users.values()]
    assert all(passwords)
    assert not [password for password in passwords if password in told]
    wait_until("every key is gone", lambda: servers.call("valkey-0", "DBSIZE") == 0)


def test_groups_that_were_asked_for_are_checked_alone(servers: Servers) -> None:
    answer = asked({"groups": ["store"]}, secrets_of(servers.connection))
    assert answer.report is not None
    assert {r.group.value for r in answer.report.checks} == {"store", "cleanup"}


def test_a_password_that_the_store_does_not_know_ends_with_3(servers: Servers) -> None:
    secrets = {
        role: json.dumps(json.loads(text) | {"password": "not-the-password"})
        for role, text in secrets_of(servers.connection).items()
    }
    answer = asked({}, secrets)
    assert answer.exit_code is ExitCode.NO_CONNECTION
    assert isinstance(answer.error, AccessDenied)
    assert answer.report is None


def test_a_store_that_is_gone_ends_with_3(server_install: Install, tmp_path: Path) -> None:
    with start_standalone(server_install, tmp_path) as gone:
        secrets = secrets_of(gone.connection)
    answer = asked({}, secrets)
    assert answer.exit_code is ExitCode.NO_CONNECTION
    assert isinstance(answer.error, StoreUnavailable)


@pytest.mark.parametrize(
    ("event", "environment", "left_seconds"),
    [
        ({"version": 9}, ENVIRONMENT, 120.0),
        ({}, {}, 120.0),
        ({}, {SECRETS_VARIABLE: "arn:svc"}, 120.0),
        ({}, ENVIRONMENT, RESERVE_SECONDS + 1),
    ],
)
def test_what_cannot_be_run_ends_with_2(
    servers: Servers, event: dict[str, Any], environment: dict[str, str], left_seconds: float
) -> None:
    secrets = {
        role: parse_value(ARNS[role], text) for role, text in secrets_of(servers.connection).items()
    }
    answer = run(event, Context(left_seconds), environment, lambda _: secrets)
    assert answer.exit_code is ExitCode.USAGE
    assert isinstance(answer.error, ConfigError)


def test_the_time_that_the_function_has_left_bounds_the_run(
    servers: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    left = Context(RESERVE_SECONDS + 30)
    answer = asked({"timeout_seconds": 300}, secrets_of(servers.connection), left)
    assert answer.exit_code is ExitCode.PASS
    assert "300 s were asked for, 30 s are left" in caplog.text


def test_the_archive_holds_all_that_the_function_needs(servers: Servers, tmp_path: Path) -> None:
    code = tmp_path / "code"
    for name, path in code_files().items():
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, code / name)
    secrets = tmp_path / "secrets.json"
    of_role = secrets_of(servers.connection)
    secrets.write_text(json.dumps({ARNS[role]: text for role, text in of_role.items()}))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAMBDA, str(code), str(secrets), '{"version": 1}'],
        env={**ENVIRONMENT, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    failed = [c for c in document["result"]["checks"] if c["outcome"] == "fail"]
    assert (document["exit_code"], failed) == (0, [])
    assert document["outside"] == []
    assert Path(document["from"]).is_relative_to(code)
