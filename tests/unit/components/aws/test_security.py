from __future__ import annotations

from tests.unit.components.aws.stores import children, nodes

RULE = "SecurityGroupIngressRule"


def test_groups_have_no_rules_of_their_own() -> None:
    made = nodes()
    for name in ("s-security-group", "s-client-group"):
        inputs = made.inputs(name)
        assert not inputs.keys() & {"ingress", "egress"}
        assert inputs["revokeRulesOnDelete"] is True
        assert inputs["vpcId"] == "vpc-00000001"


def test_a_rule_has_one_source_and_one_port() -> None:
    made = nodes(
        client_security_group_ids=["sg-0000000a", "sg-0000000b"], client_cidrs=["10.1.0.0/16"]
    )
    rules = {n: made.inputs(n) for n, token in children(made).items() if token.endswith(RULE)}
    sources = {
        name: (inputs.get("referencedSecurityGroupId"), inputs.get("cidrIpv4"))
        for name, inputs in rules.items()
    }
    assert sources == {
        "s-from-clients-6379": ("s-client-group-id", None),
        "s-from-sg-0000000a-6379": ("sg-0000000a", None),
        "s-from-sg-0000000b-6379": ("sg-0000000b", None),
        "s-from-10.1.0.0-16-6379": (None, "10.1.0.0/16"),
    }
    for inputs in rules.values():
        assert inputs["securityGroupId"] == "s-security-group-id"
        assert (inputs["ipProtocol"], inputs["fromPort"], inputs["toPort"]) == ("tcp", 6379, 6379)
        assert inputs["description"]


def test_the_store_has_no_way_out_and_clients_one_to_the_store() -> None:
    made = nodes()
    (egress,) = (n for n, token in children(made).items() if token.endswith("EgressRule"))
    inputs = made.inputs(egress)
    assert inputs["securityGroupId"] == "s-client-group-id"
    assert inputs["referencedSecurityGroupId"] == "s-security-group-id"
    assert (inputs["fromPort"], inputs["toPort"]) == (6379, 6379)
    assert "cidrIpv4" not in inputs
