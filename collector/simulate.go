package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/program"
	"github.com/gigawatch/gigawatch/collector/sim"
	"github.com/gigawatch/gigawatch/collector/sim/field"
)

// simulate sends a simulated site to a bus, as load or as a demonstration.
func simulate(ctx context.Context, args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("collector simulate", flag.ContinueOnError)
	url := flags.String("nats", "nats://127.0.0.1:4222", "`address` of the bus")
	bus := agent.BusConfig{}
	flags.StringVar(&bus.Credentials, "credentials", "", "`file` of a simulator's credentials, as aggregator bus add -role simulator makes it")
	flags.StringVar(&bus.CA, "ca", "", "`file` of the authority that signed the bus's certificate; empty: the system's")
	flags.BoolVar(&bus.Insecure, "insecure", false, "speak in the clear beyond loopback, too")
	site := flags.String("site", "simulated", "`name` of the site")
	hosts := flags.Int("hosts", 16, "hosts of the site")
	gpus := flags.Int("gpus", 8, "GPUs a host")
	seed := flags.Uint64("seed", 1, "seed of the model; the same seed is the same site")
	interval := flags.Duration("interval", time.Second, "between ticks")
	length := flags.Duration("for", 0, "how long; 0: until interrupted")
	truth := flags.String("truth", "", "`file` for the true joules, written at the end")
	connections := flags.Int("connections", 4, "connections that the agents share")
	backlog := flags.Duration("backlog", 0, "for how long the agents have not reached the bus: their ledger records of that time wait, up to 80m")
	after := flags.Duration("backlog-after", 0, "with -backlog: how long telemetry flows alone, before those begin to")
	modbus := flags.String("modbus", "", "`address` where the plant's meters can be read, those of each hall at a port of their own after it; empty: agents of the model send them")
	siteFile := flags.String("site-file", "", "`file` for the description of the site, for those who read its meters; with -modbus")
	level := program.LogLevel(flags)
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	log, err := program.Logger(*level, stderr)
	if err != nil {
		return err
	}
	if *interval < 100*time.Millisecond || time.Minute%*interval != 0 {
		return fmt.Errorf("%w: -interval %s: a minute must be a whole number of intervals of 100ms or more", program.ErrUsage, *interval)
	}
	if *connections < 1 {
		return fmt.Errorf("%w: -connections %d: at least one is needed", program.ErrUsage, *connections)
	}
	if *length < 0 {
		return fmt.Errorf("%w: -for %s is below zero", program.ErrUsage, *length)
	}
	if *backlog < 0 || *backlog > 80*time.Minute {
		return fmt.Errorf("%w: -backlog %s: want up to 80m", program.ErrUsage, *backlog)
	}
	if *after < 0 || *after > 0 && *backlog+*after > 85*time.Minute {
		return fmt.Errorf("%w: -backlog-after %s: want up to 85m with -backlog", program.ErrUsage, *after)
	}
	began := time.Now().Add(-*backlog).Truncate(*interval)
	bus.URLs = []string{*url}
	if err := bus.Check(); err != nil {
		return fmt.Errorf("%w: -nats: %w", program.ErrUsage, err)
	}
	if *siteFile != "" && *modbus == "" {
		return fmt.Errorf("%w: -site-file says where meters are read: give -modbus, too", program.ErrUsage)
	}
	model, err := sim.New(sim.Config{Site: *site, Hosts: *hosts, GPUs: *gpus, Seed: *seed, Start: began, Wired: *modbus != ""})
	if err != nil {
		return fmt.Errorf("%w: %w", program.ErrUsage, err)
	}
	world := agent.World(model)
	if *modbus != "" {
		plant, err := openField(model, *modbus, *siteFile)
		if err != nil {
			return err
		}
		defer plant.Close() // nothing is lost with it
		world = plant
	}
	log.Info("simulated site begins", "site", *site, "hosts", *hosts, "gpus", *hosts**gpus, "seed", *seed)
	c := agent.FleetConfig{
		Bus: bus, Connections: *connections,
		World: world, Site: *site, Interval: *interval, For: *length, Truth: *truth,
		Logger: log, Metrics: metrics.NewSet(),
	}
	if *backlog > 0 {
		c.Since, c.After = began, *after
	}
	return agent.RunFleet(ctx, c)
}

// readEvery is how often the meters of a simulated plant want to be read.
const readEvery = 10 * time.Second

// openField shows the meters of a model at an address, and describes them in a
// file.
func openField(model *sim.World, address, file string) (*field.Plant, error) {
	host, port, err := net.SplitHostPort(address)
	n, bad := strconv.Atoi(port)
	if err != nil || bad != nil || n < 1 || n > 65535 {
		return nil, fmt.Errorf("%w: -modbus %q: want host:port, such as 127.0.0.1:1502", program.ErrUsage, address)
	}
	plant, err := field.Open(model, field.Config{Host: host, Port: n})
	if err != nil || file == "" {
		return plant, err
	}
	b, err := plant.SiteFile(readEvery)
	if err == nil {
		err = os.WriteFile(file, b, 0o644)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write site file: %w", err), plant.Close())
	}
	return plant, nil
}
