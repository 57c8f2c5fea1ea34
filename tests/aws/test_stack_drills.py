"""Drills of a deployed store on AWS: the service fails it over, clients follow, the ledger counts.

Emulation: moto and real Valkey on one machine; the official plugin and AWS were not run. A failover
there is a hand-over between real servers; no time is claimed for AWS from it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from holdfast.aws.api import EMULATION
from holdfast.roles import Role
from tests.aws.application import application
from tests.aws.stack import REAL, AwsStack, deployed
from tests.standin.aws.emulator import Emulator

pytestmark = pytest.mark.timeout(900)


def drill(stack: AwsStack, name: str) -> dict[str, Any]:
    """Run the script; everything has to hold. Gives the drill's result."""
    shown = json.loads(stack.run("drill", name, "--json", *stack.record(REAL)))
    (record,), (result,) = shown["records"], shown["drills"]
    assert result["ok"], result
    assert record["where"].endswith(EMULATION)
    assert record["down_after_seconds"] is None
    figures = result["figures"]
    assert figures["duplicates"] == 0
    assert figures["lost_confirmed"] == 0
    assert figures["acknowledged"] > 100
    assert figures["confirmed"] > 0
    return dict(result)


def leads_to(stack: AwsStack, host: str) -> str:
    """The address that a name of the store stands for now."""
    return stack.from_here(stack.connection).dial[host]


def primaries(stack: AwsStack) -> list[str]:
    """The nodes that AWS calls primary; it says so without cluster mode alone."""
    group_id = stack.engine.outputs()["resources"]["replication_group_id"]
    group = stack.client("elasticache").describe_replication_groups(ReplicationGroupId=group_id)
    return [
        member["CacheClusterId"]
        for member in group["ReplicationGroups"][0]["NodeGroups"][0]["NodeGroupMembers"]
        if member["CurrentRole"] == "primary"
    ]


def test_a_failover_moves_the_primarys_name_and_clients_follow_it(staging: AwsStack) -> None:
    endpoint = staging.connection.primary
    assert endpoint is not None
    address, old = leads_to(staging, endpoint.host), primaries(staging)
    with application(staging, Role.SVC, Role.WORKER) as seen:
        result = drill(staging, "planned-failover")
    new = primaries(staging)
    assert len(old) == len(new) == 1
    assert new != old
    assert leads_to(staging, endpoint.host) != address
    told = " ".join(what for _, what in result["events"])
    assert f"its primary is {old[0]}" in told
    assert f"the primary is {new[0]}" in told
    assert "the clients agree" in result["agreement"]
    assert seen.failures == ()
    assert seen.stored == seen.turns > 100


def test_answers_that_are_lost_on_the_way_store_no_turn_twice(staging: AwsStack) -> None:
    assert drill(staging, "lost-replies")["figures"]["repeated"] > 0


def test_the_list_says_which_drills_a_stack_on_aws_can_be_put_through(staging: AwsStack) -> None:
    lines = staging.run("drill", "--list").splitlines()
    here = [line.split()[0] for line in lines if "not here" not in line]
    assert here == ["planned-failover", "lost-replies"]


def test_a_drill_that_needs_hands_on_the_servers_is_refused(staging: AwsStack) -> None:
    assert staging.run("drill", "kill-primary", code=2) == ""


@pytest.mark.whole
def test_a_shard_of_a_cluster_fails_over_and_clients_follow_its_slots(
    aws: Emulator, tmp_path: Path
) -> None:
    shape = {"preset": "staging", "topology": "cluster", "primaries": "2", "replicas": "1"}
    with deployed(tmp_path, aws, **shape) as stack:
        with application(stack, Role.SVC) as seen:
            result = drill(stack, "planned-failover")
        assert "the clients agree" in result["agreement"]
        assert seen.failures == ()
        assert seen.stored == seen.turns > 50
