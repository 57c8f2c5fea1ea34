package netpolicy

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// World is everything that decides who may talk to whom.
type World struct {
	Pods       []*core.Pod
	Namespaces []*core.Namespace
	Policies   []*networking.NetworkPolicy
}

// readWorld takes a List as kubectl writes it in JSON; kinds that do not matter here are refused.
func readWorld(from io.Reader) (World, error) {
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	var world World
	if err := json.NewDecoder(from).Decode(&list); err != nil {
		return world, fmt.Errorf("stdin is not a List in JSON: %w", err)
	}
	for _, item := range list.Items {
		var kind meta.TypeMeta
		if err := json.Unmarshal(item, &kind); err != nil {
			return world, err
		}
		var err error
		switch kind.Kind {
		case "Pod":
			world.Pods, err = appendDecoded(world.Pods, item)
		case "Namespace":
			world.Namespaces, err = appendDecoded(world.Namespaces, item)
		case "NetworkPolicy":
			world.Policies, err = appendDecoded(world.Policies, item)
		default:
			err = fmt.Errorf("kind: got %q, need Pod, Namespace or NetworkPolicy", kind.Kind)
		}
		if err != nil {
			return world, err
		}
	}
	return world, nil
}

func appendDecoded[T any](objects []*T, text []byte) ([]*T, error) {
	decoded := new(T)
	err := json.Unmarshal(text, decoded)
	return append(objects, decoded), err
}

// reachable are the pods with an address of their own, in the order of their addresses, so that the
// same world always makes the same table.
func (world World) reachable() []*core.Pod {
	pods := slices.DeleteFunc(slices.Clone(world.Pods), func(pod *core.Pod) bool {
		over := pod.Status.Phase == core.PodSucceeded || pod.Status.Phase == core.PodFailed
		return pod.Status.PodIP == "" || pod.Spec.HostNetwork || over
	})
	slices.SortFunc(pods, func(a, b *core.Pod) int {
		return compare(a.Status.PodIP+"/"+a.Name, b.Status.PodIP+"/"+b.Name)
	})
	return pods
}

// policiesOf are the policies that isolate a pod in a direction, in the order of their names.
func (world World) policiesOf(pod *core.Pod, direction networking.PolicyType) []*networking.NetworkPolicy {
	var found []*networking.NetworkPolicy
	for _, policy := range world.Policies {
		if policy.Namespace == pod.Namespace &&
			slices.Contains(policy.Spec.PolicyTypes, direction) &&
			matches(&policy.Spec.PodSelector, pod.Labels) {
			found = append(found, policy)
		}
	}
	slices.SortFunc(found, func(a, b *networking.NetworkPolicy) int { return compare(a.Name, b.Name) })
	return found
}

func (world World) namespaceLabels(name string) map[string]string {
	for _, namespace := range world.Namespaces {
		if namespace.Name == name {
			return namespace.Labels
		}
	}
	return nil
}

// matches says whether a selector takes these labels; one that is not valid takes none.
func matches(selector *meta.LabelSelector, of map[string]string) bool {
	parsed, err := meta.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(labels.Set(of))
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
