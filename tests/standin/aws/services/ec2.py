"""What all EC2 types do alike: tags, filters, ARNs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from tests.standin.aws.base import AwsResource
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.session import partition_of
from tests.standin.aws.waiting import found_or_none

DELETE_SECONDS: Final = 900.0
"""How long the official plugin tries to delete what something still hangs on."""


def tag_list(tags: Mapping[str, str] | None) -> list[dict[str, str]]:
    """Tags as most APIs want them."""
    return [{"Key": key, "Value": value} for key, value in sorted((tags or {}).items())]


def tag_map(tags: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    """And back."""
    return {item["Key"]: item["Value"] for item in tags or ()}


def first(found: Answer, key: str) -> Answer:
    """The one item of an answer, or None."""
    return found[key][0] if found and found.get(key) else None


class Ec2Resource(AwsResource):
    """A type of the service EC2.

    Class attributes:
        kind: what it is in a tag specification, ``vpc``.
    """

    service = "ec2"
    kind = ""

    def tag_specifications(self, tags: Mapping[str, str] | None) -> dict[str, Any]:
        """Arguments that tag it as it is made."""
        if not tags:
            return {}
        return {"TagSpecifications": [{"ResourceType": self.kind, "Tags": tag_list(tags)}]}

    def retag(
        self,
        api: Api,
        id: str,
        known: Mapping[str, Any],
        put: Mapping[str, str],
        drop: Collection[str],
    ) -> None:
        if drop:
            api.delete_tags(Resources=[id], Tags=[{"Key": key} for key in drop])
        if put:
            api.create_tags(Resources=[id], Tags=tag_list(put))

    def arn(self, api: Api, owner: str, path: str) -> str:
        """The ARN that EC2 itself does not tell."""
        region = api.meta.region_name
        return f"arn:{partition_of(region)}:ec2:{region}:{owner}:{path}"

    def one(
        self, call: Callable[..., Answer], key: str, *missing: str, **arguments: object
    ) -> Answer:
        """The one item that a describe call answers, or None."""
        return first(found_or_none(lambda: call(**arguments), *missing), key)
