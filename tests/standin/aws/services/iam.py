"""IAM: roles, their policies, and managed policies. IAM has no region."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from typing import Final

from provider.resource import Context
from provider.values import Properties
from tests.standin.aws.base import AwsResource, Change, picked
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.names import NameRule
from tests.standin.aws.services.documents import document_text
from tests.standin.aws.services.ec2 import tag_list, tag_map
from tests.standin.aws.shape import Shape, names
from tests.standin.aws.waiting import found_or_none, gone_is_fine, retried

_GONE: Final = "NoSuchEntity"
_CONFLICT: Final = ("DeleteConflict", "ConcurrentModification")
_WAIT_SECONDS: Final = 120.0
_MOST_VERSIONS: Final = 5


class Role(AwsResource):
    """``aws.iam.Role`` without policies in it: those are resources of their own."""

    service = "iam"
    shape = Shape(
        token="aws:iam/role:Role",
        label="IAM Role",
        inputs=names(
            "assumeRolePolicy description forceDetachPolicies maxSessionDuration name namePrefix "
            "path permissionsBoundary"
        ),
        required=names("assumeRolePolicy"),
        replace_on=names("path"),
        ours=names("forceDetachPolicies namePrefix"),
        computed=names("arn createDate uniqueId"),
        defaults={"forceDetachPolicies": False, "maxSessionDuration": 3600, "path": "/"},
        documents=names("assumeRolePolicy"),
        conflicts=(("name", "namePrefix"),),
        name=NameRule(limit=64, prefix_property="namePrefix"),
        regional=False,
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        fields = {
            "name": "RoleName",
            "path": "Path",
            "assumeRolePolicy": "AssumeRolePolicyDocument",
            "description": "Description",
            "maxSessionDuration": "MaxSessionDuration",
            "permissionsBoundary": "PermissionsBoundary",
        }
        tags = tag_list(inputs.get("tagsAll"))
        return str(api.create_role(**picked(inputs, fields), Tags=tags)["Role"]["RoleName"])

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        answer = found_or_none(lambda: api.get_role(RoleName=id), _GONE)
        if answer is None:
            return None
        role = answer["Role"]
        boundary = role.get("PermissionsBoundary") or {}
        return {
            "arn": role["Arn"],
            "assumeRolePolicy": document_text(role.get("AssumeRolePolicyDocument")),
            "createDate": _time(role["CreateDate"]),
            "description": role.get("Description") or None,
            "maxSessionDuration": role.get("MaxSessionDuration", 3600),
            "name": role["RoleName"],
            "path": role["Path"],
            "permissionsBoundary": boundary.get("PermissionsBoundaryArn"),
            "uniqueId": role["RoleId"],
            "tagsAll": tag_map(role.get("Tags")),
        }

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        new = change.new
        if change.touches("assumeRolePolicy"):
            document = new["assumeRolePolicy"]
            api.update_assume_role_policy(RoleName=id, PolicyDocument=document)
        if change.touches("description", "maxSessionDuration"):
            api.update_role(
                RoleName=id,
                Description=new.get("description") or "",
                MaxSessionDuration=new["maxSessionDuration"],
            )
        if change.touches("permissionsBoundary"):
            boundary = new.get("permissionsBoundary")
            if boundary:
                api.put_role_permissions_boundary(RoleName=id, PermissionsBoundary=boundary)
            else:
                api.delete_role_permissions_boundary(RoleName=id)

    def retag(
        self,
        api: Api,
        id: str,
        known: Properties,
        put: Mapping[str, str],
        drop: Collection[str],
    ) -> None:
        if drop:
            api.untag_role(RoleName=id, TagKeys=list(drop))
        if put:
            api.tag_role(RoleName=id, Tags=tag_list(put))

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        if known.get("forceDetachPolicies"):
            attached = found_or_none(lambda: api.list_attached_role_policies(RoleName=id), _GONE)
            for policy in (attached or {}).get("AttachedPolicies", ()):
                api.detach_role_policy(RoleName=id, PolicyArn=policy["PolicyArn"])
        retried(
            context,
            lambda: gone_is_fine(lambda: api.delete_role(RoleName=id), _GONE),
            _CONFLICT,
            seconds=_WAIT_SECONDS,
        )


class RolePolicy(AwsResource):
    """``aws.iam.RolePolicy``: a policy inside a role. Its id is ``<role>:<name>``."""

    service = "iam"
    shape = Shape(
        token="aws:iam/rolePolicy:RolePolicy",
        label="IAM Role Policy",
        inputs=names("name namePrefix policy role"),
        required=names("policy role"),
        replace_on=names("role"),
        ours=names("namePrefix"),
        documents=names("policy"),
        conflicts=(("name", "namePrefix"),),
        name=NameRule(prefix_property="namePrefix"),
        regional=False,
        tagged=False,
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        self._put(api, inputs)
        return f"{inputs['role']}:{inputs['name']}"

    def _put(self, api: Api, inputs: Properties) -> None:
        fields = {"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"}
        api.put_role_policy(**picked(inputs, fields))

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        role, _, name = id.partition(":")
        call = {"RoleName": role, "PolicyName": name}
        answer = found_or_none(lambda: api.get_role_policy(**call), _GONE)
        if answer is None:
            return None
        return {"role": role, "name": name, "policy": document_text(answer["PolicyDocument"])}

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        self._put(api, change.new)

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        role, _, name = id.partition(":")
        gone_is_fine(lambda: api.delete_role_policy(RoleName=role, PolicyName=name), _GONE)


class Policy(AwsResource):
    """``aws.iam.Policy``: a change makes a new default version; the oldest of five goes."""

    service = "iam"
    shape = Shape(
        token="aws:iam/policy:Policy",
        label="IAM Policy",
        inputs=names("description name namePrefix path policy"),
        required=names("policy"),
        replace_on=names("description path"),
        ours=names("namePrefix"),
        computed=names("arn attachmentCount policyId"),
        volatile=names("attachmentCount"),
        defaults={"path": "/"},
        documents=names("policy"),
        conflicts=(("name", "namePrefix"),),
        name=NameRule(prefix_property="namePrefix"),
        regional=False,
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        fields = {
            "name": "PolicyName",
            "path": "Path",
            "policy": "PolicyDocument",
            "description": "Description",
        }
        tags = tag_list(inputs.get("tagsAll"))
        return str(api.create_policy(**picked(inputs, fields), Tags=tags)["Policy"]["Arn"])

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        answer = found_or_none(lambda: api.get_policy(PolicyArn=id), _GONE)
        if answer is None:
            return None
        policy = answer["Policy"]
        version = policy["DefaultVersionId"]
        content = api.get_policy_version(PolicyArn=id, VersionId=version)["PolicyVersion"]
        return {
            "arn": policy["Arn"],
            "attachmentCount": policy.get("AttachmentCount", 0),
            "description": policy.get("Description") or None,
            "name": policy["PolicyName"],
            "path": policy["Path"],
            "policy": document_text(content["Document"]),
            "policyId": policy["PolicyId"],
            "tagsAll": tag_map(policy.get("Tags")),
        }

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        if change.touches("policy"):
            others = self._older(api, id)
            if len(others) >= _MOST_VERSIONS - 1:
                api.delete_policy_version(PolicyArn=id, VersionId=others[0])
            document = change.new["policy"]
            api.create_policy_version(PolicyArn=id, PolicyDocument=document, SetAsDefault=True)

    def _older(self, api: Api, id: str) -> list[str]:
        versions = api.list_policy_versions(PolicyArn=id)["Versions"]
        older = [item for item in versions if not item["IsDefaultVersion"]]
        return [str(item["VersionId"]) for item in sorted(older, key=_number)]

    def retag(
        self,
        api: Api,
        id: str,
        known: Properties,
        put: Mapping[str, str],
        drop: Collection[str],
    ) -> None:
        if drop:
            api.untag_policy(PolicyArn=id, TagKeys=list(drop))
        if put:
            api.tag_policy(PolicyArn=id, Tags=tag_list(put))

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        if found_or_none(lambda: api.get_policy(PolicyArn=id), _GONE) is None:
            return
        for version in self._older(api, id):
            api.delete_policy_version(PolicyArn=id, VersionId=version)
        retried(
            context,
            lambda: gone_is_fine(lambda: api.delete_policy(PolicyArn=id), _GONE),
            _CONFLICT,
            seconds=_WAIT_SECONDS,
        )


class RolePolicyAttachment(AwsResource):
    """``aws.iam.RolePolicyAttachment``. To import: ``<role>/<policy ARN>``."""

    service = "iam"
    shape = Shape(
        token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        label="IAM Role Policy Attachment",
        inputs=names("policyArn role"),
        required=names("policyArn role"),
        replace_on=names("policyArn role"),
        regional=False,
        tagged=False,
        delete_first=True,
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        api.attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
        return f"{inputs['role']}-{secrets.token_hex(13)}"

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        role, _, arn = id.partition("/")
        role, arn = known.get("role") or role, known.get("policyArn") or arn
        call = {"RoleName": role}
        answer = found_or_none(lambda: api.list_attached_role_policies(**call), _GONE)
        there = {item["PolicyArn"] for item in (answer or {}).get("AttachedPolicies", ())}
        return {"role": role, "policyArn": arn} if arn in there else None

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        call = {"RoleName": known["role"], "PolicyArn": known["policyArn"]}
        gone_is_fine(lambda: api.detach_role_policy(**call), _GONE)


def _number(version: Answer) -> int:
    return int(str(version["VersionId"]).removeprefix("v"))


def _time(value: Answer) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else str(value)
