"""A control plane in this process, whose servers wait until a test lets them go on."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator
from moto.ec2.models import ec2_backends

from tests.standin.aws.dataplane.absent import NoDataPlane
from tests.standin.aws.dataplane.api import DataPlaneError, GroupChange, GroupEndpoints, UserState
from tests.standin.aws.emulator.elasticache.control import Control, Params, Result, Settings
from tests.standin.aws.emulator.elasticache.faults import Fault
from tests.standin.aws.emulator.elasticache.operations import OPERATIONS
from tests.unit.standin.aws.shapes import assert_fits

PASSWORD: Final = "abcdefghij0123456789"
_SECONDS: Final = 60.0
_MODEL: Final = get_session().get_service_model("elasticache")
_accounts = itertools.count(100000000001)


class GatedPlane(NoDataPlane):
    """Each change of servers waits for ``gate``; ``broken`` makes it fail."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.broken = False

    def _pass(self) -> None:
        assert self.gate.wait(_SECONDS)
        if self.broken:
            message = "the servers do not start"
            raise DataPlaneError(message)

    def set_users(self, group_id: str, users: Mapping[str, UserState] | None) -> None:
        self._pass()
        super().set_users(group_id, users)

    def modify_group(self, group_id: str, change: GroupChange) -> GroupEndpoints:
        self._pass()
        return super().modify_group(group_id, change)

    def test_failover(self, group_id: str, shard: str) -> str:
        self._pass()
        return super().test_failover(group_id, shard)

    def snapshot(self, group_id: str, folder: Path) -> None:
        self._pass()
        super().snapshot(group_id, folder)


class Cloud:
    """One account: requests and responses are held to the service's model."""

    def __init__(self, folder: Path) -> None:
        self.plane = GatedPlane()
        account = str(next(_accounts))
        settings = Settings(self.plane, folder / "snapshots", 0.0)
        self.control = Control("us-east-1", account, settings)
        self.called: set[str] = set()
        ec2 = ec2_backends[account]["us-east-1"]
        self.vpc = ec2.create_vpc("10.64.0.0/20")
        self.subnets = [
            ec2.create_subnet(
                self.vpc.id, f"10.64.{n}.0/24", availability_zone=f"us-east-1{zone}"
            ).id
            for n, zone in enumerate("abc")
        ]

    def call(self, operation: str, **params: object) -> Result:
        """Make a request."""
        model = _MODEL.operation_model(operation)
        assert model.input_shape is not None
        report = ParamValidator().validate(params, model.input_shape)
        assert not report.has_errors(), report.generate_report()
        self.called.add(operation)
        given: Params = params
        with self.control.lock:
            result = OPERATIONS[operation](self.control, given)
            assert_fits(result, model.output_shape, operation)
        return result

    def _call_given(self, operation: str, params: Mapping[str, object]) -> None:
        self.call(operation, **{name: it for name, it in params.items() if it is not None})

    def refused(self, code: str, operation: str, **params: object) -> str:
        """Make a request that must be refused; its message."""
        with pytest.raises(Fault) as caught:
            self.call(operation, **params)
        assert caught.value.code == code, caught.value
        return str(caught.value.message)

    def until(self, what: str, look: Callable[[], bool]) -> None:
        """Wait for a state."""
        deadline = time.monotonic() + _SECONDS
        while not look():
            assert time.monotonic() < deadline, f"waited for {what}"
            time.sleep(0.005)

    def user(self, user_id: str = "svc", **changes: object) -> str:
        """A user with a password."""
        asked: dict[str, object] = {
            "UserId": user_id,
            "UserName": user_id,
            "Engine": "valkey",
            "AccessString": "on ~agent:* +@read",
            "Passwords": [PASSWORD],
        }
        self._call_given("CreateUser", asked | changes)
        return user_id

    def user_group(self, *users: str, name: str = "users") -> str:
        """An active user group."""
        self.call("CreateUserGroup", UserGroupId=name, Engine="valkey", UserIds=list(users))
        self.until("the user group", lambda: self.control.user_groups[name].status == "active")
        return name

    def group(self, name: str = "store", **changes: object) -> str:
        """An available replication group of two nodes."""
        self.create_group(name, **changes)
        self.available(name)
        return name

    def create_group(self, name: str = "store", **changes: object) -> None:
        """Ask for a replication group of two nodes; a change to None leaves a part out."""
        if "subnets" not in self.control.subnet_groups:
            self.call(
                "CreateCacheSubnetGroup",
                CacheSubnetGroupName="subnets",
                CacheSubnetGroupDescription="test",
                SubnetIds=self.subnets,
            )
        asked: dict[str, object] = {
            "ReplicationGroupId": name,
            "ReplicationGroupDescription": "test",
            "Engine": "valkey",
            "EngineVersion": "9.1",
            "CacheNodeType": "cache.t4g.small",
            "NumCacheClusters": 2,
            "AutomaticFailoverEnabled": True,
            "TransitEncryptionEnabled": True,
            "CacheSubnetGroupName": "subnets",
        }
        self._call_given("CreateReplicationGroup", asked | changes)

    def available(self, name: str = "store") -> None:
        """Wait until a group is available."""
        self.until(f"{name}", lambda: self.control.groups[name].status == "available")
