// Package netpolicy makes one node of the test cluster obey NetworkPolicy: kube-proxy does not, and
// a policy that nothing enforces would look the same in a test as one that works.
//
// It watches pods, namespaces and policies and keeps one table of nftables in the node's network
// namespace. IPv4 only; pods on the host's network are neither isolated nor recognised as peers.
package netpolicy

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// A burst of events, as when a StatefulSet starts, becomes one load of the table.
const settle = 50 * time.Millisecond

const retryAfter = time.Second

// Run is the command: it enforces until it is told to stop, or with -render prints once what it
// would load for the objects on stdin. The result is its exit code.
func Run(arguments []string) int {
	flags := flag.NewFlagSet("network-policy", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server")
	node := flags.String("node", "", "name of the node whose pods are guarded")
	render := flags.Bool("render", false, "print the table for a List of objects on stdin, and end")
	if flags.Parse(arguments) != nil {
		return 2
	}
	if *node == "" {
		fmt.Fprintln(os.Stderr, "-node: got nothing, need the name of this node")
		return 2
	}
	var err error
	if *render {
		err = renderList(os.Stdin, os.Stdout, *node)
	} else {
		err = enforce(*kubeconfig, *node)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "network-policy:", err)
		return 1
	}
	return 0
}

func renderList(from io.Reader, to io.Writer, node string) error {
	world, err := readWorld(from)
	if err != nil {
		return err
	}
	_, err = io.WriteString(to, Table(node, world))
	return err
}

func enforce(kubeconfig, node string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	factory := informers.NewSharedInformerFactory(client, 0)
	core, policies := factory.Core().V1(), factory.Networking().V1().NetworkPolicies()
	changed := make(chan struct{}, 1)
	note := func(any) {
		select {
		case changed <- struct{}{}:
		default: // one is waiting already
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    note,
		UpdateFunc: func(_, after any) { note(after) },
		DeleteFunc: note,
	}
	for _, informer := range []cache.SharedIndexInformer{
		core.Pods().Informer(), core.Namespaces().Informer(), policies.Informer(),
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())

	loaded := ""
	for ctx.Err() == nil {
		var world World
		if world.Pods, err = core.Pods().Lister().List(labels.Everything()); err != nil {
			return err
		}
		if world.Namespaces, err = core.Namespaces().Lister().List(labels.Everything()); err != nil {
			return err
		}
		if world.Policies, err = policies.Lister().List(labels.Everything()); err != nil {
			return err
		}
		if wanted := Table(node, world); wanted != loaded {
			if err := load(ctx, wanted); err != nil {
				log.Print(err)
				pause(ctx, retryAfter)
				continue
			}
			log.Printf("loaded a table of %d bytes for %d policies", len(wanted), len(world.Policies))
			loaded = wanted
		}
		select {
		case <-changed:
			pause(ctx, settle)
		case <-ctx.Done():
		}
	}
	return nil
}

func pause(ctx context.Context, length time.Duration) {
	select {
	case <-time.After(length):
	case <-ctx.Done():
	}
}

// load hands a table to the kernel, which takes it whole or not at all.
func load(ctx context.Context, table string) error {
	nft := exec.CommandContext(ctx, "nft", "-f", "-")
	nft.Stdin = strings.NewReader(table)
	if output, err := nft.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s\n%s", err, output, table)
	}
	return nil
}
