package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/internal/authority"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/program"
)

// openedBus is the bus of all-in-one as others reach it: with an authority of its own
// beside, of which all that runs in this process has credentials, too.
func openedBus(listen, dir string, secure tlsFiles, host string) (b busConfig, here, simulated string, err error) {
	b = busConfig{Embedded: true, Listen: listen}
	if listen != "" && web.CheckListen(listen, dir != "", secure.Cert != "", false) != nil {
		return b, "", "", fmt.Errorf("%w: -bus %s: whoever reaches it could write any host's figures; beyond loopback give -bus-dir DIR, a folder in which it keeps "+
			"who may speak, -tls-cert FILE and -tls-key FILE. aggregator bus add -dir DIR -site SITE -name HOST then makes the credentials of a collector", program.ErrUsage, listen)
	}
	if dir == "" {
		return b, "", "", nil
	}
	if listen == "" {
		return b, "", "", fmt.Errorf("%w: -bus-dir goes with -bus", program.ErrUsage)
	}
	k, err := authority.Open(dir, true)
	if err != nil {
		return b, "", "", err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	if err := k.AddSites(hereSite, simulatedSite); err != nil {
		return b, "", "", err
	}
	file := func(role, site, name string) (string, error) {
		path := filepath.Join(dir, "creds", role, site, name+".creds")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		done, err := k.Add(authority.Wish{Role: role, Site: site, Names: []string{name}, Valid: aYear, Renew: true})
		if err != nil {
			return "", err
		}
		return done.Files[0], nil
	}
	b.Users = filepath.Join(dir, authority.UsersFile)
	b.TLS = tlsFiles{Cert: secure.Cert, Key: secure.Key}
	if b.Client.Credentials, err = file("aggregator", "", "aggregator"); err != nil {
		return b, "", "", err
	}
	if here, err = file("host", hereSite, host); err != nil {
		return b, "", "", err
	}
	simulated, err = file("simulator", simulatedSite, simulatedSite)
	return b, here, simulated, err
}

// within is how what runs in this process reaches the bus.
func (n *node) within(credentials string) agent.BusConfig {
	return agent.BusConfig{Credentials: credentials, Options: []nats.Option{nats.InProcessServer(n.server)}}
}
