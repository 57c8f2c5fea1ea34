"""Sources of a Connection: read again at the right moments, and never lost."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.connection import Address, Connection, Tls, Topology, User
from holdfast.errors import ConfigError, ConnectionFormatError
from holdfast.roles import Role
from holdfast.source import (
    ConnectionSource,
    EnvironmentSource,
    FileSource,
    StaticSource,
    as_source,
)

OLD = Connection(
    target="existing",
    topology=Topology.STANDALONE,
    engine="valkey",
    engine_version="9.1.2",
    app="agent",
    users={Role.SVC: User("svc", "old-password")},
    tls=Tls(),
    primary=Address("store.example", 6379),
)
NEW = replace(OLD, users={Role.SVC: User("svc", "new-password")})


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _write(path: Path, connection: Connection) -> None:
    part = path.with_suffix(".part")
    part.write_text(connection.to_json())
    part.replace(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "connection.json"
    _write(path, OLD)
    return path


def test_a_changed_file_is_seen_at_the_next_look(path: Path) -> None:
    clock = Clock()
    source = FileSource(path, clock=clock)
    first = source.current()
    assert first == OLD
    _write(path, NEW)
    assert source.current() is first
    clock.now += 1.0
    assert source.current() == NEW


def test_an_unchanged_file_gives_the_same_object(path: Path) -> None:
    clock = Clock()
    source = FileSource(path, clock=clock)
    first = source.current()
    clock.now += 5
    assert source.current() is first
    _write(path, OLD)
    clock.now += 5
    assert source.current() is first


def test_refresh_reads_at_once_even_where_the_time_stamps_are_the_same(path: Path) -> None:
    source = FileSource(path, clock=Clock())
    status = path.stat()
    text = NEW.to_json()
    path.write_text(text)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert source.refresh()
    assert source.current() == NEW
    assert not source.refresh()


def test_a_swapped_symbolic_link_is_a_change(tmp_path: Path) -> None:
    for name, connection in (("..old", OLD), ("..new", NEW)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "connection.json").write_text(connection.to_json())
    data = tmp_path / "..data"
    data.symlink_to("..old")
    mounted = tmp_path / "connection.json"
    mounted.symlink_to("..data/connection.json")
    clock = Clock()
    source = FileSource(mounted, clock=clock)
    assert source.current() == OLD
    (tmp_path / "..data_tmp").symlink_to("..new")
    (tmp_path / "..data_tmp").rename(data)
    clock.now += 1
    assert source.current() == NEW


@pytest.mark.parametrize("text", ["", "{", '{"version": 99}'])
def test_a_file_that_breaks_keeps_the_last_good_connection(
    path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    source = FileSource(path, clock=clock)
    path.write_text(text)
    clock.now += 1
    assert source.current() == OLD
    assert not source.refresh()
    assert "kept the last Connection" in caplog.text
    assert "password" not in caplog.text
    _write(path, NEW)
    assert source.refresh()


def test_a_file_that_vanishes_keeps_the_last_good_connection(path: Path) -> None:
    clock = Clock()
    source = FileSource(path, clock=clock)
    path.unlink()
    clock.now += 1
    assert source.current() == OLD


def test_a_file_that_is_not_there_at_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="connection file"):
        FileSource(tmp_path / "nothing.json")


def test_the_variable_holds_json_or_a_path(path: Path) -> None:
    inline = EnvironmentSource({"HOLDFAST_CONNECTION": NEW.to_json()})
    assert inline.current() == NEW
    assert not inline.refresh()
    by_path = EnvironmentSource({"HOLDFAST_CONNECTION": f" {path} "})
    assert by_path.current() == OLD
    _write(path, NEW)
    assert by_path.refresh()
    assert by_path.current() == NEW


@pytest.mark.parametrize("environment", [{}, {"HOLDFAST_CONNECTION": "  "}])
def test_an_unset_variable_is_an_error_that_names_it(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="HOLDFAST_CONNECTION: got 'nothing'"):
        EnvironmentSource(environment)


def test_a_broken_variable_does_not_show_its_text() -> None:
    with pytest.raises(ConnectionFormatError) as caught:
        EnvironmentSource({"HOLDFAST_CONNECTION": '{"password": "hidden-value"'})
    assert "hidden-value" not in str(caught.value)


def test_whatever_an_application_passes_becomes_a_source(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_CONNECTION", str(path))
    fixed = StaticSource(OLD)
    for given in (OLD, fixed, path, str(path), None):
        source = as_source(given)
        assert isinstance(source, ConnectionSource)
        assert source.current() == OLD
    assert as_source(fixed) is fixed
    assert not fixed.refresh()
