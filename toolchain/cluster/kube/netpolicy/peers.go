package netpolicy

import (
	"fmt"
	"strings"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// side is who may be at the far end: a match on its address, and the pods among them.
type side struct {
	match string
	pods  []*core.Pod
}

// sides turns the peers of a rule into matches; no peers at all means everybody. Peers that are
// nobody at the moment give none: the rule then lets nothing pass.
func sides(
	namespace string, direction way, peers []networking.NetworkPolicyPeer, world World, pods []*core.Pod,
) []side {
	if len(peers) == 0 {
		return []side{{"", pods}}
	}
	var found []side
	for _, peer := range peers {
		if block := peer.IPBlock; block != nil {
			match := fmt.Sprintf("ip %s %s ", direction.far, block.CIDR)
			if len(block.Except) > 0 {
				match += fmt.Sprintf("ip %s != { %s } ", direction.far, strings.Join(block.Except, ", "))
			}
			found = append(found, side{match, nil})
			continue
		}
		var chosen []*core.Pod
		var addresses []string
		for _, pod := range pods {
			if isPeer(peer, namespace, pod, world) {
				chosen, addresses = append(chosen, pod), append(addresses, pod.Status.PodIP)
			}
		}
		if len(chosen) > 0 {
			match := fmt.Sprintf("ip %s { %s } ", direction.far, strings.Join(addresses, ", "))
			found = append(found, side{match, chosen})
		}
	}
	return found
}

func isPeer(peer networking.NetworkPolicyPeer, namespace string, pod *core.Pod, world World) bool {
	if peer.NamespaceSelector == nil {
		if pod.Namespace != namespace {
			return false
		}
	} else if !matches(peer.NamespaceSelector, world.namespaceLabels(pod.Namespace)) {
		return false
	}
	return peer.PodSelector == nil || matches(peer.PodSelector, pod.Labels)
}

// portRules narrows the match of a side to a port of a rule. A name is looked up on the pods that
// receive, each of which may mean another number by it.
func portRules(port networking.NetworkPolicyPort, far side, pod *core.Pod, direction way) []string {
	protocol := "tcp"
	if port.Protocol != nil {
		protocol = strings.ToLower(string(*port.Protocol))
	}
	if port.Port == nil {
		return []string{far.match + "meta l4proto " + protocol + " "}
	}
	if port.Port.Type == intstr.Int {
		last := ""
		if port.EndPort != nil {
			last = fmt.Sprintf("-%d", *port.EndPort)
		}
		return []string{fmt.Sprintf("%s%s dport %d%s ", far.match, protocol, port.Port.IntVal, last)}
	}
	receivers := []*core.Pod{pod}
	if direction == outward {
		receivers = far.pods
	}
	var rules []string
	for _, receiver := range receivers {
		match := far.match
		if direction == outward {
			match = fmt.Sprintf("ip daddr %s ", receiver.Status.PodIP)
		}
		for _, number := range numbersOf(receiver, port.Port.StrVal, protocol) {
			rules = append(rules, fmt.Sprintf("%s%s dport %d ", match, protocol, number))
		}
	}
	return rules
}

func numbersOf(pod *core.Pod, name, protocol string) []int32 {
	var numbers []int32
	for _, container := range pod.Spec.Containers {
		for _, port := range container.Ports {
			spoken := strings.ToLower(string(port.Protocol))
			if port.Name == name && (spoken == protocol || spoken == "" && protocol == "tcp") {
				numbers = append(numbers, port.ContainerPort)
			}
		}
	}
	return numbers
}
