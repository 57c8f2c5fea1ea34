// Command coredns is CoreDNS with the plugins that the test cluster's Corefile names and no others.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/template"
)

// The order is that of the chain a query passes, whatever the Corefile's: template answers
// everything, so it has to be the last.
var chain = []string{
	"reload", "health", "ready", "errors", "log", "cache", "kubernetes", "template",
}

func main() {
	dnsserver.Directives = chain
	coremain.Run()
}
