"""Alarms of a store, and the topic that they reach people by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components.aws.alarm_table import Alarm
from components.aws.policies import topic_policy
from components.aws.store_spec import StoreSpec


def alarm_topic(
    name: str,
    spec: StoreSpec,
    key_arn: pulumi.Input[str],
    account: pulumi.Input[str],
    child: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """The ARN of the topic: the one that was given, or a new one.

    A new one is encrypted and has a subscription for each mail address. It is not the topic of
    ElastiCache's own events, which cannot publish to an encrypted one.
    """
    if spec.alarm_topic_arn is not None:
        return pulumi.Output.from_input(spec.alarm_topic_arn)
    topic = aws.sns.Topic(
        f"{name}-alarms",
        display_name=f"Session store {spec.aws_name}",
        kms_master_key_id=key_arn,
        tags=spec.tags,
        opts=child,
    )
    aws.sns.TopicPolicy(
        f"{name}-alarms-policy",
        arn=topic.arn,
        policy=pulumi.Output.all(topic.arn, account).apply(lambda known: topic_policy(*known)),
        opts=child,
    )
    for number, address in enumerate(spec.alarm_emails):
        aws.sns.TopicSubscription(
            f"{name}-alarms-mail-{number}",
            topic=topic.arn,
            protocol="email",
            endpoint=address,
            opts=child,
        )
    return topic.arn


def add_alarms(
    name: str,
    alarms: Sequence[Alarm],
    dimensions: Mapping[str, pulumi.Input[str]],
    topic_arn: pulumi.Input[str],
    spec: StoreSpec,
    child: pulumi.ResourceOptions,
) -> None:
    """Create the alarms of one node, or of a serverless cache."""
    for alarm in alarms:
        needed, looked_at = alarm.points
        comparison = "LessThanThreshold" if alarm.below else "GreaterThanThreshold"
        aws.cloudwatch.MetricAlarm(
            f"{name}-{alarm.key}",
            alarm_description=f"Session store {spec.aws_name}: {alarm.meaning}",
            namespace="AWS/ElastiCache",
            metric_name=alarm.metric,
            dimensions=dimensions,
            statistic=alarm.statistic,
            period=alarm.period,
            comparison_operator=comparison,
            threshold=alarm.threshold,
            datapoints_to_alarm=needed,
            evaluation_periods=looked_at,
            # A primary has no lag and a quiet node no latency.
            treat_missing_data="notBreaching",
            alarm_actions=[topic_arn],
            ok_actions=[topic_arn],
            tags=spec.tags,
            opts=child,
        )
