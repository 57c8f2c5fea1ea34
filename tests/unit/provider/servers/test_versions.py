"""provider.servers.versions: which server reads which data."""

from __future__ import annotations

import pytest

from provider.servers.versions import ServerVersion, parse_banner


def _version(engine: str, text: str) -> ServerVersion:
    major, minor, patch = map(int, text.split("."))
    return ServerVersion(engine, (major, minor, patch))


@pytest.mark.parametrize(
    ("banner", "found"),
    [
        ("Valkey server v=9.1.2 sha=00000000:0 malloc=jemalloc", ("valkey", "9.1.2")),
        ("Redis server v=7.0.15 sha=00000000:0", ("redis", "7.0.15")),
    ],
)
def test_a_banner_names_engine_and_version(banner: str, found: tuple[str, str]) -> None:
    version = parse_banner(banner)
    assert version is not None
    assert (version.engine, str(version)) == found


def test_another_program_has_no_server_version() -> None:
    assert parse_banner("nginx version: 1.29") is None


@pytest.mark.parametrize(
    ("engine", "version", "rdb", "reads"),
    [
        ("valkey", "8.0.1", 11, True),
        ("valkey", "8.0.1", 80, False),
        ("valkey", "8.0.1", 12, False),
        ("valkey", "9.1.2", 80, True),
        ("valkey", "9.1.2", 11, True),
        ("valkey", "9.1.2", 12, False),
        ("redis", "7.0.15", 10, True),
        ("redis", "7.0.15", 11, False),
        ("redis", "7.2.4", 11, True),
        ("redis", "8.0.0", 12, True),
        ("redis", "8.0.0", 80, False),
    ],
)
def test_data_of_a_newer_server_or_another_engine_is_not_read(
    engine: str, version: str, rdb: int, reads: bool
) -> None:
    assert _version(engine, version).reads_rdb(rdb) is reads
