from __future__ import annotations

import json
import traceback
from pathlib import Path

import pytest
import yaml

from config.existing_settings import ExistingSettings
from config.schema import SETTINGS, Engine, Target
from config.settings import Settings, load_settings
from holdfast.connection import SYSTEM_CA, Address, Capability, Topology
from holdfast.errors import ConfigError
from holdfast.roles import Role
from tests.unit.config.strategies import place

ROOT = Path(__file__).parents[3]
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
PASSWORD = "hidden-word-1234"
PASSWORDS = json.dumps({"svc": PASSWORD, "monitor": "other-word-1234"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


def load(folder: Path, **raw: str) -> Settings:
    def run(_path: Path) -> str:
        pytest.fail("a program of this machine was run")

    values: dict[str, object] = {
        "target": "existing",
        "endpoint": "cache.example:6380",
        "engineVersion": "8.0",
        "passwords": PASSWORDS,
        **raw,
    }
    return load_settings(values, place(folder, run_server=run, environment={}))


def own(folder: Path, **raw: str) -> ExistingSettings:
    found = load(folder, **raw).own
    assert isinstance(found, ExistingSettings)
    return found


def test_an_endpoint_a_version_and_a_password_are_enough(folder: Path) -> None:
    settings = load(folder)
    found = own(folder)
    assert settings.target is Target.EXISTING
    assert settings.shape.topology is Topology.STANDALONE
    assert found.primary == Address("cache.example", 6380)
    assert (found.reader, found.seeds, found.sentinels) == (None, (), ())
    assert (found.engine, found.engine_version) == (Engine.VALKEY, "8.0")
    assert found.ca == SYSTEM_CA
    assert {role: user.name for role, user in found.users.items()} == {
        Role.SVC: "svc",
        Role.MONITOR: "monitor",
    }
    assert found.users[Role.SVC].password == PASSWORD
    assert found.capabilities == frozenset()
    assert (found.maxmemory_bytes, found.eviction_policy) == (None, None)
    assert (settings.advice, settings.expected_sessions) == (None, None)


def test_what_is_set_is_taken_over(folder: Path) -> None:
    (folder / "ca.pem").write_text(CERTIFICATE)
    found = own(
        folder,
        topology="replication-group",
        readerEndpoint="ro.cache.example:6380",
        engine="redis",
        caFile="ca.pem",
        users='["svc=app", "worker=app"]',
        passwords=json.dumps({"*": PASSWORD}),
        capabilities='["wait", "acl-log"]',
        maxmemory="2gb",
        evictionPolicy="volatile-ttl",
    )
    assert found.reader == Address("ro.cache.example", 6380)
    assert (found.engine, found.ca) == (Engine.REDIS, CERTIFICATE)
    assert [(r, u.name, u.password) for r, u in found.users.items()] == [
        (Role.SVC, "app", PASSWORD),
        (Role.WORKER, "app", PASSWORD),
    ]
    assert found.capabilities == {Capability.WAIT, Capability.ACL_LOG}
    assert (found.maxmemory_bytes, found.eviction_policy) == (2 * 1024**3, "volatile-ttl")


def test_sentinels_and_seeds_are_read_for_their_topologies(folder: Path) -> None:
    watched = own(
        folder,
        topology="sentinel",
        endpoint="",
        sentinelAddresses='["a:1", "[::1]:2"]',
        sentinelService="chat",
    )
    assert watched.sentinels == (Address("a", 1), Address("::1", 2))
    assert (watched.primary, watched.sentinel_service) == (None, "chat")
    cluster = load(folder, topology="cluster", endpoint="", seeds='["a:1","b:1"]', primaries="3")
    assert isinstance(cluster.own, ExistingSettings)
    assert cluster.own.seeds == (Address("a", 1), Address("b", 1))
    assert cluster.shape.primaries == 3


def test_sessions_that_a_told_memory_cannot_hold_are_refused(folder: Path) -> None:
    load(folder, expectedSessions="1000000")
    with pytest.raises(ConfigError, match="holdfast:expectedSessions"):
        load(folder, expectedSessions="1000000", maxmemory="1gb")


def test_passwords_come_from_a_file_that_its_owner_alone_can_read(folder: Path) -> None:
    file = folder / "passwords.env"
    file.write_text(
        f"# of the store\n\nexport HOLDFAST_PASSWORD_SVC='{PASSWORD}'\n"
        "HOLDFAST_PASSWORD_ADMIN=a=b\n"
    )
    file.chmod(0o600)
    found = own(folder, passwords="", passwordsFile="passwords.env")
    assert found.users[Role.SVC].password == PASSWORD
    assert found.users[Role.ADMIN].password == "a=b"
    file.chmod(0o640)
    with pytest.raises(ConfigError, match=r"holdfast:passwordsFile.*chmod 600 passwords\.env"):
        load(folder, passwords="", passwordsFile="passwords.env")


@pytest.mark.parametrize(
    ("raw", "blamed"),
    [
        ({"endpoint": ""}, "endpoint"),
        ({"endpoint": "cache.example"}, "endpoint"),
        ({"endpoint": f"rediss://svc:{PASSWORD}@cache.example:6380"}, "endpoint"),
        ({"endpoint": "cache.example:66000"}, "endpoint"),
        ({"readerEndpoint": "ro:1"}, "readerEndpoint"),
        ({"seeds": '["a:1"]'}, "seeds"),
        ({"sentinelService": "chat"}, "sentinelService"),
        ({"topology": "cluster", "endpoint": ""}, "seeds"),
        ({"topology": "cluster"}, None),
        ({"topology": "cluster", "endpoint": "", "seeds": '["a"]'}, "seeds"),
        ({"topology": "sentinel", "endpoint": "", "sentinelService": "c"}, "sentinelAddresses"),
        (
            {"topology": "sentinel", "endpoint": "", "sentinelAddresses": '["a:1"]'},
            "sentinelService",
        ),
        ({"topology": "ring"}, "topology"),
        ({"primaries": "2"}, "primaries"),
        ({"engineVersion": ""}, "engineVersion"),
        ({"engineVersion": "latest"}, "engineVersion"),
        ({"engine": "keydb"}, "engine"),
        ({"caFile": "absent.pem"}, "caFile"),
        ({"passwords": ""}, "passwords"),
        ({"passwords": PASSWORD}, "passwords"),
        ({"passwords": json.dumps([PASSWORD])}, "passwords"),
        ({"passwords": json.dumps({"svc": ""})}, "passwords"),
        ({"passwords": json.dumps({"svc": 1})}, "passwords"),
        ({"passwords": json.dumps({"app": PASSWORD})}, "passwords"),
        ({"passwords": json.dumps({"replica": PASSWORD})}, "passwords"),
        ({"passwords": json.dumps({"monitor": PASSWORD})}, "passwords"),
        ({"passwordsFile": "x.env"}, "passwordsFile"),
        ({"passwords": "", "passwordsFile": "absent.env"}, "passwordsFile"),
        ({"passwords": "", "passwordsFile": "wrong.env"}, "passwordsFile"),
        ({"users": '["svc"]'}, "users"),
        ({"users": '["app=x"]'}, "users"),
        ({"users": '["admin=x"]'}, "users"),
        ({"capabilities": '["waits"]'}, "capabilities"),
        ({"evictionPolicy": "noeviction"}, "evictionPolicy"),
        ({"maxmemory": "much"}, "maxmemory"),
        ({"replicas": "2"}, "replicas"),
        ({"downAfterMs": "2000"}, "downAfterMs"),
        ({"passwordRotations": "svc=1"}, "passwordRotations"),
    ],
)
def test_bad_settings_are_refused_by_name_and_never_show_a_password(
    raw: dict[str, str], blamed: str | None, folder: Path
) -> None:
    wrong = folder / "wrong.env"
    wrong.write_text(f"PASSWORD={PASSWORD}\n")
    wrong.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        load(folder, **raw)
    if blamed is not None:
        assert caught.value.field == f"holdfast:{blamed}"
    assert caught.value.rule
    assert caught.value.fix
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_passwords_show_in_no_repr(folder: Path) -> None:
    assert PASSWORD not in repr(load(folder))


@pytest.mark.parametrize("target", [Target.LOCAL, Target.KUBERNETES, Target.AWS])
def test_passwords_of_another_target_are_refused_without_being_shown(
    target: Target, folder: Path
) -> None:
    with pytest.raises(ConfigError, match="holdfast:passwords: got '\\(hidden\\)'") as caught:
        load_settings({"target": target.value, "passwords": PASSWORDS}, place(folder))
    assert PASSWORD not in str(caught.value)


def test_one_key_alone_is_secret() -> None:
    assert [setting.name for setting in SETTINGS if setting.secret] == ["passwords"]


@pytest.mark.parametrize("name", ["existing-memorystore", "existing-upstash"])
def test_the_examples_are_valid_once_passwords_and_ca_are_there(name: str, folder: Path) -> None:
    (folder / "memorystore-ca.pem").write_text(CERTIFICATE)
    example = yaml.safe_load((ROOT / "config" / f"{name}.example.yaml").read_text())["config"]
    raw = {key.removeprefix("holdfast:"): value for key, value in example.items()}
    raw["passwords"] = json.dumps({"*": PASSWORD})
    found = load_settings(raw, place(folder)).own
    assert isinstance(found, ExistingSettings)
    assert {Role.SVC, Role.MONITOR} == set(found.users)
    assert found.primary or found.seeds
