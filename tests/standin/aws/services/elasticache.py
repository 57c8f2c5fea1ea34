"""What all ElastiCache types do alike: tags by ARN, and waiting for a status."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
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


class AwaitedResource(ElastiCacheResource):
    """A type whose steps go on after AWS has answered; its ``Status`` says until when.

    Attributes:
        ready: the status that ends a step.
        busy: those on the way to it.
        leaving: those on the way out; empty for any.
        create_seconds: the official plugin's own bounds.
        update_seconds: likewise.
        delete_seconds: likewise.
    """

    ready: str = "available"
    busy: Collection[str] = ("creating", "modifying")
    leaving: Collection[str] = ("deleting",)
    create_seconds: float
    update_seconds: float
    delete_seconds: float

    @abstractmethod
    def describe(self, api: Api, id: str) -> Answer:
        """It, as the service shows it; None where it is not there."""

    def settle(self, api: Api, id: str, inputs: Properties, context: Context) -> None:
        self._wait(api, id, context, "create", self.ready, self.busy, self.create_seconds)

    def until_ready(self, api: Api, id: str, context: Context, doing: str = "update") -> None:
        """Wait until a change is over."""
        self._wait(api, id, context, doing, self.ready, self.busy, self.update_seconds)

    def until_gone(self, api: Api, id: str, context: Context) -> None:
        """Wait until it is deleted."""
        self._wait(api, id, context, "delete", GONE, self.leaving, self.delete_seconds)

    def _wait(
        self,
        api: Api,
        id: str,
        context: Context,
        doing: str,
        wanted: str,
        pending: Collection[str],
        seconds: float,
    ) -> None:
        until(
            context,
            f"waiting for {self.shape.label} ({id}) {doing}",
            lambda: str((self.describe(api, id) or {}).get("Status", GONE)),
            wanted=(wanted,),
            pending=pending,
            seconds=seconds,
        )
