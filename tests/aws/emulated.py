"""What tests of the emulator need again and again."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from tests.standin.aws.emulator import Emulator

PASSWORD: Final = "abcdefghij0123456789"
OTHER_PASSWORD: Final = "klmnopqrst0123456789"
ACCESS: Final = "on ~agent:* resetchannels -@all +@read +@write"
_SECONDS: Final = 60.0
_numbers = itertools.count(1)


@dataclass
class World:
    """An emulator, with names of a test's own and a network."""

    emulator: Emulator

    @cached_property
    def cache(self) -> Any:  # noqa: ANN401 - requests here break its types on purpose
        """The client of ElastiCache."""
        return self.emulator.client("elasticache")

    @cached_property
    def subnets(self) -> list[str]:
        """Of a VPC of its own, in three zones."""
        ec2 = self.emulator.client("ec2")
        self.vpc = ec2.create_vpc(CidrBlock="10.64.0.0/20")["Vpc"]["VpcId"]
        return [
            ec2.create_subnet(
                VpcId=self.vpc, CidrBlock=f"10.64.{n}.0/24", AvailabilityZone=f"us-east-1{zone}"
            )["Subnet"]["SubnetId"]
            for n, zone in enumerate("abc")
        ]

    @cached_property
    def subnet_group(self) -> str:
        """A subnet group over them."""
        name = self.name("subnets")
        self.cache.create_cache_subnet_group(
            CacheSubnetGroupName=name, CacheSubnetGroupDescription="test", SubnetIds=self.subnets
        )
        return name

    @cached_property
    def security_group(self) -> str:
        """A security group of the VPC."""
        _ = self.subnets
        created = self.emulator.client("ec2").create_security_group(
            GroupName=self.name("group"), Description="test", VpcId=self.vpc
        )
        return str(created["GroupId"])

    def name(self, stem: str) -> str:
        """One that nobody else uses."""
        return f"{stem}-{next(_numbers)}"

    def user(self, **changes: object) -> str:
        """A user with a password; its id."""
        asked: dict[str, object] = {
            "UserId": self.name("svc"),
            "UserName": "svc",
            "Engine": "valkey",
            "AccessString": ACCESS,
            "Passwords": [PASSWORD],
        } | changes
        asked = {key: value for key, value in asked.items() if value is not None}
        return str(self.cache.create_user(**asked)["UserId"])

    def user_group(self, *user_ids: str, engine: str = "valkey") -> str:
        """A user group, active."""
        name = self.name("users")
        self.cache.create_user_group(UserGroupId=name, Engine=engine, UserIds=list(user_ids))
        self.user_group_active(name)
        return name

    def parameter_group(self, family: str = "valkey9", **values: str) -> str:
        """A parameter group with values; underscores stand for hyphens."""
        name = self.name("parameters")
        self.cache.create_cache_parameter_group(
            CacheParameterGroupName=name, CacheParameterGroupFamily=family, Description="test"
        )
        if values:
            self.cache.modify_cache_parameter_group(
                CacheParameterGroupName=name,
                ParameterNameValues=[
                    {"ParameterName": key.replace("_", "-"), "ParameterValue": value}
                    for key, value in values.items()
                ],
            )
        return name

    def asked_group(self, **changes: object) -> dict[str, Any]:
        """A request for a replication group of two nodes; a change to None leaves a part out."""
        asked: dict[str, object] = {
            "ReplicationGroupId": self.name("store"),
            "ReplicationGroupDescription": "test",
            "Engine": "valkey",
            "EngineVersion": "9.1",
            "CacheNodeType": "cache.t4g.small",
            "NumCacheClusters": 2,
            "AutomaticFailoverEnabled": True,
            "TransitEncryptionEnabled": True,
            "CacheSubnetGroupName": self.subnet_group,
            "SecurityGroupIds": [self.security_group],
        } | changes
        return {key: value for key, value in asked.items() if value is not None}

    def group(self, **changes: object) -> str:
        """A replication group, available; its id."""
        asked = self.asked_group(**changes)
        created = self.cache.create_replication_group(**asked)["ReplicationGroup"]
        assert created["Status"] == "creating"
        name = str(created["ReplicationGroupId"])
        self.available(name)
        return name

    def described(self, group: str) -> dict[str, Any]:
        """A replication group as it is."""
        found = self.cache.describe_replication_groups(ReplicationGroupId=group)
        shown: dict[str, Any] = found["ReplicationGroups"][0]
        return shown

    def roles(self, group: str) -> dict[str, str]:
        """The role of each node, without cluster mode."""
        members = self.described(group)["NodeGroups"][0]["NodeGroupMembers"]
        return {member["CacheClusterId"]: member["CurrentRole"] for member in members}

    def available(self, group: str) -> dict[str, Any]:
        """Wait until a group is available."""
        return until(
            f"{group} to be available",
            lambda: self.described(group),
            lambda shown: shown["Status"] == "available",
        )

    def user_active(self, user: str) -> dict[str, Any]:
        """Wait until a user is active."""
        return until(
            f"{user} to be active",
            lambda: self.cache.describe_users(UserId=user)["Users"][0],
            lambda shown: shown["Status"] == "active",
        )

    def user_group_active(self, group: str) -> dict[str, Any]:
        """Wait until a user group is active."""
        return until(
            f"{group} to be active",
            lambda: self.cache.describe_user_groups(UserGroupId=group)["UserGroups"][0],
            lambda shown: shown["Status"] == "active",
        )


def until(
    what: str, look: Callable[[], dict[str, Any]], holds: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Look again and again until something holds."""
    deadline = time.monotonic() + _SECONDS
    while True:
        found = look()
        if holds(found):
            return found
        assert time.monotonic() < deadline, f"waited for {what}: {found}"
        time.sleep(0.02)


def refused(code: str, call: Callable[..., Any], **params: object) -> str:
    """The message of the refusal that a call must end with."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return str(caught.value.response["Error"]["Message"])


def gone(code: str, call: Callable[..., Any], **params: object) -> None:
    """Wait until a thing is not found any more."""
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            call(**params)
        except ClientError as error:
            if error.response["Error"]["Code"] == code:
                return
            raise
        assert time.monotonic() < deadline, f"waited for {params} to be gone"
        time.sleep(0.02)
