"""Every rule has a stack that it lets pass and one that it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_policy import (
    EnforcementLevel,
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from holdfast.verify.protections import UNKNOWN
from policy.aws_types import (
    ALARM,
    GROUP,
    INGRESS,
    OLDER_RULE,
    SECRET,
    SECURITY_GROUP,
    SERVERLESS,
    USER,
)
from policy.catalogue import RULES
from policy.pack import policies, stack_resources
from policy.rule import Level, Resource, Rule
from tests.policy.cases import (
    BAD,
    GOOD,
    INLINE,
    METRICS,
    SERVERLESS_METRICS,
    Bad,
    alarms,
    changed,
    good,
)

BY_NAME = {rule.name: rule for rule in RULES}
POLICIES = {policy.name: policy for policy in policies(RULES)}
OPTIONS = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


def by_policy(
    name: str,
    *resources: Resource,
    preset: str = "prod",
    provider: PolicyProviderResource | None = None,
) -> list[str]:
    """What the policy of the SDK says of them, called as the engine's server calls it."""
    policy, found = POLICIES[name], []

    def report(message: str, urn: str | None) -> None:
        found.append(message)

    if isinstance(policy, StackValidationPolicy):
        stack = Resource("pulumi:pulumi:Stack", "shop-prod", {"preset": preset})
        listed = [
            PolicyResource(
                one.type, proxied(one), one.urn, one.name, OPTIONS, provider, None, [], {}
            )
            for one in (stack, *resources)
        ]
        policy.validate(StackValidationArgs(listed), report)
        return found
    assert isinstance(policy, ResourceValidationPolicy)
    for one in resources:
        args = ResourceValidationArgs(one.type, proxied(one), one.urn, one.name, OPTIONS, provider)
        policy.validate(args, report)
    return found


def proxied(resource: Resource) -> dict[str, object]:
    return unknown_checking_proxy(dict(resource.props))


def messages(rule: Rule, *resources: Resource) -> list[str]:
    return [message for _, message in rule.judge(resources)]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.case)
def test_what_is_wrong_is_refused_by_its_rule_and_said(bad: Bad) -> None:
    wrong = changed(bad)
    found = messages(BY_NAME[bad.rule], wrong, *bad.beside)
    assert any(bad.says in message for message in found), found
    assert by_policy(bad.rule, wrong, *bad.beside) == found
    assert not any("hunter2" in message for message in found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_is_right_passes_every_rule(rule: Rule) -> None:
    resources = [good(kind) for kind in GOOD if kind not in (SERVERLESS, ALARM)]
    stack = [*resources, *alarms(*METRICS)]
    assert messages(rule, *stack) == []
    assert by_policy(rule.name, *stack) == []
    watched = alarms(*SERVERLESS_METRICS, clusterId="shop-prod")
    serverless = [good(SERVERLESS), *watched]
    assert messages(rule, *serverless) == []


def test_every_rule_is_refused_something_and_no_rule_has_two_names() -> None:
    assert {bad.rule for bad in BAD} == set(BY_NAME)
    assert len(BY_NAME) == len(RULES)
    assert {f"P{number}" for number in range(1, 21)} | {f"K{number}" for number in range(1, 6)} == {
        rule.id for rule in RULES
    }


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.case)
def test_a_rule_for_production_lets_other_stages_pass(bad: Bad) -> None:
    rule, wrong = BY_NAME[bad.rule], changed(bad)
    other = Resource(wrong.type, wrong.name, {**wrong.props, "tags": {"env": "dev"}})
    expected = [] if rule.production else messages(rule, other, *bad.beside)
    assert by_policy(bad.rule, other, *bad.beside, preset="dev") == expected
    assert messages(rule, other, *bad.beside) == expected


def test_production_is_also_known_by_a_tag_of_the_resource_or_of_its_provider() -> None:
    group = dict(good(GROUP).props)
    del group["finalSnapshotIdentifier"], group["tags"]
    untagged = Resource(GROUP, "it", group)
    name = "aws-final-snapshot-in-production"
    assert by_policy(name, untagged, preset="") == []
    tagged = Resource(GROUP, "it", {**group, "tags": {"env": "production"}})
    assert len(by_policy(name, tagged, preset="")) == 1
    tags = {"defaultTags": {"tags": {"env": "prod"}}}
    provider = PolicyProviderResource("pulumi:providers:aws", tags, "urn", "aws")
    assert len(by_policy(name, untagged, preset="", provider=provider)) == 1
    assert by_policy("aws-tagged", untagged, provider=provider) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_is_not_known_before_the_deployment_is_not_judged(rule: Rule) -> None:
    assert UNKNOWN == UNKNOWN_STRING_VALUE
    for kind in rule.types:
        if rule.stack_check is None:
            unknown = Resource(kind, "it", dict.fromkeys(GOOD.get(kind, {}), UNKNOWN))
            assert messages(rule, unknown) == []


