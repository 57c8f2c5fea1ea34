from __future__ import annotations

from pathlib import Path

import pytest

from config.schema import Engine
from config.server import ServerProgram, ask_version, find_program
from holdfast.errors import ConfigError
from tests.unit.config.strategies import VALKEY

REDIS = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=91e25e16"


def program(folder: Path, name: str, answer: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return path


def find(
    *,
    path: str | None = None,
    engine: Engine | None = None,
    version: str | None = None,
    environment: dict[str, str] | None = None,
) -> ServerProgram:
    return find_program(path=path, engine=engine, version=version, environment=environment or {})


def test_a_path_that_is_set_wins_over_environment_and_path(tmp_path: Path) -> None:
    chosen = program(tmp_path, "mine", VALKEY)
    other = program(tmp_path, "valkey-server", REDIS)
    environment = {"HOLDFAST_SERVER": str(other), "PATH": str(tmp_path)}
    assert find(path=str(chosen), environment=environment) == ServerProgram(
        chosen, Engine.VALKEY, "9.1.2"
    )


def test_the_environment_wins_over_path(tmp_path: Path) -> None:
    chosen = program(tmp_path, "mine", REDIS)
    program(tmp_path, "valkey-server", VALKEY)
    environment = {"HOLDFAST_SERVER": str(chosen), "PATH": str(tmp_path)}
    assert find(environment=environment) == ServerProgram(chosen, Engine.REDIS, "7.0.15")


def test_on_path_an_old_valkey_gives_way_to_a_redis_that_is_new_enough(tmp_path: Path) -> None:
    program(tmp_path, "valkey-server", VALKEY.replace("9.1.2", "7.1.9"))
    redis = program(tmp_path, "redis-server", REDIS)
    assert find(environment={"PATH": str(tmp_path)}).path == redis


@pytest.mark.parametrize("answer", [VALKEY.replace("9.1.2", "7.1.9"), REDIS.replace("7.0", "6.2")])
def test_a_server_too_old_is_refused_and_the_message_says_what_was_found_where(
    tmp_path: Path, answer: str
) -> None:
    old = program(tmp_path, "server", answer)
    with pytest.raises(ConfigError) as caught:
        find(path=str(old))
    name, _, version, *_ = answer.lower().replace("v=", "").split()
    assert caught.value.value == f"{name} {version} at {old} (from holdfast:serverPath)"
    assert "Valkey 7.2 or newer, or Redis 7.0 or newer" in caught.value.rule


def test_every_server_on_path_that_does_not_fit_is_named(tmp_path: Path) -> None:
    program(tmp_path, "valkey-server", VALKEY.replace("9.1.2", "7.1.9"))
    program(tmp_path, "redis-server", REDIS.replace("7.0", "6.2"))
    with pytest.raises(ConfigError, match=r"valkey 7\.1\.9 at .* redis 6\.2\.15 at "):
        find(environment={"PATH": str(tmp_path)})


def test_no_server_at_all_says_where_was_looked_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"HOLDFAST_SERVER is not set, PATH has none.*make up"):
        find(environment={"PATH": str(tmp_path)})


def test_another_program_is_no_server(tmp_path: Path) -> None:
    other = program(tmp_path, "server", "GNU coreutils 9.1")
    with pytest.raises(ConfigError, match="is no server"):
        find(path=str(other))


def test_a_fork_that_the_kit_does_not_know_is_refused(tmp_path: Path) -> None:
    other = program(tmp_path, "server", "KeyDB server v=7.3.4 sha=0")
    with pytest.raises(ConfigError, match=r"keydb 7\.3\.4"):
        find(path=str(other))


def test_a_missing_file_and_one_that_does_not_run_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no executable at"):
        find(path=str(tmp_path / "none"))
    broken = tmp_path / "broken"
    broken.write_text("#!/nowhere/sh\n")
    broken.chmod(0o755)
    with pytest.raises(ConfigError, match="does not run"):
        find(path=str(broken))


def test_the_version_that_is_set_must_be_there(tmp_path: Path) -> None:
    server = str(program(tmp_path, "server", VALKEY))
    assert find(path=server, version="9.1").version == "9.1.2"
    assert find(path=server, version="9.1.2", engine=Engine.VALKEY).version == "9.1.2"
    with pytest.raises(ConfigError, match=r"need valkey 9\.10, as set"):
        find(path=server, version="9.10", engine=Engine.VALKEY)
    with pytest.raises(ConfigError, match=r"need redis, as set"):
        find(path=server, engine=Engine.REDIS)


def test_the_program_itself_is_asked(tmp_path: Path) -> None:
    assert ask_version(program(tmp_path, "server", VALKEY)) == f"{VALKEY}\n"
