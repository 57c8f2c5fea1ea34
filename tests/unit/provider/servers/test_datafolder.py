"""provider.servers.datafolder: keys or none, seen without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider.servers.datafolder import DataFolder, look
from tests.start_cases import FOLDER_CASES, FolderCase

# What Valkey 9.1.2 and Redis 7.0.15 write: header, fields about themselves, the end.
_EMPTY_VALKEY = (
    b"VALKEY080\xfa\x0avalkey-ver\x059.1.2\xfa\x0aredis-bits\xc0\x40"
    b"\xfa\x05ctime\xc2\x8e\x12\x04\x6b\xfa\x08aof-base\xc0\x01\xff\xe6\xef\x9d\xdc\xf4\x6b\x0e\x5b"
)
_EMPTY_REDIS = b"REDIS0010\xfa\x09redis-ver\x067.0.15\xff" + b"\0" * 8
_KEYS = b"\xfe\x00\xfb\x01\x00\x00\x01a\x01b"


@pytest.mark.parametrize("case", FOLDER_CASES, ids=lambda case: case.name)
def test_a_folder_has_keys_when_a_server_would_have_some_on_it(
    case: FolderCase, tmp_path: Path
) -> None:
    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    for name, content in case.files:
        (folder / name).write_bytes(content)
    assert look(tmp_path).holds_keys == case.holds_keys


@pytest.mark.parametrize(
    ("data", "version"), [(_EMPTY_VALKEY, 80), (_EMPTY_REDIS, 10)], ids=["valkey", "redis"]
)
def test_a_base_file_without_keys_is_no_data(tmp_path: Path, data: bytes, version: int) -> None:
    _aof(tmp_path, base=data)
    found = look(tmp_path)
    assert (found.holds_keys, found.rdb_version) == (False, version)
    assert found.changed > 0


@pytest.mark.parametrize("data", [_EMPTY_VALKEY, _EMPTY_REDIS], ids=["valkey", "redis"])
def test_a_base_file_with_keys_is_data(tmp_path: Path, data: bytes) -> None:
    _aof(tmp_path, base=data.replace(b"\xff", _KEYS + b"\xff", 1))
    assert look(tmp_path).holds_keys


def test_commands_after_an_empty_base_file_are_data(tmp_path: Path) -> None:
    _aof(tmp_path, base=_EMPTY_VALKEY, increments=b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n")
    assert look(tmp_path).holds_keys


def test_a_snapshot_is_data_too(tmp_path: Path) -> None:
    (tmp_path / "dump.rdb").write_bytes(_EMPTY_REDIS.replace(b"\xff", _KEYS + b"\xff", 1))
    assert look(tmp_path).holds_keys


def test_what_a_killed_server_was_still_writing_is_no_data(tmp_path: Path) -> None:
    (tmp_path / "temp-123.rdb").write_bytes(_EMPTY_REDIS + _KEYS)
    assert look(tmp_path) == DataFolder()


def test_a_folder_that_is_missing_is_empty(tmp_path: Path) -> None:
    assert look(tmp_path / "nowhere") == DataFolder()


@pytest.mark.parametrize(
    "data",
    [b"REDIS0011\xfa\x83???", b"REDIS0011\xfa\x0aredis", b"REDIS0011\xfa\x80\xff\xff\xff\xff"],
)
def test_a_file_that_is_not_understood_is_taken_for_data(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "dump.rdb").write_bytes(data)
    assert look(tmp_path).holds_keys


def _aof(folder: Path, *, base: bytes, increments: bytes = b"") -> None:
    (folder / "appendonlydir").mkdir()
    (folder / "appendonlydir" / "appendonly.aof.1.base.rdb").write_bytes(base)
    (folder / "appendonlydir" / "appendonly.aof.1.incr.aof").write_bytes(increments)
    (folder / "appendonlydir" / "appendonly.aof.manifest").write_text("file ...\n")
