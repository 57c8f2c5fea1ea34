"""What all ElastiCache types do alike: tags by ARN, and waiting for a status."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from provider.resource import Context
from provider.values import Properties
from tests.standin.aws.base import AwsResource
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.services.ec2 import tag_list, tag_map
from tests.standin.aws.waiting import GONE, until

ENGINES: Final = ("redis", "valkey")


class ElastiCacheResource(AwsResource):
    """A type of the service ElastiCache."""

    service = "elasticache"

    def tags_of(self, api: Api, arn: str) -> dict[str, str]:
        """All tags of an ARN."""
        return tag_map(api.list_tags_for_resource(ResourceName=arn).get("TagList"))

    def tags_for(self, inputs: Properties) -> dict[str, Answer]:
        """Arguments that tag it as it is made."""
        tags = tag_list(inputs.get("tagsAll"))
        return {"Tags": tags} if tags else {}

    def retag(
        self,
        api: Api,
        id: str,
        known: Properties,
        put: Mapping[str, str],
        drop: Collection[str],
    ) -> None:
        if drop:
            api.remove_tags_from_resource(ResourceName=known["arn"], TagKeys=list(drop))
        if put:
            api.add_tags_to_resource(ResourceName=known["arn"], Tags=tag_list(put))

    def wait(
        self,
        context: Context,
        what: str,
        describe: Callable[[], Answer],
        *,
        wanted: str,
        pending: Collection[str],
        seconds: float,
    ) -> None:
        """Until its ``Status`` is this one; ``GONE`` until it is not there."""
        until(
            context,
            f"waiting for {self.shape.label} {what}",
            lambda: str((describe() or {}).get("Status", GONE)),
            wanted=(wanted,),
            pending=pending,
            seconds=seconds,
        )
