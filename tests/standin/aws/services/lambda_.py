"""Lambda: functions whose code comes as an archive."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from provider.resource import Context
from provider.values import Properties
from tests.standin.aws.base import AwsResource, Change, picked
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.names import NameRule
from tests.standin.aws.services.archives import zipped
from tests.standin.aws.shape import Shape, names
from tests.standin.aws.waiting import GONE, found_or_none, gone_is_fine, until

_GONE: Final = "ResourceNotFound"
_WAIT_SECONDS: Final = 600.0
_SETTINGS: Final = {
    "description": "Description",
    "handler": "Handler",
    "kmsKeyArn": "KMSKeyArn",
    "layers": "Layers",
    "memorySize": "MemorySize",
    "role": "Role",
    "runtime": "Runtime",
    "timeout": "Timeout",
}
_CODE: Final = names("code codeSha256 sourceCodeHash")
_BLOCKS: Final = names("environment loggingConfig tracingConfig vpcConfig")


class Function(AwsResource):
    """``aws.lambda_.Function``. Its id is its name; waits until it is active, and updated."""

    service = "lambda"
    shape = Shape(
        token="aws:lambda/function:Function",
        label="Lambda Function",
        inputs=names(
            "architectures name packageType publish reservedConcurrentExecutions skipDestroy"
        )
        | set(_SETTINGS)
        | _CODE
        | _BLOCKS,
        required=names("role"),
        replace_on=names("packageType"),
        # moto forgets a function's logging and tracing.
        kept=names("architectures codeSha256 loggingConfig sourceCodeHash tracingConfig"),
        ours=names("code publish skipDestroy"),
        computed=names(
            "arn invokeArn lastModified qualifiedArn qualifiedInvokeArn sourceCodeSize version"
        ),
        volatile=names("lastModified qualifiedArn sourceCodeSize version"),
        defaults={
            "memorySize": 128,
            "packageType": "Zip",
            "publish": False,
            "reservedConcurrentExecutions": -1,
            "skipDestroy": False,
            "timeout": 3,
        },
        name=NameRule(limit=64),
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        packed = zipped(inputs["code"])
        fields = {
            **_SETTINGS,
            "name": "FunctionName",
            "architectures": "Architectures",
            "packageType": "PackageType",
            "publish": "Publish",
        }
        made = api.create_function(
            **picked(inputs, fields),
            **_blocks(inputs, _BLOCKS),
            Code={"ZipFile": packed},
            Tags=dict(inputs.get("tagsAll") or {}),
        )
        return str(made["FunctionName"])

    def settle(self, api: Api, id: str, inputs: Properties, context: Context) -> None:
        self._wait(api, id, context)
        if inputs["reservedConcurrentExecutions"] >= 0:
            self._reserve(api, id, inputs["reservedConcurrentExecutions"])

    def _wait(self, api: Api, id: str, context: Context) -> None:
        until(
            context,
            f"waiting for Lambda Function ({id}) to become ready",
            lambda: self._state(api, id),
            wanted=("ready",),
            pending=("pending",),
            seconds=_WAIT_SECONDS,
        )

    def _state(self, api: Api, id: str) -> str:
        answer = found_or_none(lambda: api.get_function(FunctionName=id), _GONE)
        if answer is None:
            return GONE
        settings = answer["Configuration"]
        if "Failed" in (settings.get("State"), settings.get("LastUpdateStatus")):
            return (
                f"failed: {settings.get('LastUpdateStatusReason') or settings.get('StateReason')}"
            )
        updated = settings.get("LastUpdateStatus", "Successful") == "Successful"
        return "ready" if settings.get("State", "Active") == "Active" and updated else "pending"

    def _reserve(self, api: Api, id: str, count: int) -> None:
        if count < 0:
            api.delete_function_concurrency(FunctionName=id)
        else:
            api.put_function_concurrency(FunctionName=id, ReservedConcurrentExecutions=count)

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        answer = found_or_none(lambda: api.get_function(FunctionName=id), _GONE)
        if answer is None:
            return None
        settings = answer["Configuration"]
        arn = str(settings["FunctionArn"])
        region = api.meta.region_name
        invoke = f"arn:{arn.split(':')[1]}:apigateway:{region}:lambda:path/2015-03-31/functions"
        version = str(settings.get("Version", "$LATEST"))
        reserved = answer.get("Concurrency", {}).get("ReservedConcurrentExecutions", -1)
        return {
            **{name: settings.get(field) or None for name, field in _SETTINGS.items()},
            "arn": arn,
            "name": settings["FunctionName"],
            "architectures": settings.get("Architectures"),
            "codeSha256": settings["CodeSha256"],
            "sourceCodeHash": settings["CodeSha256"],
            "sourceCodeSize": settings["CodeSize"],
            "packageType": settings.get("PackageType", "Zip"),
            "environment": _environment(settings, known),
            "vpcConfig": _vpc(settings, known),
            "invokeArn": f"{invoke}/{arn}/invocations",
            "qualifiedArn": f"{arn}:{version}",
            "qualifiedInvokeArn": f"{invoke}/{arn}:{version}/invocations",
            "lastModified": settings["LastModified"],
            "version": version,
            "reservedConcurrentExecutions": reserved,
            "layers": [item["Arn"] for item in settings.get("Layers", ())] or None,
            "tagsAll": answer.get("Tags", {}),
        }

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        blocks = change.names & _BLOCKS
        settings = change.picked(_SETTINGS) | _blocks(change.new, blocks, emptied=True)
        if settings:
            api.update_function_configuration(FunctionName=id, **settings)
            self._wait(api, id, context)
        if change.touches("code", "sourceCodeHash", "architectures"):
            more = change.picked({"architectures": "Architectures"})
            packed = zipped(change.new["code"])
            api.update_function_code(FunctionName=id, ZipFile=packed, **more)
            self._wait(api, id, context)
        if change.touches("reservedConcurrentExecutions"):
            self._reserve(api, id, change.new["reservedConcurrentExecutions"])

    def retag(
        self,
        api: Api,
        id: str,
        known: Properties,
        put: Mapping[str, str],
        drop: Collection[str],
    ) -> None:
        if drop:
            api.untag_resource(Resource=known["arn"], TagKeys=list(drop))
        if put:
            api.tag_resource(Resource=known["arn"], Tags=dict(put))

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        if known.get("skipDestroy"):
            return
        gone_is_fine(lambda: api.delete_function(FunctionName=id), _GONE)
        until(
            context,
            f"waiting for Lambda Function ({id}) delete",
            lambda: self._state(api, id),
            wanted=(GONE,),
            pending=(),
            seconds=_WAIT_SECONDS,
        )


def _blocks(
    inputs: Properties, wanted: Collection[str], *, emptied: bool = False
) -> dict[str, Any]:
    blocks: dict[str, Any] = {}
    for name in wanted:
        value = inputs.get(name)
        if value is None and not emptied:
            continue
        value = value or {}
        if name == "environment":
            blocks["Environment"] = {"Variables": value.get("variables") or {}}
        elif name == "vpcConfig":
            blocks["VpcConfig"] = {
                "SubnetIds": value.get("subnetIds") or [],
                "SecurityGroupIds": value.get("securityGroupIds") or [],
            }
        elif name == "loggingConfig":
            more = {"LogGroup": value["logGroup"]} if value.get("logGroup") else {}
            blocks["LoggingConfig"] = {"LogFormat": value.get("logFormat", "Text"), **more}
        else:
            blocks["TracingConfig"] = {"Mode": value.get("mode", "PassThrough")}
    return blocks


def _environment(settings: Answer, known: Properties) -> Properties | None:
    variables = settings.get("Environment", {}).get("Variables") or {}
    return {"variables": variables} if variables or known.get("environment") else None


def _vpc(settings: Answer, known: Properties) -> Properties | None:
    there = settings.get("VpcConfig") or {}
    subnets, groups = there.get("SubnetIds") or [], there.get("SecurityGroupIds") or []
    if not subnets and not groups:
        return None
    wanted = known.get("vpcConfig") or {}
    # Sets: AWS tells them in an order of its own.
    found = {
        "subnetIds": _ordered(wanted.get("subnetIds"), subnets),
        "securityGroupIds": _ordered(wanted.get("securityGroupIds"), groups),
    }
    more = {"vpcId": there["VpcId"]} if "vpcId" in wanted and there.get("VpcId") else {}
    return {**wanted, **found, **more}


def _ordered(wanted: object, found: list[str]) -> list[str]:
    same = isinstance(wanted, list) and sorted(wanted) == sorted(found)
    return list(wanted) if same and isinstance(wanted, list) else found
