package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/program"
)

// connect starts or finds the bus.
func (n *node) connect() (err error) {
	client := n.c.Bus.Client
	if n.c.Bus.Embedded {
		if err := n.startBus(); err != nil {
			return err
		}
		// The pipe to it does not leave this process, and asks for no certificate.
		client.CA, client.Cert, client.Key = "", "", ""
		client.Options = append(client.Options, nats.InProcessServer(n.server))
	}
	client.Options = append(client.Options, nats.RetryOnFailedConnect(false))
	if n.conn, err = agent.Connect(client, "aggregator", n.log, func() {}); err != nil {
		return err
	}
	n.onClose(func() error { n.conn.Close(); return nil })
	return nil
}

// openBus starts or finds the bus and makes its streams.
func (n *node) openBus(ctx context.Context) (err error) {
	if err := n.connect(); err != nil {
		return err
	}
	if n.js, err = jetstream.New(n.conn); err != nil {
		return fmt.Errorf("open bus: %w", err)
	}
	wanted, err := n.wanted()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	streams, err := bus.Ensure(ctx, n.js, wanted)
	if err != nil {
		return fmt.Errorf("%w; bus.telemetry_bytes, bus.ledger_bytes and bus.replicas say otherwise", err)
	}
	for _, s := range streams {
		n.log.Info("stream ready", "stream", s.Name, "limit_bytes", s.Bytes, "replicas", s.Replicas, "subjects", strings.Join(s.Subjects, " "))
		if s.Kept != "" {
			n.log.Warn("a stream is never made less than it is", "stream", s.Name, "keeps", s.Kept)
		}
	}
	return nil
}

// startBus starts the bus inside this process.
func (n *node) startBus() error {
	c := bus.ServerConfig{Dir: filepath.Join(n.c.Data, "bus"), Users: n.c.Bus.Users, Store: bus.MaxStore, Logger: n.log}
	if listen := n.c.Bus.Listen; listen != "" {
		host, port, err := net.SplitHostPort(listen)
		if err == nil {
			c.Port, err = strconv.Atoi(port)
		}
		if err != nil {
			return fmt.Errorf("%w: bus.embedded.listen: %w", program.ErrUsage, err)
		}
		if err := n.c.Bus.checkOpen(); err != nil {
			return fmt.Errorf("%w: bus.embedded.listen: %w", program.ErrUsage, err)
		}
		c.Listen = cmp.Or(host, "0.0.0.0")
	}
	var err error
	if c.TLS, err = n.c.Bus.serverTLS(); err != nil {
		return err
	}
	showCertificate("bus_server", c.TLS, n.set)
	showFile("bus_client_authority", n.c.Bus.TLS.ClientCA, true, n.set)
	n.users = bus.WatchUsers(c)
	if n.server, err = bus.Start(c); err != nil {
		return err
	}
	n.onClose(func() error { n.server.Shutdown(); n.server.WaitForShutdown(); return nil })
	return nil
}

// wanted is what the streams are to be: by the settings, else by the inventory,
// else by the disk, if it is this machine's.
func (n *node) wanted() (bus.Wanted, error) {
	hosts := 0
	for _, s := range n.c.Sites {
		if n.c.AnySite { // nobody knows how many speak
			break
		}
		hosts += s.Hosts
	}
	w := bus.Wanted{Sites: n.c.siteNames(), Limits: bus.LimitsFor(hosts), Set: n.c.Bus.Limits, Replicas: n.c.Bus.Replicas}
	if !n.c.Bus.Embedded {
		return w, nil
	}
	var err error
	w.Limits, err = w.Limits.On(n.c.Data)
	return w, err
}
