"""The table that the enforcer of the rig would load for objects given to it; needs no root."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.rig.possible import why_not
from toolchain.cluster.binaries import find_binaries
from toolchain.errors import ToolchainError

Object = dict[str, Any]

NODE = "node-0"
SEEN_FROM_A = "in_10_244_0_1"


@pytest.fixture(scope="module")
def program(pytestconfig: pytest.Config) -> Path:
    if reason := why_not():
        pytest.skip(f"not built where no cluster can run: {reason}")
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        try:
            return find_binaries().kube / "network-policy"
        except ToolchainError as error:
            reason = str(error)
    pytest.skip(reason)


def _pod(name: str, address: str, node: str = NODE, namespace: str = "n", **more: object) -> Object:
    ports = [{"name": "store", "containerPort": 6379, "protocol": "TCP"}]
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"nodeName": node, "containers": [{"name": "c", "ports": ports}], **more},
        "status": {"podIP": address, "phase": "Running"},
    }


def _namespace(name: str) -> Object:
    return {"kind": "Namespace", "metadata": {"name": name, "labels": {"name": name}}}


def _policy(kind: str, rules: list[Object], app: str = "a") -> Object:
    spec = {"podSelector": {"matchLabels": {"app": app}}, "policyTypes": [kind]}
    return {
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {**spec, kind.lower(): rules},
    }


def _app(name: str) -> Object:
    return {"podSelector": {"matchLabels": {"app": name}}}


def _table(program: Path, *objects: Object) -> str:
    argv = [str(program), "-render", "-node", NODE]
    text = json.dumps({"items": objects})
    table = subprocess.run(argv, input=text, capture_output=True, text=True, check=True).stdout
    _check_syntax(table)
    return table


def _check_syntax(table: str) -> None:
    """Let nft itself judge, where it may."""
    nft = shutil.which("nft")
    if nft is None:
        return
    argv = [nft, "--check", "--file", "-"]
    result = subprocess.run(argv, input=table, capture_output=True, text=True, check=False)
    assert result.returncode == 0 or "Operation not permitted" in result.stderr, result.stderr


def _chain(table: str, name: str) -> list[str]:
    found = re.search(rf"chain {name} {{\n(.*?)\n  }}", table, re.S)
    assert found is not None, table
    return [line.strip() for line in found.group(1).splitlines() if "comment" not in line]


PODS = (
    _pod("a", "10.244.0.1"),
    _pod("b", "10.244.1.2", node="node-1"),
    _pod("c", "10.244.1.3", node="node-1", namespace="m"),
    _namespace("n"),
    _namespace("m"),
)


def test_a_pod_that_no_policy_chooses_is_open(program: Path) -> None:
    table = _table(program, *PODS)
    assert "drop" not in table
    assert "vmap" not in table


def test_a_policy_without_rules_closes_one_direction_alone(program: Path) -> None:
    table = _table(program, *PODS, _policy("Ingress", []))
    assert _chain(table, SEEN_FROM_A) == ["counter drop"]
    assert "out_10_244_0_1" not in table


def test_only_pods_of_this_node_are_guarded(program: Path) -> None:
    table = _table(program, *PODS, _policy("Ingress", [], app="b"))
    assert "drop" not in table


def test_a_peer_without_a_namespace_is_one_of_the_policys_own(program: Path) -> None:
    rules = [{"from": [_app("b"), _app("c")], "ports": [{"port": 6379}]}]
    table = _table(program, *PODS, _policy("Ingress", rules))
    assert _chain(table, SEEN_FROM_A) == [
        "ip saddr { 10.244.1.2 } tcp dport 6379 return",
        "counter drop",
    ]


def test_a_peer_of_another_namespace_needs_both_labels(program: Path) -> None:
    peer = {"namespaceSelector": {"matchLabels": {"name": "m"}}, **_app("c")}
    table = _table(program, *PODS, _policy("Ingress", [{"from": [peer]}]))
    assert _chain(table, SEEN_FROM_A) == ["ip saddr { 10.244.1.3 } return", "counter drop"]


def test_a_rule_whose_peers_are_nobody_lets_nothing_pass(program: Path) -> None:
    table = _table(program, *PODS, _policy("Ingress", [{"from": [_app("nobody")]}]))
    assert _chain(table, SEEN_FROM_A) == ["counter drop"]


def test_a_rule_without_peers_lets_everybody_pass(program: Path) -> None:
    table = _table(program, *PODS, _policy("Ingress", [{"ports": [{"port": 1, "endPort": 9}]}]))
    assert _chain(table, SEEN_FROM_A) == ["tcp dport 1-9 return", "counter drop"]


def test_a_named_port_is_looked_up_on_the_pod_that_receives(program: Path) -> None:
    outward = [{"to": [_app("b")], "ports": [{"port": "store"}]}]
    table = _table(program, *PODS, _policy("Egress", outward))
    assert _chain(table, "out_10_244_0_1") == [
        "ip daddr 10.244.1.2 tcp dport 6379 return",
        "counter drop",
    ]


def test_a_range_of_addresses_can_have_holes(program: Path) -> None:
    block = {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.2.0.0/16"]}}
    table = _table(program, *PODS, _policy("Ingress", [{"from": [block]}]))
    match = "ip saddr 10.0.0.0/8 ip saddr != { 10.1.0.0/16, 10.2.0.0/16 } return"
    assert _chain(table, SEEN_FROM_A) == [match, "counter drop"]


@pytest.mark.parametrize("gone", [{"phase": "Succeeded", "podIP": "10.244.0.1"}, {}])
def test_a_pod_that_is_over_or_has_no_address_is_nobody(program: Path, gone: Object) -> None:
    pod = {**_pod("a", "10.244.0.1"), "status": gone}
    assert "drop" not in _table(program, pod, _namespace("n"), _policy("Ingress", []))


def test_a_pod_on_the_hosts_network_is_left_alone(program: Path) -> None:
    pod = _pod("a", "10.90.0.10", hostNetwork=True)
    assert "drop" not in _table(program, pod, _namespace("n"), _policy("Ingress", []))


def test_the_order_in_which_objects_come_makes_no_difference(program: Path) -> None:
    objects = (*PODS, _policy("Ingress", [{"from": [{"namespaceSelector": {}}]}]))
    assert _table(program, *objects) == _table(program, *reversed(objects))


def test_an_object_of_another_kind_is_refused_by_name(program: Path) -> None:
    argv = [str(program), "-render", "-node", NODE]
    text = json.dumps({"items": [{"kind": "Secret"}]})
    result = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert 'got "Secret", need Pod, Namespace or NetworkPolicy' in result.stderr
