"""SNS: topics, who may publish to them, and who listens."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Final

from provider.resource import Context
from provider.values import Properties
from tests.standin.aws.base import AwsResource, Change
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.names import NameRule
from tests.standin.aws.services.ec2 import tag_list, tag_map
from tests.standin.aws.shape import Shape, names
from tests.standin.aws.waiting import found_or_none, gone_is_fine

_GONE: Final = ("NotFound", "NotFoundException")


def _attributes(api: Api, id: str) -> Answer:
    answer = found_or_none(lambda: api.get_topic_attributes(TopicArn=id), *_GONE)
    return answer["Attributes"] if answer else None


class Topic(AwsResource):
    """``aws.sns.Topic``. Its id is its ARN."""

    service = "sns"
    _fields: Final = {
        "deliveryPolicy": "DeliveryPolicy",
        "displayName": "DisplayName",
        "kmsMasterKeyId": "KmsMasterKeyId",
        "policy": "Policy",
    }
    shape = Shape(
        token="aws:sns/topic:Topic",
        label="SNS Topic",
        inputs=names("fifoTopic name namePrefix") | set(_fields),
        replace_on=names("fifoTopic"),
        kept=names("policy"),
        ours=names("namePrefix"),
        computed=names("arn owner"),
        defaults={"fifoTopic": False},
        documents=names("deliveryPolicy policy"),
        conflicts=(("name", "namePrefix"),),
        name=NameRule(prefix_property="namePrefix"),
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        attributes = {
            field: str(inputs[name]) for name, field in self._fields.items() if inputs.get(name)
        }
        if inputs["fifoTopic"]:
            attributes["FifoTopic"] = "true"
        tags = tag_list(inputs.get("tagsAll"))
        made = api.create_topic(Name=inputs["name"], Attributes=attributes, Tags=tags)
        return str(made["TopicArn"])

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        attributes = _attributes(api, id)
        if attributes is None:
            return None
        return {
            **{name: attributes.get(field) or None for name, field in self._fields.items()},
            "arn": id,
            "name": id.rpartition(":")[2],
            "owner": attributes.get("Owner"),
            "fifoTopic": str(attributes.get("FifoTopic", "")).lower() == "true",
            "tagsAll": tag_map(api.list_tags_for_resource(ResourceArn=id).get("Tags")),
        }

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        for name in sorted(change.names & self._fields.keys()):
            api.set_topic_attributes(
                TopicArn=id,
                AttributeName=self._fields[name],
                AttributeValue=change.new.get(name) or "",
            )

    def retag(
        self,
        api: Api,
        id: str,
        known: Properties,
        put: Mapping[str, str],
        drop: Collection[str],
    ) -> None:
        if drop:
            api.untag_resource(ResourceArn=id, TagKeys=list(drop))
        if put:
            api.tag_resource(ResourceArn=id, Tags=tag_list(put))

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        gone_is_fine(lambda: api.delete_topic(TopicArn=id), *_GONE)


class TopicPolicy(AwsResource):
    """``aws.sns.TopicPolicy``. Deleting it gives the topic AWS's default policy back."""

    service = "sns"
    shape = Shape(
        token="aws:sns/topicPolicy:TopicPolicy",
        label="SNS Topic Policy",
        inputs=names("arn policy"),
        required=names("arn policy"),
        replace_on=names("arn"),
        computed=names("owner"),
        documents=names("policy"),
        tagged=False,
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        self._put(api, str(inputs["arn"]), str(inputs["policy"]))
        return str(inputs["arn"])

    def _put(self, api: Api, arn: str, policy: str) -> None:
        api.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        attributes = _attributes(api, id)
        if attributes is None or not attributes.get("Policy"):
            return None
        return {"arn": id, "policy": attributes["Policy"], "owner": attributes.get("Owner")}

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        self._put(api, id, str(change.new["policy"]))

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        owner = str(known.get("owner") or id.split(":")[4])
        gone_is_fine(lambda: self._put(api, id, json.dumps(_default_policy(id, owner))), *_GONE)


class TopicSubscription(AwsResource):
    """``aws.sns.TopicSubscription``. Its id is its ARN; an e-mail's waits for a click."""

    service = "sns"
    _fields: Final = {"filterPolicy": "FilterPolicy", "rawMessageDelivery": "RawMessageDelivery"}
    shape = Shape(
        token="aws:sns/topicSubscription:TopicSubscription",
        label="SNS Topic Subscription",
        inputs=names(
            "confirmationTimeoutInMinutes endpoint endpointAutoConfirms protocol topic "
            "filterPolicy rawMessageDelivery"
        ),
        required=names("endpoint protocol topic"),
        replace_on=names("endpoint protocol topic"),
        ours=names("confirmationTimeoutInMinutes endpointAutoConfirms"),
        computed=names("arn confirmationWasAuthenticated ownerId pendingConfirmation"),
        volatile=names("pendingConfirmation"),
        defaults={
            "confirmationTimeoutInMinutes": 1,
            "endpointAutoConfirms": False,
            "rawMessageDelivery": False,
        },
        documents=names("filterPolicy"),
        tagged=False,
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        attributes = {}
        if inputs.get("filterPolicy"):
            attributes["FilterPolicy"] = str(inputs["filterPolicy"])
        if inputs["rawMessageDelivery"]:
            attributes["RawMessageDelivery"] = "true"
        made = api.subscribe(
            TopicArn=inputs["topic"],
            Protocol=inputs["protocol"],
            Endpoint=inputs["endpoint"],
            Attributes=attributes,
            ReturnSubscriptionArn=True,
        )
        return str(made["SubscriptionArn"])

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        answer = found_or_none(lambda: api.get_subscription_attributes(SubscriptionArn=id), *_GONE)
        if answer is None:
            return None
        found = answer["Attributes"]

        def on(name: str) -> bool:
            return str(found.get(name, "")).lower() == "true"

        return {
            "arn": id,
            "topic": found["TopicArn"],
            "protocol": found["Protocol"],
            "endpoint": found["Endpoint"],
            "filterPolicy": found.get("FilterPolicy") or None,
            "rawMessageDelivery": on("RawMessageDelivery"),
            "ownerId": found.get("Owner"),
            "pendingConfirmation": on("PendingConfirmation"),
            "confirmationWasAuthenticated": on("ConfirmationWasAuthenticated"),
        }

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        for name in sorted(change.names & self._fields.keys()):
            value = change.new.get(name) or ""
            api.set_subscription_attributes(
                SubscriptionArn=id,
                AttributeName=self._fields[name],
                AttributeValue=str(value).lower() if isinstance(value, bool) else value,
            )

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        # AWS itself forgets a subscription that nobody confirmed; it cannot be taken back.
        pending = ("InvalidParameter",) if known.get("pendingConfirmation") else ()
        gone_is_fine(lambda: api.unsubscribe(SubscriptionArn=id), *_GONE, *pending)


def _default_policy(arn: str, owner: str) -> dict[str, object]:
    actions = (
        *("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission"),
        *("DeleteTopic", "Subscribe", "ListSubscriptionsByTopic", "Publish"),
    )
    return {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{action}" for action in actions],
                "Resource": arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": owner}},
            }
        ],
    }
