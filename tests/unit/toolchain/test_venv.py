"""When the Python environment is left alone, and when it is not."""

from __future__ import annotations

from pathlib import Path

from toolchain.pip import count_requirements
from toolchain.venv import satisfied, stamp_key

PROJECT = '[project]\nname = "x"\ndependencies = ["a"]\n[tool.ruff]\nline-length = 100\n'
LOCK = "a==1.0 \\\n    --hash=sha256:00\n"


def test_the_stamp_follows_lock_python_and_what_is_installed_alone() -> None:
    key = stamp_key(LOCK, PROJECT, "3.11.7")
    assert key == stamp_key(LOCK, PROJECT.replace("100", "90"), "3.11.9")
    assert key != stamp_key(LOCK.replace("1.0", "1.1"), PROJECT, "3.11.7")
    assert key != stamp_key(LOCK, PROJECT.replace('"a"', '"b"'), "3.11.7")
    assert key != stamp_key(LOCK, PROJECT, "3.12.1")


def test_everything_holds_what_the_local_target_needs_and_not_the_other_way_round() -> None:
    keys = {"local": "l2", "all": "a2"}
    assert satisfied({"all": "a2"}, keys, "local")
    assert satisfied({"local": "l2"}, keys, "local")
    assert not satisfied({"local": "l2"}, keys, "all")
    assert not satisfied({"all": "a1", "local": "l1"}, keys, "local")
    assert not satisfied({}, keys, "local")


def test_packages_of_a_lock_are_counted_and_hashes_are_not(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    lock.write_text(
        "# a comment\n"
        "ast-serialize==0.13.1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n    # via mypy\n"
        "async-timeout==5.0.1 ; python_full_version < '3.11.3' \\\n    --hash=sha256:02\n"
        "psycopg[binary]==3.2.9 \\\n    --hash=sha256:03\n"
    )
    assert count_requirements(lock) == 3
