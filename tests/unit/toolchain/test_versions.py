"""How versions are read and compared."""

from __future__ import annotations

import pytest

from toolchain.versions import Version, parse, parse_package, parse_server, same_series


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v3.259.0", Version(3, 259, 0)),
        ("v3.260.1-alpha.x12", Version(3, 260, 1)),
        ("go version go1.26.8 linux/amd64", Version(1, 26, 8)),
        ("9.1", Version(9, 1, 0)),
    ],
)
def test_the_first_version_in_a_text_is_read(text: str, version: Version) -> None:
    assert parse(text) == version


def test_a_text_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="no version in 'dev'"):
        parse("dev")


def test_numbers_compare_as_numbers() -> None:
    assert parse("9.10.0") > parse("9.9.9")
    assert parse("10.0") > parse("9.1.2")


@pytest.mark.parametrize(
    ("line", "engine", "version"),
    [
        ("Valkey server v=9.1.2 sha=00000000:0 malloc=jemalloc-5.3.1 bits=64", "valkey", "9.1.2"),
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0", "redis", "7.0.15"),
        ("Server v=7.2.5 sha=00000000:0", "unknown", "7.2.5"),
    ],
)
def test_the_version_line_of_a_server_is_read(line: str, engine: str, version: str) -> None:
    found_engine, found_version = parse_server(line)
    assert (found_engine, str(found_version)) == (engine, version)


def test_any_other_line_is_not_taken_for_a_server() -> None:
    with pytest.raises(ValueError, match="not the version line"):
        parse_server("bash 5.2.15")


@pytest.mark.parametrize(
    ("package", "upstream"),
    [
        ("5:7.0.15-1~deb12u8", "7.0.15"),
        ("9.1.2-1", "9.1.2"),
        ("8.0.1+dfsg1-1~bpo12+1", "8.0.1"),
        ("1:2.78-1+b1", "2.78.0"),
    ],
)
def test_the_epoch_of_a_package_is_no_part_of_its_version(package: str, upstream: str) -> None:
    assert str(parse_package(package)) == upstream


def test_a_later_patch_stands_in_and_an_earlier_or_another_series_does_not() -> None:
    wanted = Version(8, 0, 1)
    assert same_series(Version(8, 0, 6), wanted)
    assert not same_series(Version(8, 0, 0), wanted)
    assert not same_series(Version(8, 1, 0), wanted)
