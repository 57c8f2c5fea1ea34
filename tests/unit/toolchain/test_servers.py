"""Which server is taken, told apart with stand-ins that print versions."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from toolchain import servers, unpacked
from toolchain.errors import ToolchainError
from toolchain.servers import Probe, ServerInstall, choose, find_server, probe
from toolchain.versions import Version


def stand_in(folder: Path, version: str, *, engine: str = "valkey", tls: bool = True) -> Path:
    """A program that answers like a server and its client beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    offending = "holdfast-ends-here 1" if tls else "tls-port 0"
    server = folder / f"{engine}-server"
    server.write_text(
        "#!/bin/sh\n"
        f'[ "$1" = --version ] && echo "{engine.title()} server v={version} sha=0" && exit\n'
        f"echo \"Bad directive: '{offending}'\" >&2; exit 1\n"
    )
    server.chmod(0o755)
    client = folder / f"{engine}-cli"
    client.write_text("#!/bin/sh\n")
    client.chmod(0o755)
    return server


@pytest.fixture(autouse=True)
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache and an empty PATH, whose mirror has nothing."""
    path = tmp_path / "path"
    path.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin")
    monkeypatch.delenv("HOLDFAST_SERVER", raising=False)

    def nothing(*_: object) -> None:
        raise ToolchainError("sid: the mirror cannot be reached")

    monkeypatch.setattr(unpacked, "unpack_server", nothing)
    return path


def found(version: str, *, engine: str = "valkey", problem: str = "") -> Probe:
    """A server that was looked at already."""
    path = Path(f"/opt/{version}/{engine}-server")
    return Probe(ServerInstall(path, path, version, engine, "PATH"), problem)


def test_the_first_usable_server_of_the_engine_is_taken() -> None:
    probes = [
        found("9.1.2", problem="built without TLS"),
        found("8.0.1"),
        found("7.4.0", engine="redis"),
        found("9.0.3"),
        found("9.1.2"),
    ]
    chosen = choose(probes, "valkey", None)
    assert chosen is not None
    assert chosen.version == "9.0.3"


def test_a_version_that_is_asked_for_is_taken_from_its_series_only() -> None:
    probes = [found("9.1.2"), found("8.0.0"), found("8.0.6")]
    chosen = choose(probes, "valkey", Version(8, 0, 1))
    assert chosen is not None
    assert chosen.version == "8.0.6"
    assert choose(probes, "valkey", Version(8, 1, 0)) is None


@pytest.mark.parametrize(
    ("version", "tls", "problem"),
    [
        ("9.1.2", True, ""),
        ("7.1.9", True, "need 7.2.0 or newer"),
        ("9.1.2", False, "built without TLS"),
    ],
)
def test_a_server_is_looked_at_for_version_and_tls(
    tmp_path: Path, version: str, tls: bool, problem: str
) -> None:
    server = stand_in(tmp_path / "bin", version, tls=tls)
    looked_at = probe(server, "PATH")
    assert looked_at.problem == problem
    assert looked_at.install.version == version


def test_a_server_whose_client_is_missing_is_not_usable(tmp_path: Path) -> None:
    server = stand_in(tmp_path / "bin", "9.1.2")
    (tmp_path / "bin" / "valkey-cli").unlink()
    assert probe(server, "PATH").problem == "its valkey-cli is missing"


def test_valkey_9_on_path_wins_over_unpacking(empty_machine: Path) -> None:
    server = stand_in(empty_machine, "9.0.1")
    assert find_server() == ServerInstall(
        server, empty_machine / "valkey-cli", "9.0.1", "valkey", "PATH"
    )


def test_an_older_valkey_on_path_is_taken_when_nothing_can_be_unpacked(
    empty_machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(empty_machine, "7.2.4")
    assert find_server().version == "7.2.4"
    assert "a newer one cannot be unpacked" in capsys.readouterr().err


def test_an_older_valkey_on_path_gives_way_to_one_that_can_be_unpacked(
    empty_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unpack(engine: str, wanted: Version, suites: object, folder: Path) -> None:
        stand_in(folder / "bin", str(wanted), engine=engine)
        (folder / unpacked.RECORD).write_text('{"suite": "sid"}')

    stand_in(empty_machine, "8.0.1")
    monkeypatch.setattr(unpacked, "unpack_server", unpack)
    taken = find_server()
    assert (taken.version, taken.source) == ("9.1.2", "unpacked from sid")


def test_a_machine_without_a_server_is_told_what_was_found_and_what_to_install(
    empty_machine: Path,
) -> None:
    stand_in(empty_machine, "7.0.0")
    with pytest.raises(ToolchainError) as raised:
        find_server()
    message = str(raised.value)
    assert f"{empty_machine}/valkey-server: valkey 7.0.0, need 7.2.0 or newer" in message
    assert "sid: the mirror cannot be reached" in message
    assert "install Valkey 7.2.0 or newer" in message
    assert raised.value.exit_code == 2


def test_the_server_that_a_person_names_is_taken_or_refused_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_SERVER", str(stand_in(tmp_path / "mine", "8.1.0")))
    assert find_server().version == "8.1.0"
    monkeypatch.setenv("HOLDFAST_SERVER", str(tmp_path / "nowhere" / "valkey-server"))
    with pytest.raises(ToolchainError, match=r"HOLDFAST_SERVER: .*does not run"):
        find_server()


def test_what_this_toolchain_put_on_path_is_not_taken_for_the_machines_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = stand_in(tmp_path / "cache" / "holdfast" / "servers" / "old" / "bin", "9.9.9")
    monkeypatch.setenv("PATH", f"{ours.parent}:/usr/bin:/bin")
    with pytest.raises(ToolchainError, match="nothing on PATH"):
        find_server()


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ToolchainError, match="engine: got 'memcached'"):
        find_server(engine="memcached")


def test_a_newer_series_stands_in_for_the_newest_only() -> None:
    assert unpacked.acceptable(Version(9, 2, 0), Version(9, 1, 2))
    assert not unpacked.acceptable(Version(9, 1, 1), Version(9, 1, 2))
    assert not unpacked.acceptable(Version(8, 1, 0), Version(8, 0, 1))


def test_every_entry_of_the_matrix_has_suites_to_come_from() -> None:
    assert {(engine, version[:2]) for engine, version in servers.MATRIX} <= servers.SUITES.keys()


def test_a_wrapper_runs_the_program_with_its_own_loader_as_the_same_process(
    tmp_path: Path,
) -> None:
    loader = tmp_path / "lib" / "ld-linux-x86-64.so.2"
    (tmp_path / "usr" / "bin").mkdir(parents=True)
    (tmp_path / "usr" / "bin" / "valkey-server").touch()
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libc.so.6").touch()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "libx.conf").touch()
    loader.write_text('#!/bin/sh\necho "$$" "$@"\n')
    loader.chmod(0o755)
    unpacked.write_wrappers("valkey", tmp_path)

    wrapper = tmp_path / "bin" / "valkey-server"
    with subprocess.Popen([wrapper, "a b"], stdout=subprocess.PIPE, text=True) as child:
        printed, _ = child.communicate(timeout=10)
    root = f"{tmp_path}/bin/.."
    assert printed == (
        f"{child.pid} --argv0 {wrapper} --library-path {root}/lib "
        f"{root}/usr/bin/valkey-server a b\n"
    )
