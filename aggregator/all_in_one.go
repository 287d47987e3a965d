package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/program"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// The two sites of all-in-one. They never mix.
const (
	hereSite      = "here"
	simulatedSite = "simulated"
)

// allInOne runs the whole product in one process: the same bytes over the same
// bus as in production.
//
//	this host's collector ───────────────────────────┐
//	simulated site ─┬─ hosts ────────────────────────┼─▶ bus ─▶ aggregator ─▶ page, API
//	                └─ plant ─▶ Modbus ─▶ collectors ─┘             ▲
//	                     └────▶ site.yaml ─────────────────────────┘
func allInOne(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("aggregator all-in-one", flag.ContinueOnError)
	dir := flags.String("data", "data", "`folder` for everything that is kept")
	listen := flags.String("listen", defaultListen, "`address` of the page and the API")
	busListen := flags.String("bus", "", "`address` where other collectors reach the bus; empty: nowhere")
	busDir := flags.String("bus-dir", "", "`folder` of who may speak on the bus, made if it is not there; with -bus beyond loopback")
	hosts := flags.Int("hosts", 16, "hosts of the simulated site; 0: none")
	gpus := flags.Int("gpus", 8, "GPUs a simulated host")
	seed := flags.Uint64("seed", 1, "seed of the simulated site")
	faults := flags.Duration("faults", 2*time.Minute, "mean time between faults of the simulated site; 0: nothing breaks")
	interval := flags.Duration("interval", time.Second, "between ticks")
	truth := flags.String("truth", "", "`file` for the simulated site's true joules, written at the end")
	insecure := flags.Bool("insecure", false, "listen beyond loopback with neither token nor TLS: anybody who reaches the port reads everything")
	tokenFile := flags.String("token-file", "", "`file` with a token that is asked for, and that opens everything")
	principals := flags.String("principals", "", "`file` of who may what; aggregator token makes its lines")
	var secure tlsFiles
	flags.StringVar(&secure.Cert, "tls-cert", "", "`file` with the certificate of the page and the API")
	flags.StringVar(&secure.Key, "tls-key", "", "`file` with its key")
	flags.StringVar(&secure.ClientCA, "client-ca", "", "`file` with the authorities of the certificates that principals may show")
	retention := flags.Duration("retention", 15*24*time.Hour, "of the time series")
	level := program.LogLevel(flags)
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	log, err := program.Logger(*level, stderr)
	if err != nil {
		return err
	}
	quiet, err := quieter(*level, stderr)
	if err != nil {
		return err
	}
	if *interval < 100*time.Millisecond || time.Minute%*interval != 0 {
		return fmt.Errorf("%w: -interval %s: a minute must be a whole number of intervals of 100ms or more", program.ErrUsage, *interval)
	}
	if (secure.Cert == "") != (secure.Key == "") || secure.ClientCA != "" && (secure.Cert == "" || *principals == "") {
		return fmt.Errorf("%w: -tls-cert and -tls-key go together, and -client-ca goes with them and -principals", program.ErrUsage)
	}
	if err := web.CheckListen(*listen, *tokenFile != "" || *principals != "", secure.Cert != "", *insecure); err != nil {
		return fmt.Errorf("%w: %w; -principals and -tls-cert, -tls-key open it safely", program.ErrUsage, err)
	}
	if *faults < 0 {
		return fmt.Errorf("%w: -faults %s is below zero", program.ErrUsage, *faults)
	}
	if *hosts < 0 {
		return fmt.Errorf("%w: -hosts %d is below zero", program.ErrUsage, *hosts)
	}
	hostname, _ := os.Hostname()
	opened, credentials, simulatedCredentials, err := openedBus(*busListen, *busDir, secure, agent.Token(hostname))
	if err != nil {
		return err
	}
	var demo *simulation
	var sites []siteConfig
	if *hosts > 0 {
		demo, err = openSimulation(filepath.Join(*dir, simulatedSite), sim.Config{Site: simulatedSite, Hosts: *hosts, GPUs: *gpus, Seed: *seed, Start: time.Now().Truncate(*interval), Faults: sim.Faults{Off: *faults == 0, Every: *faults}}, max(pollEvery, *interval))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, demo.plant.Close()) }()
		sites = []siteConfig{{Name: hereSite}, demo.site}
	}
	n, err := open(ctx, &config{
		Data: *dir, Listen: *listen, TokenFile: *tokenFile, Rights: *principals, TLS: secure, Insecure: *insecure, Sites: sites, AnySite: true,
		Bus:   opened,
		Store: store.Config{Retention: *retention, OutOfOrder: time.Hour},
	}, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	if demo != nil {
		if err := demo.write(); err != nil {
			return err
		}
	}

	group, running := errgroup.WithContext(context.WithoutCancel(ctx))
	// The senders stop first and wait for their last records to be durable, then
	// the aggregator ends.
	running, stopAggregator := context.WithCancel(running)
	defer stopAggregator()
	group.Go(func() error { return n.run(running) })
	wanted, stopSenders := context.WithCancel(ctx)
	defer stopSenders()
	context.AfterFunc(running, stopSenders)
	senders, sending := errgroup.WithContext(wanted) // one that fails takes all with it
	senders.Go(func() error {
		return agent.Run(sending, &agent.Config{
			Site: hereSite, Agent: agent.Token(hostname), Place: metric.Place{Host: hostname}, Bus: n.within(credentials),
			Interval: *interval, Ledger: 10 * time.Second, Host: agent.HostConfig{Enabled: true},
			GPU: agent.GPUConfig{Driver: "auto", Profiling: "auto"}, Power: agent.PowerConfig{Enabled: true, IPMI: agent.IPMIConfig{Enabled: true}},
			Spool: agent.SpoolConfig{Dir: filepath.Join(*dir, "spool"), TelemetryBytes: 64 << 20, TelemetryAge: 30 * time.Minute, LedgerBytes: 128 << 20},
		}, log)
	})
	shown := hereSite
	if demo != nil {
		shown = simulatedSite
		local := n.within(simulatedCredentials)
		for _, c := range demo.collectors(local, *interval) {
			senders.Go(func() error { return agent.Run(sending, c, quiet.With("agent", c.Agent)) })
		}
		senders.Go(func() error {
			return agent.RunFleet(sending, agent.FleetConfig{
				Bus: local, World: demo.plant, Site: simulatedSite, Interval: *interval, Truth: *truth, Logger: log, Metrics: n.set,
			})
		})
	}
	fmt.Fprintf(stdout, "page      %s/\nPromQL    %s/api/v1/query?query=site_power_watts\nenergy    %s/api/v1/energy?site=%s\nPUE       %s/api/v1/kpi?site=%s&kpi=pue\n",
		n.url(), n.url(), n.url(), shown, n.url(), shown)
	if demo != nil {
		fmt.Fprintf(stdout, "site file %s\n", demo.site.File)
	}
	if *principals == "" && *tokenFile == "" && !*insecure {
		fmt.Fprintln(stdout, "open to   this machine alone; -principals, -tls-cert and -tls-key with -listen let others in safely, -bus-dir with -bus collectors")
	}
	if n.c.Bus.Listen != "" {
		fmt.Fprintf(stdout, "bus       %s\n", n.server.ClientURL())
	}
	if *busDir != "" {
		fmt.Fprintf(stdout, "hosts     aggregator bus add -dir %s -site %s -name HOST\n", *busDir, hereSite)
	}
	fmt.Fprintln(stdout, "Ctrl-C stops it.")
	context.AfterFunc(sending, func() { n.hurry(running) })
	failed := senders.Wait()
	stopAggregator()
	return errors.Join(failed, group.Wait())
}

// hurry has the ledger commit often, for senders that wait to end until their
// last records are durable.
func (n *node) hurry(ctx context.Context) {
	for t := time.NewTicker(300 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
			n.lane.Hurry()
		}
	}
}
