"""Whose account a stack is in, and what stays open where AWS is not asked."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws


def asks_aws(*, offline: bool) -> bool:
    """Whether AWS is asked: a deployment asks it whatever was said, as it may not guess."""
    return not (offline and pulumi.runtime.is_dry_run())


def unknown() -> pulumi.Output[Any]:
    """What AWS alone could say; a preview shows it as not known yet."""
    return pulumi.Output.from_input(pulumi.UNKNOWN)


def account_of(
    given: str | None, parent: pulumi.ComponentResource, *, offline: bool
) -> pulumi.Output[str]:
    """The id of the account: the one that was said, or what AWS says."""
    if given is not None:
        return pulumi.Output.from_input(given)
    if not asks_aws(offline=offline):
        return unknown()
    return aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=parent)).account_id
