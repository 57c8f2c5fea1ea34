from __future__ import annotations

import pytest

from holdfast.errors import ConfigError, HoldfastError
from tests.standin.aws.package import AwsPackage
from tests.standin.aws.session import Session, Settings, partition_of

REGION = {"AWS_REGION": "eu-central-1"}


def test_the_provider_s_region_wins_over_the_environment_s() -> None:
    assert Settings.read({"region": "eu-west-1"}, REGION).region == "eu-west-1"
    assert Settings.read({}, REGION).region == "eu-central-1"
    assert Settings.read({}, {"AWS_DEFAULT_REGION": "us-east-1"}).region == "us-east-1"


def test_no_region_is_refused_with_the_way_to_set_one() -> None:
    with pytest.raises(ConfigError, match="set aws:region"):
        Settings.read({}, {})


def test_what_the_sdk_sends_as_json_is_read() -> None:
    config = {
        "allowedAccountIds": '["123456789012"]',
        "defaultTags": '{"tags": {"a": "b"}}',
        "skipCredentialsValidation": "true",
    }
    found = Settings.read(config, REGION)
    assert found.allowed == ("123456789012",)
    assert found.default_tags == {"a": "b"}
    assert not found.checks_credentials
    assert found.asks_account


def test_an_option_that_the_stand_in_does_not_have_is_named() -> None:
    with pytest.raises(ConfigError, match="aws:assumeRoles"):
        Settings.read({"assumeRoles": '[{"roleArn": "arn"}]'}, REGION)


def test_keys_do_not_show() -> None:
    config = {"accessKey": "AKIA-visible", "secretKey": "hidden-for-ever"}
    assert "hidden-for-ever" not in repr(Settings.read(config, REGION))


SKIPPED = {"skipCredentialsValidation": "true", "skipRequestingAccountId": "true"}


@pytest.mark.parametrize("skipped", [{}, SKIPPED])
def test_missing_credentials_are_told_before_any_call_whatever_is_skipped(
    skipped: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(HoldfastError, match="No valid credential sources found"):
        Session.connect({"region": "eu-central-1", **skipped})


def test_without_validation_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    nobody = {"accessKey": "nobody", "secretKey": "nobody"}
    found = Session.connect({"region": "eu-central-1", **nobody, **SKIPPED})
    assert found.settings.region == "eu-central-1"


def test_an_account_is_not_allowed_if_nobody_may_be_asked_which_it_is() -> None:
    nobody = {"accessKey": "nobody", "secretKey": "nobody"}
    allowed = {"allowedAccountIds": '["123456789012"]'}
    with pytest.raises(HoldfastError, match="not allowed"):
        Session.connect({"region": "eu-central-1", **nobody, **SKIPPED, **allowed})


def test_partitions_follow_the_region() -> None:
    assert partition_of("eu-central-1") == "aws"
    assert partition_of("cn-north-1") == "aws-cn"
    assert partition_of("us-gov-west-1") == "aws-us-gov"


def test_types_and_functions_that_it_does_not_have_are_named() -> None:
    package = AwsPackage("7.51.1")
    with pytest.raises(ConfigError, match="aws:s3/bucket:Bucket"):
        package.resource("aws:s3/bucket:Bucket")
    with pytest.raises(ConfigError, match="aws:s3/getBucket:getBucket"):
        package.invoke("aws:s3/getBucket:getBucket", {})
