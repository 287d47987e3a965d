package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/VictoriaMetrics/metrics"
	"golang.org/x/sync/errgroup"

	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/aggregator/internal/hub"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/page"
	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/collector/program"
)

// hubCommand answers for many sites.
func hubCommand(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("aggregator hub", flag.ContinueOnError)
	path := flags.String("config", "", "configuration `file`")
	check := flags.Bool("check", false, "say what is wrong with the configuration, and exit")
	initialise := flags.Bool("init", false, "print a commented configuration file, and exit")
	level := program.LogLevel(flags)
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	switch {
	case *initialise:
		_, err := stdout.Write(hubExample)
		return err
	case *path == "":
		return fmt.Errorf("%w: -config is missing; aggregator hub -init prints a file to start from", program.ErrUsage)
	}
	log, err := program.Logger(*level, stderr)
	if err != nil {
		return err
	}
	c, err := loadHub(*path)
	if err != nil {
		return fmt.Errorf("%w: %w", program.ErrUsage, err)
	}
	if *check {
		if _, _, err := c.access(); err != nil {
			return fmt.Errorf("%s: %w", *path, err)
		}
		fmt.Fprintf(stdout, "%s is in order: data in %s, answers on %s, %d sites\n", *path, c.Data, c.Listen, len(c.Keys))
		return nil
	}
	h, err := openHub(c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	fmt.Fprintf(stdout, "page      %s/\nkey       %s\n", h.url(), h.witness)
	return h.run(ctx)
}

// hubNode is a hub that is up.
//
//	bus ─▶ hub ─┬─▶ mirror ─▶ today ─┬─▶ http
//	            └─▶ store ───────────┘
type hubNode struct {
	node
	hub     *hub.Hub
	mirror  *ledger.Mirror
	witness *checkpoint.Witness
	series  *hubSeries
	names   []string // of the sites
}

// openHub brings everything up short of hearing; an error leaves nothing open.
func openHub(c *hubConfig, log *slog.Logger) (h *hubNode, err error) {
	h = &hubNode{node: node{c: &c.config, log: log, set: metrics.NewSet()}, names: c.siteNames()}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	for _, dir := range []string{c.Data, filepath.Join(c.Data, "mirror")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return h, fmt.Errorf("make data folder: %w", err)
		}
	}
	if h.dir, err = ledger.OpenDir(c.Data); err != nil {
		return h, err
	}
	h.onClose(h.dir.Close)
	showDisk(c.Data, h.set)
	for _, step := range []func() error{h.connect, h.openSeries, func() error { return h.openMirror(c) }, h.openAnswers} {
		if err := step(); err != nil {
			return h, err
		}
	}
	return h, nil
}

func (h *hubNode) openSeries() (err error) {
	c := h.c.Store
	c.Dir, c.Logger, c.Metrics = filepath.Join(h.c.Data, "tsdb"), h.log, h.set
	if h.store, err = store.Open(c); err != nil {
		return err
	}
	h.onClose(h.store.Close)
	h.recording = newRecording(h.store, nil, h.set, h.log)
	return nil
}

func (h *hubNode) openMirror(c *hubConfig) (err error) {
	disk, err := ledger.OpenFolder(filepath.Join(c.Data, "mirror"))
	if err != nil {
		return err
	}
	if h.mirror, err = ledger.OpenMirror(ledger.Config{Disk: disk, Logger: h.log, Metrics: h.set}); err != nil {
		return fmt.Errorf("open mirror: %w", err)
	}
	if h.witness, err = checkpoint.NewWitness(c.Data, c.Name); err != nil {
		return err
	}
	h.ledger = h.mirror.Ledger
	h.today = newToday(h.ledger, h.recording.emit, h.log)
	h.today.life = newLifetimes(filepath.Join(c.Data, lifetimesFile), h.log)
	h.today.treeless = true
	h.series = newHubSeries(h.recording.emit)
	h.hub, err = hub.New(hub.Config{Conn: h.conn, Mirror: h.mirror, Witness: h.witness, Keys: c.Keys, Dir: filepath.Join(c.Data, "hub"),
		Heard: h.series.heard, Took: h.today.wake, Logger: h.log, Metrics: h.set})
	return err
}

func (h *hubNode) openAnswers() error {
	token, tls, err := h.c.access()
	if err != nil {
		return err
	}
	showCertificate("page", tls, h.set)
	if h.c.Rights != "" {
		if h.rights, err = rights.Open(h.c.Rights, h.set, h.log); err != nil {
			return fmt.Errorf("%w: principals: %w", program.ErrUsage, err)
		}
	}
	if h.http, err = web.New(web.Config{
		Queryable: h.store, Ledger: h.mirror, Fleet: h, Status: h.status, Ready: h.ready, Page: page.Handler(), Token: token, Rights: h.rights, TLS: tls,
		Insecure: h.c.Insecure, Version: version, Metrics: h.set, Logger: h.log, Checkpoint: h.hub.Checkpoint,
	}); err != nil {
		return err
	}
	if h.listener, err = net.Listen("tcp", h.c.Listen); err != nil {
		return fmt.Errorf("listen for HTTP: %w", err)
	}
	h.onClose(func() error { h.listener.Close(); return nil })
	return nil
}

// Sites are all that may speak, and not only those that did.
func (h *hubNode) Sites() []string { return h.names }

// Simulated reports whether a site's readings come from a model.
func (h *hubNode) Simulated(site string) bool {
	return h.mirror.Simulated(site) || h.hub.Simulated(site)
}

// ready says why the hub does not show the present.
func (h *hubNode) ready() (reasons []string) {
	if !h.conn.IsConnected() {
		reasons = append(reasons, "the bus is away")
	}
	return reasons
}

// run hears and answers until ctx ends.
func (h *hubNode) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx) // one that fails takes all with it
	for _, run := range []func(context.Context) error{h.hub.Run, h.recording.Run, h.today.Run} {
		group.Go(func() error { return run(ctx) })
	}
	group.Go(func() error { return h.http.Serve(ctx, h.listener) })
	if h.rights != nil {
		group.Go(func() error { return h.rights.Run(ctx) })
	}
	return group.Wait()
}
