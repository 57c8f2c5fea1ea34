from __future__ import annotations

from pathlib import Path

import pytest

from config.aws_login import has_login, no_login

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "its-secret"}


def nowhere() -> bool:
    return False


@pytest.mark.parametrize(
    "environment",
    [
        KEYS,
        {"AWS_PROFILE": "chat"},
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/id"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials"},
        {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1338"},
    ],
)
def test_each_place_for_a_login_is_enough(environment: dict[str, str]) -> None:
    assert has_login(environment, nowhere)


@pytest.mark.parametrize("usual", ["credentials", "config"])
def test_a_file_in_the_home_folder_is_enough(usual: str, tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / usual).touch()
    assert has_login({"HOME": str(tmp_path)}, nowhere)


@pytest.mark.parametrize("variable", ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"])
def test_a_file_elsewhere_is_enough(variable: str, tmp_path: Path) -> None:
    file = tmp_path / "login"
    file.touch()
    assert has_login({variable: str(file)}, nowhere)


def test_the_role_of_an_instance_is_enough_unless_it_is_not_to_be_used() -> None:
    assert has_login({}, lambda: True)
    assert not has_login({"AWS_EC2_METADATA_DISABLED": "true"}, lambda: True)


@pytest.mark.parametrize("name", KEYS)
def test_half_a_login_is_none(name: str) -> None:
    assert not has_login({name: KEYS[name]}, nowhere)


def test_who_has_none_is_told_how_to_get_one() -> None:
    error = no_login()
    assert error.field == "AWS credentials"
    assert "AWS_PROFILE" in error.fix
