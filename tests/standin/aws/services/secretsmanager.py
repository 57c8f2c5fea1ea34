"""Secrets Manager: secrets, their values, and who may read them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from holdfast.errors import ConfigError
from provider.resource import Context
from provider.values import Properties, is_known
from tests.standin.aws.base import AwsResource, Change, picked
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.names import NameRule
from tests.standin.aws.services.ec2 import tag_list, tag_map
from tests.standin.aws.shape import Shape, names
from tests.standin.aws.waiting import GONE, found_or_none, gone_is_fine, retried, until

_GONE: Final = "ResourceNotFound"
_WAIT_SECONDS: Final = 120.0
_CURRENT: Final = "AWSCURRENT"
_WINDOW_DAYS: Final = (0, *range(7, 31))


class Secret(AwsResource):
    """``aws.secretsmanager.Secret`` without a value. Its id is its ARN."""

    service = "secretsmanager"
    shape = Shape(
        token="aws:secretsmanager/secret:Secret",
        label="Secrets Manager Secret",
        inputs=names(
            "description forceOverwriteReplicaSecret kmsKeyId name namePrefix policy "
            "recoveryWindowInDays"
        ),
        kept=names("policy"),
        ours=names("forceOverwriteReplicaSecret recoveryWindowInDays namePrefix"),
        computed=names("arn"),
        defaults={"forceOverwriteReplicaSecret": False, "recoveryWindowInDays": 30},
        documents=names("policy"),
        conflicts=(("name", "namePrefix"),),
        name=NameRule(prefix_property="namePrefix"),
    )

    def rules(self, inputs: Properties) -> Mapping[str, str]:
        days = inputs["recoveryWindowInDays"]
        if not is_known(days) or days in _WINDOW_DAYS:
            return {}
        rule = "0, or 7 to 30 days"
        return {
            "recoveryWindowInDays": str(
                ConfigError("recoveryWindowInDays", days, rule, "correct it")
            )
        }

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        fields = {"name": "Name", "description": "Description", "kmsKeyId": "KmsKeyId"}
        tags = tag_list(inputs.get("tagsAll"))
        arguments = {**picked(inputs, fields), **({"Tags": tags} if tags else {})}
        # A name stays taken until its deletion is over, which may be now.
        made = retried(
            context,
            lambda: api.create_secret(**arguments),
            ("InvalidRequest",),
            seconds=_WAIT_SECONDS,
        )
        return str(made["ARN"])

    def settle(self, api: Api, id: str, inputs: Properties, context: Context) -> None:
        if inputs.get("policy"):
            api.put_resource_policy(SecretId=id, ResourcePolicy=inputs["policy"])

    def _describe(self, api: Api, id: str) -> Answer:
        secret = found_or_none(lambda: api.describe_secret(SecretId=id), _GONE)
        return None if secret is None or secret.get("DeletedDate") else secret

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        secret = self._describe(api, id)
        if secret is None:
            return None
        policy = api.get_resource_policy(SecretId=id).get("ResourcePolicy")
        return {
            "arn": secret["ARN"],
            "name": secret["Name"],
            "description": secret.get("Description") or None,
            "kmsKeyId": secret.get("KmsKeyId") or None,
            "policy": policy or None,
            "tagsAll": tag_map(secret.get("Tags")),
        }

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        new = change.new
        if change.touches("description", "kmsKeyId"):
            api.update_secret(
                SecretId=id,
                Description=new.get("description") or "",
                **picked(new, {"kmsKeyId": "KmsKeyId"}),
            )
        if change.touches("policy"):
            if new.get("policy"):
                api.put_resource_policy(SecretId=id, ResourcePolicy=new["policy"])
            else:
                api.delete_resource_policy(SecretId=id)

    def retag(
        self,
        api: Api,
        id: str,
        known: Properties,
        put: Mapping[str, str],
        drop: Collection[str],
    ) -> None:
        if drop:
            api.untag_resource(SecretId=id, TagKeys=list(drop))
        if put:
            api.tag_resource(SecretId=id, Tags=tag_list(put))

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        days = known.get("recoveryWindowInDays", 30)
        window = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        gone_is_fine(lambda: api.delete_secret(SecretId=id, **window), _GONE)
        until(
            context,
            f"waiting for Secrets Manager Secret ({id}) delete",
            lambda: GONE if self._describe(api, id) is None else "present",
            wanted=(GONE,),
            pending=(),
            seconds=_WAIT_SECONDS,
        )


class SecretVersion(AwsResource):
    """``aws.secretsmanager.SecretVersion``: another value is another version."""

    service = "secretsmanager"
    secret_outputs = names("secretBinary secretString")
    shape = Shape(
        token="aws:secretsmanager/secretVersion:SecretVersion",
        label="Secrets Manager Secret Version",
        inputs=names("secretBinary secretId secretString versionStages"),
        required=names("secretId"),
        replace_on=names("secretBinary secretId secretString"),
        kept=names("versionStages"),
        computed=names("arn secretArn versionId"),
        sets=names("versionStages"),
        conflicts=(("secretBinary", "secretString"),),
        tagged=False,
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        fields = {
            "secretId": "SecretId",
            "secretString": "SecretString",
            "secretBinary": "SecretBinary",
            "versionStages": "VersionStages",
        }
        made = api.put_secret_value(**picked(inputs, fields))
        return f"{inputs['secretId']}|{made['VersionId']}"

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        secret, _, version = id.rpartition("|")
        call = {"SecretId": secret, "VersionId": version}
        # A secret on its way out answers InvalidRequest.
        value = found_or_none(lambda: api.get_secret_value(**call), _GONE, "InvalidRequest")
        if value is None or not value.get("VersionStages", True):
            return None
        return {
            "arn": value["ARN"],
            "secretArn": value["ARN"],
            "secretId": secret,
            "secretString": value.get("SecretString"),
            "secretBinary": value.get("SecretBinary"),
            "versionId": version,
            # An older version's stages move by themselves.
            "versionStages": list(value.get("VersionStages", ())),
        }

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        secret, _, version = id.rpartition("|")
        add, drop = change.moved("versionStages")
        for stage in add:
            self._move(api, secret, stage, MoveToVersionId=version)
        for stage in drop:
            if stage != _CURRENT:
                self._move(api, secret, stage, RemoveFromVersionId=version)

    def _move(self, api: Api, secret: str, stage: str, **where: str) -> None:
        versions = api.describe_secret(SecretId=secret).get("VersionIdsToStages", {})
        holder = next((key for key, stages in versions.items() if stage in stages), None)
        if "MoveToVersionId" in where and holder:
            where["RemoveFromVersionId"] = holder
        api.update_secret_version_stage(SecretId=secret, VersionStage=stage, **where)

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        secret, _, version = id.rpartition("|")
        described = found_or_none(lambda: api.describe_secret(SecretId=secret), _GONE)
        if described is None or described.get("DeletedDate"):
            return
        # A version cannot be deleted: without stages AWS drops it. The official plugin takes away
        # those that its state knows of, and never the current one: the version before a new one,
        # which was current when the state was written, stays AWSPREVIOUS.
        ours = set(known.get("versionStages") or ()) - {_CURRENT}
        for stage in described.get("VersionIdsToStages", {}).get(version, ()):
            if stage in ours:
                self._move(api, secret, stage, RemoveFromVersionId=version)


class SecretPolicy(AwsResource):
    """``aws.secretsmanager.SecretPolicy``. Its id is the secret's ARN."""

    service = "secretsmanager"
    shape = Shape(
        token="aws:secretsmanager/secretPolicy:SecretPolicy",
        label="Secrets Manager Secret Policy",
        inputs=names("blockPublicPolicy policy secretArn"),
        required=names("policy secretArn"),
        replace_on=names("secretArn"),
        ours=names("blockPublicPolicy"),
        documents=names("policy"),
        tagged=False,
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        self._put(api, inputs)
        return str(inputs["secretArn"])

    def _put(self, api: Api, inputs: Properties) -> None:
        fields = {
            "secretArn": "SecretId",
            "policy": "ResourcePolicy",
            "blockPublicPolicy": "BlockPublicPolicy",
        }
        api.put_resource_policy(**picked(inputs, fields))

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        call = {"SecretId": id}
        answer = found_or_none(lambda: api.get_resource_policy(**call), _GONE, "InvalidRequest")
        policy = answer.get("ResourcePolicy") if answer else None
        return {"secretArn": id, "policy": policy} if policy else None

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        self._put(api, change.new)

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        gone_is_fine(lambda: api.delete_resource_policy(SecretId=id), _GONE, "InvalidRequest")
