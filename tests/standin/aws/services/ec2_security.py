"""Security groups and their rules, a resource each."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from provider.resource import Context
from provider.values import Properties
from tests.standin.aws.base import Change, picked
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.names import NameRule
from tests.standin.aws.services.ec2 import DELETE_SECONDS, Ec2Resource, tag_map
from tests.standin.aws.shape import MANAGED, Shape, names
from tests.standin.aws.waiting import gone_is_fine, retried

_NO_GROUP: Final = "InvalidGroup.NotFound"
_NO_RULE: Final = "InvalidSecurityGroupRuleId.NotFound"
_IN_USE: Final = ("DependencyViolation", "InvalidGroup.InUse")


class SecurityGroup(Ec2Resource):
    """``aws.ec2.SecurityGroup`` without rules in it: those are resources of their own."""

    kind = "security-group"
    shape = Shape(
        token="aws:ec2/securityGroup:SecurityGroup",
        label="EC2 Security Group",
        inputs=names("description name namePrefix revokeRulesOnDelete vpcId"),
        replace_on=names("description vpcId"),
        kept=names("vpcId"),
        ours=names("revokeRulesOnDelete namePrefix"),
        computed=names("arn ownerId"),
        defaults={"description": MANAGED, "revokeRulesOnDelete": False},
        conflicts=(("name", "namePrefix"),),
        name=NameRule(prefix_property="namePrefix"),
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        fields = {"name": "GroupName", "description": "Description", "vpcId": "VpcId"}
        made = api.create_security_group(
            **picked(inputs, fields), **self.tag_specifications(inputs.get("tagsAll"))
        )
        return str(made["GroupId"])

    def settle(self, api: Api, id: str, inputs: Properties, context: Context) -> None:
        # AWS gives every new group a way out to everywhere; the plugin takes it away.
        for rule in self._rules(api, id):
            if rule["IsEgress"]:
                api.revoke_security_group_egress(
                    GroupId=id, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]]
                )

    def _rules(self, api: Api, id: str) -> list[Any]:
        filters = [{"Name": "group-id", "Values": [id]}]
        return list(api.describe_security_group_rules(Filters=filters)["SecurityGroupRules"])

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        group = self.one(api.describe_security_groups, "SecurityGroups", _NO_GROUP, GroupIds=[id])
        if group is None:
            return None
        return {
            "arn": self.arn(api, group["OwnerId"], f"security-group/{id}"),
            "name": group["GroupName"],
            "description": group["Description"],
            "vpcId": group.get("VpcId"),
            "ownerId": group["OwnerId"],
            "tagsAll": tag_map(group.get("Tags")),
        }

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        if known.get("revokeRulesOnDelete"):
            for rule in self._rules(api, id):
                way = "egress" if rule["IsEgress"] else "ingress"
                revoke = getattr(api, f"revoke_security_group_{way}")
                ids = [rule["SecurityGroupRuleId"]]
                gone_is_fine(partial(revoke, GroupId=id, SecurityGroupRuleIds=ids), _NO_RULE)
        retried(
            context,
            lambda: gone_is_fine(lambda: api.delete_security_group(GroupId=id), _NO_GROUP),
            _IN_USE,
            seconds=DELETE_SECONDS,
        )


class _Rule(Ec2Resource):
    """A rule with one source or target. Everything but the group changes in place."""

    kind = "security-group-rule"
    egress = False

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        way = "egress" if self.egress else "ingress"
        made = getattr(api, f"authorize_security_group_{way}")(
            GroupId=inputs["securityGroupId"],
            IpPermissions=[_permission(inputs)],
            **self.tag_specifications(inputs.get("tagsAll")),
        )
        return str(made["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        rule = self.one(
            api.describe_security_group_rules,
            "SecurityGroupRules",
            _NO_RULE,
            SecurityGroupRuleIds=[id],
        )
        if rule is None or bool(rule.get("IsEgress")) != self.egress:
            return None
        group = (rule.get("ReferencedGroupInfo") or {}).get("GroupId")
        found = {
            "arn": rule.get("SecurityGroupRuleArn")
            or self.arn(api, rule.get("GroupOwnerId", ""), f"security-group-rule/{id}"),
            "securityGroupRuleId": id,
            "securityGroupId": rule["GroupId"],
            "ipProtocol": rule["IpProtocol"],
            "fromPort": _port(rule, "FromPort"),
            "toPort": _port(rule, "ToPort"),
            "cidrIpv4": rule.get("CidrIpv4"),
            "cidrIpv6": rule.get("CidrIpv6"),
            "prefixListId": rule.get("PrefixListId"),
            "referencedSecurityGroupId": group,
            "tagsAll": tag_map(rule.get("Tags")),
        }
        if rule.get("Description"):
            # moto 5.2 does not tell the description of a rule that names a group.
            found["description"] = rule["Description"]
        return found

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        if change.names:
            rule = {"SecurityGroupRuleId": id, "SecurityGroupRule": _request(change.new)}
            api.modify_security_group_rules(
                GroupId=change.new["securityGroupId"], SecurityGroupRules=[rule]
            )

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        way = "egress" if self.egress else "ingress"
        revoke = getattr(api, f"revoke_security_group_{way}")
        gone_is_fine(
            lambda: revoke(GroupId=known["securityGroupId"], SecurityGroupRuleIds=[id]),
            _NO_RULE,
            _NO_GROUP,
            "InvalidPermission.NotFound",
        )


def _shape(token: str, label: str) -> Shape:
    sources = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")
    return Shape(
        token=token,
        label=label,
        inputs=names("description fromPort ipProtocol securityGroupId toPort") | set(sources),
        required=names("ipProtocol securityGroupId"),
        replace_on=names("securityGroupId"),
        computed=names("arn securityGroupRuleId"),
        conflicts=(sources,),
    )


class SecurityGroupIngressRule(_Rule):
    """``aws.vpc.SecurityGroupIngressRule``."""

    shape = _shape(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "VPC Security Group Ingress Rule",
    )


class SecurityGroupEgressRule(_Rule):
    """``aws.vpc.SecurityGroupEgressRule``."""

    egress = True
    shape = _shape(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "VPC Security Group Egress Rule",
    )


def _port(rule: Answer, name: str) -> int | None:
    port = rule.get(name)
    return None if port is None or port == -1 else int(port)


def _permission(inputs: Properties) -> dict[str, Any]:
    description = inputs.get("description")
    told = {"Description": description} if description else {}
    sources = {
        "cidrIpv4": ("IpRanges", "CidrIp"),
        "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
        "prefixListId": ("PrefixListIds", "PrefixListId"),
        "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    }
    ports = {"ipProtocol": "IpProtocol", "fromPort": "FromPort", "toPort": "ToPort"}
    return {
        **picked(inputs, ports),
        **{
            group: [{key: inputs[name], **told}]
            for name, (group, key) in sources.items()
            if inputs.get(name)
        },
    }


def _request(inputs: Properties) -> dict[str, Any]:
    fields = {
        "ipProtocol": "IpProtocol",
        "fromPort": "FromPort",
        "toPort": "ToPort",
        "cidrIpv4": "CidrIpv4",
        "cidrIpv6": "CidrIpv6",
        "prefixListId": "PrefixListId",
        "referencedSecurityGroupId": "ReferencedGroupId",
        "description": "Description",
    }
    return picked(inputs, fields)
