"""A store that somebody made by hand on AWS is adopted by a stack, with what is in it.

Emulation: moto and real Valkey on one machine; the official plugin and AWS were not run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from holdfast.connection import Address, Tls
from holdfast.roles import Role
from holdfast.tls import build_context
from holdfast.verify.access import Access
from holdfast.verify.probe import Link
from tests.aws.stack import COMMAND_SECONDS, REGION, AwsStack
from tests.engine import PROJECT
from tests.servers import Install, wait_until
from tests.standin.aws.emulator import Emulator, running

pytestmark = pytest.mark.timeout(900)

GROUP: Final = "orders-cache"
KEY: Final = "agent:cache:{b00}:acme:kept"
_SECONDS: Final = 120.0


@dataclass(frozen=True)
class ByHand:
    """What stands on AWS before there is a stack."""

    emulator: Emulator
    vpc_id: str
    subnet_ids: tuple[str, ...]

    def group(self) -> dict[str, Any]:
        """The replication group as AWS describes it."""
        cache = self.emulator.client("elasticache", region_name=REGION)
        answer = cache.describe_replication_groups(ReplicationGroupId=GROUP)
        return dict(answer["ReplicationGroups"][0])

    def store_a_key(self) -> None:
        """As an application that asks for no login, since the group has no users."""
        state = self.emulator.state
        assert state.ca_file is not None
        assert state.names_file is not None
        names = json.loads(Path(state.names_file).read_text())
        primary = self.group()["NodeGroups"][0]["PrimaryEndpoint"]
        link = Link.open(
            Address(primary["Address"], primary["Port"]),
            build_context(Tls(Path(state.ca_file).read_text())),
            names={name: addresses[0] for name, addresses in names.items()},
            timeout_seconds=10,
        )
        with closing(link):
            assert link.call("SET", KEY, "by hand", "EX", "36000") == "OK"


@pytest.fixture
def by_hand(server_install: Install, tmp_path: Path) -> Iterator[ByHand]:
    with running(tmp_path / "aws", data_plane=True) as emulator:
        ec2 = emulator.client("ec2", region_name=REGION)
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        subnets = tuple(
            ec2.create_subnet(
                VpcId=vpc, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"{REGION}{zone}"
            )["Subnet"]["SubnetId"]
            for n, zone in enumerate("ab")
        )
        cache = emulator.client("elasticache", region_name=REGION)
        cache.create_cache_subnet_group(
            CacheSubnetGroupName="orders",
            CacheSubnetGroupDescription="made by hand",
            SubnetIds=list(subnets),
        )
        cache.create_replication_group(
            ReplicationGroupId=GROUP,
            ReplicationGroupDescription="made by hand",
            Engine="valkey",
            EngineVersion="9.1",
            CacheNodeType="cache.t4g.small",
            NumCacheClusters=2,
            AutomaticFailoverEnabled=True,
            MultiAZEnabled=True,
            TransitEncryptionEnabled=True,
            AtRestEncryptionEnabled=True,
            CacheSubnetGroupName="orders",
        )
        made = ByHand(emulator, vpc, subnets)
        wait_until("the group", lambda: made.group()["Status"] == "available", seconds=_SECONDS)
        yield made


def guarded(stack: AwsStack) -> list[str]:
    """Hold the plan to the guard; what it does to the replication group."""
    plan = stack.preview("--json").stdout
    guard = str(PROJECT / "scripts" / "preview_guard.py")
    done = subprocess.run(
        [sys.executable, guard],
        input=plan,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    steps = json.loads(plan)["steps"]
    return [step["op"] for step in steps if ":ReplicationGroup::" in step["urn"]]


def test_a_group_made_by_hand_is_adopted_as_it_is_and_then_set_up_with_what_it_holds(
    by_hand: ByHand, tmp_path: Path
) -> None:
    by_hand.store_a_key()
    before = by_hand.group()
    stack = AwsStack.prepare(
        tmp_path / "stack",
        by_hand.emulator,
        preset="staging",
        verifier="false",
        nodeType="cache.t4g.small",
        replicas="1",
        vpcId=by_hand.vpc_id,
        importId=GROUP,
    )
    for number, subnet in enumerate(by_hand.subnet_ids):
        path = f"holdfast:subnetIds[{number}]"
        stack.engine.run("config", "set", "--path", path, subnet)
    try:
        assert guarded(stack) == ["import"]
        stack.up()
        assert by_hand.group() == before

        stack.engine.run("config", "rm", "holdfast:importId")
        stack.set(replicationGroupId=GROUP)
        assert guarded(stack) == ["update"]
        stack.up()
        after = by_hand.group()
        assert after["ARN"] == before["ARN"]
        assert after["MemberClusters"] == before["MemberClusters"]
        assert after["UserGroupIds"] == ["store-test-users"]
        assert {one["LogType"] for one in after["LogDeliveryConfigurations"]} == {
            "slow-log",
            "engine-log",
        }
        access = Access(stack.from_here(stack.connection), timeout_seconds=10)
        for node in stack.nodes():
            with closing(access.login(node, Role.ADMIN)) as link:
                assert link.call("GET", KEY) == "by hand"
        stack.run("smoke")
        stack.unchanged()
    finally:
        stack.destroy()
    cache = by_hand.emulator.client("elasticache", region_name=REGION)
    assert cache.describe_replication_groups()["ReplicationGroups"] == []
