// Command kube is a whole Kubernetes in one program: the name it is called by, or its first
// argument, chooses the part. One program shares the code of all parts on disk and in memory.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	"holdfast.invalid/toolchain/cluster/kube/netpolicy"
)

var parts = map[string]func(arguments []string) int{
	"etcd": func(arguments []string) int {
		etcdmain.Main(arguments)
		return 0
	},
	"kube-apiserver":          command(apiserver.NewAPIServerCommand),
	"kube-controller-manager": command(controllers.NewControllerManagerCommand),
	"kube-scheduler":          command(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
	"kubelet":                 command(func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) }),
	"kube-proxy":              command(proxy.NewProxyCommand),
	"kubectl":                 command(cmd.NewDefaultKubectlCommand),
	"network-policy":          func(arguments []string) int { return netpolicy.Run(arguments[1:]) },
}

// command turns the constructor of a part into something that runs it.
func command(make func() *cobra.Command) func([]string) int {
	return func([]string) int { return cli.Run(make()) }
}

func main() {
	name := filepath.Base(os.Args[0])
	part, known := parts[name]
	if !known && len(os.Args) > 1 {
		// The parts read os.Args for themselves, and kubectl prints its first word in its help.
		name, os.Args = os.Args[1], os.Args[1:]
		part, known = parts[name]
	}
	if !known {
		names := slices.Sorted(maps.Keys(parts))
		fmt.Fprintf(os.Stderr, "usage: kube PART [ARGUMENT]...\nparts: %s\n", strings.Join(names, ", "))
		os.Exit(2)
	}
	os.Exit(part(os.Args))
}