def test_a_value_that_is_not_known_does_not_hide_another_that_is_wrong() -> None:
    group = good(GROUP, transitEncryptionMode=UNKNOWN, transitEncryptionEnabled=False)
    assert by_policy("aws-tls-required", group) == [
        "transitEncryptionEnabled: got false, need true"
    ]


def test_passwords_that_a_plan_masks_are_secret() -> None:
    mode = {"type": "password", "passwords": "[secret]"}
    assert messages(BY_NAME["aws-passwords-secret"], good(USER, authenticationMode=mode)) == []


def test_endpoints_of_aws_may_be_reached_at_their_port() -> None:
    rule = BY_NAME["aws-narrow-ingress"]
    assert messages(rule, good(INGRESS, fromPort=443, toPort=443)) == []
    assert messages(rule, good(INGRESS, fromPort=443, toPort=6379)) != []


def test_levels_reach_the_engine() -> None:
    for rule in RULES:
        expected = EnforcementLevel.MANDATORY
        if rule.level is Level.ADVISORY:
            expected = EnforcementLevel.ADVISORY
        assert POLICIES[rule.name].enforcement_level is expected


def test_numbers_of_the_engine_are_read_as_whole_ones() -> None:
    secret = good(SECRET, recoveryWindowInDays=30.0)
    assert by_policy("aws-secret-recovers-in-production", secret) == []
    short = good(SECRET, recoveryWindowInDays=3.0)
    assert by_policy("aws-secret-recovers-in-production", short) == [
        "recoveryWindowInDays: got 3, need 7 or more"
    ]
    none = good(GROUP, snapshotRetentionLimit=0.0)
    assert by_policy("aws-snapshots", none) != []


def test_a_rule_of_the_older_type_that_lets_out_is_not_about_who_comes_in() -> None:
    rule = BY_NAME["aws-narrow-older-ingress"]
    assert messages(rule, good(OLDER_RULE, type="egress", cidrBlocks=["0.0.0.0/0"])) == []


def test_inline_rules_that_are_narrow_enough_are_no_danger() -> None:
    rule = BY_NAME["aws-narrow-inline-ingress"]
    assert messages(rule, good(SECURITY_GROUP, ingress=[INLINE])) == []


@pytest.mark.parametrize(
    ("group", "member"), [("shop", "shop-001"), ("shop", "shop-0002-003"), (UNKNOWN, "shop-001")]
)
def test_an_alarm_is_known_by_the_node_that_it_watches(group: str, member: str) -> None:
    store = good(GROUP, replicationGroupId=group)
    assert messages(BY_NAME["aws-alarms"], store, *alarms(*METRICS, CacheClusterId=member)) == []


def test_a_store_whose_id_only_begins_with_another_s_is_not_watched_by_its_alarms() -> None:
    store = good(GROUP, replicationGroupId="shop")
    others = alarms(*METRICS, CacheClusterId="shop-new-001")
    assert len(messages(BY_NAME["aws-alarms"], store, *others)) == len(METRICS)


def test_before_ids_are_known_an_alarm_is_about_the_store_that_its_dimension_comes_from() -> None:
    def planned(kind: str, urn: str, props: dict[str, Any]) -> PolicyResource:
        return PolicyResource(kind, props, urn, urn, OPTIONS, None, None, [], {})

    first, second = (planned(GROUP, urn, dict(GOOD[GROUP])) for urn in ("first", "second"))
    watching = []
    for number, alarm in enumerate(alarms(*METRICS, CacheClusterId=UNKNOWN)):
        made = planned(ALARM, f"alarm-{number}", dict(alarm.props))
        made.property_dependencies = {"dimensions": [first]}
        watching.append(made)
    found = BY_NAME["aws-alarms"].judge(stack_resources([first, second, *watching]))
    assert {store.urn for store, _ in found} == {"second"}
