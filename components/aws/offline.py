"""A preview where nobody is logged in to AWS: it asks nothing, and says what it leaves open."""

from __future__ import annotations

import os
from typing import Final

import pulumi
import pulumi_aws as aws

from config.aws_login import has_login, no_login
from config.aws_settings import AwsSettings

_PLACEHOLDER: Final = "nobody-is-logged-in"


def decide_offline(own: AwsSettings) -> bool:
    """Whether AWS is left alone: there is no login, and this is a preview, which is warned of.

    Raises:
        ConfigError: there is no login, and AWS has to be asked: in a deployment, and for a group
            that is to be adopted, which even a preview reads.
    """
    if has_login(os.environ):
        return False
    if not pulumi.runtime.is_dry_run() or own.import_id is not None:
        raise no_login()
    pulumi.warn(_warning(own))
    return True


def offline_provider_args(region: str) -> aws.ProviderArgs:
    """What lets AWS's plugin plan without a login and without a call.

    It finds keys before it looks at what it may skip (pulumi/pulumi-aws issue 4076), so it is
    given some that are nobody's. Allowed accounts are left out: an account that is not asked for
    is none of them. No difference of these replaces anything; the plugin does that for the region
    alone.
    """
    return aws.ProviderArgs(
        region=region,
        access_key=_PLACEHOLDER,
        secret_key=_PLACEHOLDER,
        skip_credentials_validation=True,
        skip_requesting_account_id=True,
        skip_metadata_api_check=True,
    )


def _warning(own: AwsSettings) -> str:
    unchecked = ["the account, its rights and its quotas", "whether names are free"]
    if own.vpc_id is None:
        unchecked.append(f"the zones of {own.region}")
    else:
        unchecked.append(f"that the subnets of {own.vpc_id} exist, in zones of their own")
    account = (
        ""
        if own.account_id is not None
        else " Policies that name the account are unknown: name "
        "one in holdfast:accountIds to see them."
    )
    return (
        f"No AWS login: this preview asks AWS nothing. Not checked: {'; '.join(unchecked)}. What "
        f"is deployed is taken from the state.{account} `pulumi up` needs a login."
    )
