package netpolicy

import (
	"fmt"
	"strings"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
)

const tableName = "holdfast_network_policy"

// way is one direction of traffic as seen from a pod.
type way struct {
	policy networking.PolicyType
	chain  string // prefix of the names of chains
	own    string // which address of a packet is the pod's
	far    string // and which is the other side's
}

var (
	inward  = way{networking.PolicyTypeIngress, "in", "daddr", "saddr"}
	outward = way{networking.PolicyTypeEgress, "out", "saddr", "daddr"}
)

// Table writes the nftables script of a node. Each isolated pod has a chain for each direction in
// which it is isolated; a packet that no rule there lets return is dropped and counted.
//
// Every packet of a connection's own direction is judged, not only its first: a new policy cuts
// connections that are open. Answers pass, and so do errors about them.
func Table(node string, world World) string {
	var chains strings.Builder
	jumps := map[way][]string{}
	pods := world.reachable()
	for _, pod := range pods {
		if pod.Spec.NodeName != node {
			continue
		}
		for _, direction := range []way{outward, inward} {
			policies := world.policiesOf(pod, direction.policy)
			if len(policies) == 0 {
				continue
			}
			name := direction.chain + "_" + strings.ReplaceAll(pod.Status.PodIP, ".", "_")
			jumps[direction] = append(jumps[direction], pod.Status.PodIP+" : jump "+name)
			fmt.Fprintf(&chains, "  chain %s {\n    comment %q\n", name, pod.Namespace+"/"+pod.Name)
			for _, rule := range rulesFor(pod, direction, policies, world, pods) {
				fmt.Fprintf(&chains, "    %sreturn\n", rule)
			}
			chains.WriteString("    counter drop\n  }\n")
		}
	}
	var table strings.Builder
	// Deleting a table that is not there is an error, so it is declared first.
	fmt.Fprintf(&table, "table ip %s\ndelete table ip %s\ntable ip %s {\n", tableName, tableName, tableName)
	table.WriteString(chains.String())
	// After the Services' rules: what is judged are the addresses of pods. What a pod sends to its
	// own node does not pass "forward".
	base(&table, "forward", dispatch(outward, jumps)+dispatch(inward, jumps))
	base(&table, "input", dispatch(outward, jumps))
	table.WriteString("}\n")
	return table.String()
}

func base(table *strings.Builder, hook, dispatches string) {
	fmt.Fprintf(table, "  chain %s {\n    type filter hook %s priority filter + 10; policy accept;\n", hook, hook)
	table.WriteString("    ct direction reply accept\n    meta l4proto icmp ct state related accept\n")
	table.WriteString(dispatches + "  }\n")
}

func dispatch(direction way, jumps map[way][]string) string {
	if len(jumps[direction]) == 0 {
		return ""
	}
	return fmt.Sprintf("    ip %s vmap { %s }\n", direction.own, strings.Join(jumps[direction], ", "))
}

// rulesFor are the matches that let a packet of a pod pass, one for each pair of peers and port of
// each rule of each policy; the empty match lets everything pass.
func rulesFor(
	pod *core.Pod, direction way, policies []*networking.NetworkPolicy, world World, pods []*core.Pod,
) []string {
	var rules []string
	allow := func(namespace string, peers []networking.NetworkPolicyPeer, ports []networking.NetworkPolicyPort) {
		for _, side := range sides(namespace, direction, peers, world, pods) {
			if len(ports) == 0 {
				rules = append(rules, side.match)
			}
			for _, port := range ports {
				rules = append(rules, portRules(port, side, pod, direction)...)
			}
		}
	}
	for _, policy := range policies {
		if direction == inward {
			for _, rule := range policy.Spec.Ingress {
				allow(policy.Namespace, rule.From, rule.Ports)
			}
		} else {
			for _, rule := range policy.Spec.Egress {
				allow(policy.Namespace, rule.To, rule.Ports)
			}
		}
	}
	return rules
}
