package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/program"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// simulate sends a simulated site to a bus, as load or as a demonstration.
func simulate(ctx context.Context, args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("collector simulate", flag.ContinueOnError)
	url := flags.String("nats", "nats://127.0.0.1:4222", "`address` of the bus")
	site := flags.String("site", "simulated", "`name` of the site")
	hosts := flags.Int("hosts", 16, "hosts of the site")
	gpus := flags.Int("gpus", 8, "GPUs a host")
	seed := flags.Uint64("seed", 1, "seed of the model; the same seed is the same site")
	interval := flags.Duration("interval", time.Second, "between ticks")
	length := flags.Duration("for", 0, "how long; 0: until interrupted")
	truth := flags.String("truth", "", "`file` for the true joules, written at the end")
	connections := flags.Int("connections", 4, "connections that the agents share")
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
	world, err := sim.New(sim.Config{Site: *site, Hosts: *hosts, GPUs: *gpus, Seed: *seed, Start: time.Now().Truncate(*interval)})
	if err != nil {
		return fmt.Errorf("%w: %w", program.ErrUsage, err)
	}
	log.Info("simulated site begins", "site", *site, "hosts", *hosts, "gpus", *hosts**gpus, "seed", *seed)
	return agent.RunFleet(ctx, agent.FleetConfig{
		Bus: agent.BusConfig{URLs: []string{*url}}, Connections: *connections,
		World: world, Site: *site, Interval: *interval, For: *length, Truth: *truth,
		Logger: log, Metrics: metrics.NewSet(),
	})
}
