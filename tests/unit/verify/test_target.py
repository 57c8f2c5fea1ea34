from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.errors import ConfigError, ConnectionFormatError
from holdfast.verify.target import resolve
from tests.unit.verify.fakes import SECRET, connection, environment

DOCUMENT = connection().to_json()


def fake_pulumi(folder: Path, script: str) -> str:
    program = folder / "pulumi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    return f"{folder}:/usr/bin:/bin"


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "connection.json"
    file.write_text(DOCUMENT)
    assert resolve(stack=None, file=str(file), environ={}) == connection()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--connection: got '.*/nowhere'.*No such file"):
        resolve(stack=None, file=str(tmp_path / "nowhere"), environ={})


def test_the_environment_holds_the_document_or_its_path(tmp_path: Path) -> None:
    file = tmp_path / "connection.json"
    file.write_text(DOCUMENT)
    for value in (DOCUMENT, str(file)):
        found = resolve(stack=None, file=None, environ=environment(HOLDFAST_CONNECTION=value))
        assert found == connection()


def test_nothing_that_names_a_store_says_what_would() -> None:
    with pytest.raises(ConfigError, match="--stack NAME, --connection FILE or HOLDFAST_CONN"):
        resolve(stack=None, file=None, environ=environment(HOLDFAST_CONNECTION=" "))


def test_a_newer_document_is_refused() -> None:
    newer = DOCUMENT.replace('"version":1', '"version":2')
    with pytest.raises(ConnectionFormatError, match="upgrade this one"):
        resolve(stack=None, file=None, environ=environment(HOLDFAST_CONNECTION=newer))


def test_a_stack_is_read_through_a_pipe_and_not_by_arguments(tmp_path: Path) -> None:
    (tmp_path / "output").write_text(f"{DOCUMENT!r}".replace('"', '\\"').replace("'", '"'))
    record = tmp_path / "arguments"
    # `read` fails at once where the standard input is closed or empty.
    path = fake_pulumi(
        tmp_path,
        f'echo "$@" > {record}; if read line; then exit 9; fi; cat {tmp_path}/output',
    )
    assert resolve(stack="dev", file=None, environ=environment(PATH=path)) == connection()
    words = record.read_text().split()
    assert words == [
        *("stack", "output", "connection", "--stack", "dev"),
        *("--show-secrets", "--json", "--non-interactive"),
    ]


def test_without_the_cli_the_message_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'eval "\$\(make -s env\)"'):
        resolve(stack="dev", file=None, environ=environment(PATH=str(tmp_path)))


def test_a_missing_stack_is_told_in_the_words_of_the_cli(tmp_path: Path) -> None:
    path = fake_pulumi(tmp_path, "echo 'warning: old' >&2; echo 'error: no stack' >&2; exit 1")
    with pytest.raises(ConfigError, match=r"--stack: got 'dev'.*pulumi says: no stack$"):
        resolve(stack="dev", file=None, environ=environment(PATH=path))


@pytest.mark.parametrize("output", [f"{SECRET}", f'{{"password": "{SECRET}"}}', ""])
def test_an_output_that_is_no_text_is_refused_without_showing_it(
    tmp_path: Path, output: str
) -> None:
    path = fake_pulumi(tmp_path, f"echo '{output}'")
    with pytest.raises(ConfigError, match="an output 'connection' that is a text") as caught:
        resolve(stack="dev", file=None, environ=environment(PATH=path))
    assert SECRET not in str(caught.value)
