"""What AWS answers in the mock engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.unit.components.mocks import Cloud

ACCOUNT = "123456789012"
REGION = "eu-west-1"
DIGITS = "1a2b3c4"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:oncall"
ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
SUBNETS = ("subnet-0000000a", "subnet-0000000b", "subnet-0000000c")


def auto_name(name: str) -> str:
    """What the plugin calls a resource that the program gives no name."""
    return f"{name}-{DIGITS}"


class Aws(Cloud):
    """An account in which everything is made as asked."""

    def __init__(self, zones: tuple[str, ...] = ZONES) -> None:
        self.zones = zones
        self.calls: list[str] = []

    def call(self, token: str, args: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append(token)
        match token:
            case "aws:index/getCallerIdentity:getCallerIdentity":
                return {"accountId": ACCOUNT, "arn": "arn:aws:iam::1:user/x", "userId": "x"}
            case "aws:index/getAvailabilityZones:getAvailabilityZones":
                return {"names": list(self.zones)}
            case "aws:ec2/getSubnet:getSubnet":
                return {"availabilityZone": self.zones[SUBNETS.index(args["id"])]}
            case _:
                raise AssertionError(f"the program called {token}")

    def computed(self, token: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        if not token.startswith("aws:"):
            return {}
        service = token.removeprefix("aws:").partition("/")[0]
        arn = f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"
        named = {"name": inputs.get("name") or auto_name(name)}
        match token.rpartition(":")[2]:
            case "ReplicationGroup":
                found = inputs.get("replicationGroupId") or auto_name(name)
                host = f"{found}.example.cache.amazonaws.com"
                return {
                    "arn": arn,
                    "replicationGroupId": found,
                    "primaryEndpointAddress": f"master.{host}",
                    "readerEndpointAddress": f"replica.{host}",
                    "configurationEndpointAddress": f"clustercfg.{host}",
                }
            case "ServerlessCache":
                host = f"{named['name']}.serverless.example.cache.amazonaws.com"
                return {
                    **named,
                    "arn": arn,
                    "endpoints": [{"address": host, "port": 6379}],
                    "readerEndpoints": [{"address": host, "port": 6380}],
                }
            case "Secret":
                return {"arn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-Ab1"}
            case "Key":
                return {"arn": KEY_ARN, "keyId": KEY_ARN.rpartition("/")[2]}
            case _:
                return {"arn": arn, **named}

    def identifier(self, token: str, name: str, inputs: Mapping[str, Any]) -> str:
        if token.endswith(":ReplicationGroup"):
            return str(inputs.get("replicationGroupId") or auto_name(name))
        return super().identifier(token, name, inputs)
