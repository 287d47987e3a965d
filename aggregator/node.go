package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/aggregator/internal/desk"
	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/hub"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/aggregator/internal/names"
	"github.com/gigawatch/gigawatch/aggregator/internal/page"
	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/aggregator/internal/stream"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/program"
)

// node is an aggregator that is up: opened in the order of its fields, closed in
// the other.
//
//	bus ─▶ telemetry ─▶ health, alerts, recording ─▶ live, store ─┐
//	  └──▶ lane ──────▶ ledger ─▶ today ──────────────────────────┴─▶ http
type node struct {
	c   *config
	log *slog.Logger
	set *metrics.Set

	dir       *ledger.Dir
	server    *server.Server // nil: the bus is elsewhere
	users     *bus.Users     // of that server
	conn      *nats.Conn
	js        jetstream.JetStream
	store     *store.Store
	ledger    *ledger.Ledger
	recording *recording
	health    *health.Health
	watched   *watched
	alerts    *rule.Evaluator
	delivery  *rule.Delivery
	ahead     *busClock
	self      *self
	reach     *reach
	telemetry *stream.Telemetry
	lane      *stream.Ledger
	strays    *stream.Strays
	keeping   *stream.Keeping
	held      *stream.Quarantine
	today     *today
	tellers   []*hub.Site // of the hub; none: there is no hub
	files     *siteFiles
	rights    *rights.Keeper // nil: there are no principals
	desk      *desk.Desk
	http      *web.Server
	listener  net.Listener

	expected []health.Host // scratch of hosts
	closers  []func() error
}

// open brings everything up short of reading the lanes; an error leaves nothing
// open.
func open(ctx context.Context, c *config, log *slog.Logger) (n *node, err error) {
	n = &node{c: c, log: log, set: metrics.NewSet()}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	setGarbage(garbage)
	if c.Memory > 0 {
		debug.SetMemoryLimit(c.Memory)
	}
	if err := os.MkdirAll(c.Data, 0o755); err != nil {
		return n, fmt.Errorf("make data folder: %w", err)
	}
	if n.dir, err = ledger.OpenDir(c.Data); err != nil {
		return n, err
	}
	n.onClose(n.dir.Close)
	showDisk(c.Data, n.set)
	for _, step := range []func(context.Context) error{n.resumeAlerts, n.openBus, n.openStore, n.openLedger, n.openTellers, n.openAlerts, n.openHTTP} {
		if err := step(ctx); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (n *node) onClose(f func() error) { n.closers = append(n.closers, f) }

// close undoes open, last first.
func (n *node) close() error {
	var errs []error
	for i := len(n.closers) - 1; i >= 0; i-- {
		errs = append(errs, n.closers[i]())
	}
	n.closers = nil
	return errors.Join(errs...)
}

func (n *node) openStore(ctx context.Context) (err error) {
	c := n.c.Store
	c.Dir, c.Logger, c.Metrics = filepath.Join(n.c.Data, "tsdb"), n.log, n.set
	if n.store, err = store.Open(c); err != nil {
		return err
	}
	n.onClose(n.store.Close)
	expected := map[string]live.Inventory{}
	for _, s := range n.c.Sites {
		expected[s.Name] = s.Inventory
	}
	n.recording = newRecording(n.store, expected, n.set, n.log)
	table, err := health.LoadTable(n.c.XIDs)
	if err != nil {
		return fmt.Errorf("%w: %w", program.ErrUsage, err)
	}
	n.held = stream.NewQuarantine(stream.QuarantineConfig{Known: n.knowsWhoSpeaks(), File: filepath.Join(n.c.Data, quarantineFile), Logger: n.log, Metrics: n.set})
	if n.health, err = health.New(health.Config{Table: table, File: filepath.Join(n.c.Data, "health.json"), Held: quarantine{n.held}.shown, Logger: n.log, Metrics: n.set}); err != nil {
		return err
	}
	recall(n.recording.live, n.health.Known(), n.c.siteNames())
	if err := recallPower(ctx, n.recording.live, n.store, time.Now()); err != nil {
		n.log.Warn("charts begin anew", "error", err) // it is a chart: no start fails for it
	}
	n.watched = &watched{Sink: n.recording, health: n.health}
	n.reach = &reach{Sink: n.watched, file: filepath.Join(n.c.Data, reachFile), log: n.log}
	n.telemetry = stream.NewTelemetry(stream.TelemetryConfig{
		JetStream: n.js, Stream: bus.Telemetry, Sites: n.c.siteNames(), Since: n.since(time.Now()), Sink: n.reach, Held: n.held, Logger: n.log, Metrics: n.set,
	})
	return nil
}

func (n *node) openLedger(context.Context) (err error) {
	c := ledger.Config{Dir: n.dir, Logger: n.log, Metrics: n.set, Names: names.NewKeeper(n.c.Data, time.Now), Hide: n.c.HideNames}
	if n.c.seams.disk != nil {
		if c.Disk, err = n.c.seams.disk(n.dir.Path); err != nil {
			return err
		}
	}
	acknowledge := n.conn.Publish
	if n.c.seams.acknowledge != nil {
		acknowledge = n.c.seams.acknowledge(acknowledge)
	}
	if n.ledger, err = ledger.Open(c); err != nil {
		return err
	}
	n.onClose(n.ledger.Close)
	n.today = newToday(n.ledger, n.recording.emit, n.log)
	n.today.life = newLifetimes(filepath.Join(n.c.Data, lifetimesFile), n.log)
	n.files, err = newSiteFiles(n.c.Sites, siteFiles{set: n.ledger.SetTerms, plan: n.recording.live.SetPlan, wake: n.today.wake, emit: n.recording.emit, made: n.simulated, left: n.ledger.Unstated, log: n.log}, n.set)
	if err != nil {
		return fmt.Errorf("%w: %w", program.ErrUsage, err)
	}
	n.today.limits = n.files.yearBounds
	n.lane = stream.NewLedger(stream.LedgerConfig{
		JetStream: n.js, Publish: acknowledge, Stream: bus.Ledger, Sites: n.c.siteNames(), Held: n.held, Every: n.c.seams.commits, Book: newBook(n.ledger, n.today, newCheckpoints(n.c.Data, n.ledger, n.set, n.log), n.set), Logger: n.log, Metrics: n.set,
	})
	n.keeping = stream.NewKeeping(stream.KeepingConfig{Conn: n.conn, JetStream: n.js, Streams: []string{bus.Ledger, bus.Telemetry}, Logger: n.log, Metrics: n.set})
	n.strays = stream.NewStrays(stream.StraysConfig{Conn: n.conn, Sites: n.c.siteNames(), Logger: n.log, Metrics: n.set})
	return nil
}

func (n *node) openHTTP(context.Context) error {
	token, tls, err := n.c.access()
	if err != nil {
		return err
	}
	showCertificate("page", tls, n.set)
	if n.c.Rights != "" {
		if n.rights, err = rights.Open(n.c.Rights, n.set, n.log); err != nil {
			return fmt.Errorf("%w: principals: %w", program.ErrUsage, err)
		}
	}
	n.desk = desk.New(desk.Config{
		Data: n.c.Data, Sites: n.files.described, Known: n.ledger.Sites, Program: version, Logger: n.log,
		Open: func(*desk.Described) (desk.Books, func() error, error) {
			return n.ledger, func() error { return nil }, nil // the terms of the files are in force there
		},
	})
	n.onClose(n.desk.Close)
	heard := &receipts{n.alerts, n.alerts.Heard, n.conn, n.log}
	if err := heard.listen(); err != nil {
		return err
	}
	c := web.Config{
		Queryable: &store.Replaying{Store: n.store, Replay: n.replay}, Ledger: n.ledger, Fleet: n.ledger,
		Status: (&statusPage{n.recording.live, n.today, n.files, n.telemetry, n.lane, n.alerts}).status,
		Health: n.health, Quarantine: quarantine{n.held}, Alerts: heard, Live: n.recording.live, Where: n.files.where, Imports: &importer{ledger: n.ledger, site: n.files.describes, log: n.log}, Reports: n.desk, Ready: n.ready, Page: page.Handler(), Token: token, Rights: n.rights, TLS: tls, Insecure: n.c.Insecure, Version: version,
		Metrics: n.set, Logger: n.log, Checkpoint: signedPoint(n.c.Data),
	}
	if c.Changes, err = openChanges(n.c.Data, n.log); err != nil {
		return err
	}
	n.onClose(c.Changes.Close)
	if n.http, err = web.New(c); err != nil {
		return err
	}
	if n.listener, err = net.Listen("tcp", n.c.Listen); err != nil {
		return fmt.Errorf("listen for HTTP: %w", err)
	}
	n.onClose(func() error { n.listener.Close(); return nil })
	return nil
}

// simulated reports whether a site is, once that is known.
func (n *node) simulated(site string) (simulated, known bool) {
	return n.ledger.Simulated(site), slices.Contains(n.ledger.Sites(), site)
}

// ready says why the aggregator does not show the present.
func (n *node) ready() (reasons []string) {
	if !n.conn.IsConnected() {
		reasons = append(reasons, "the bus is away")
	}
	for _, name := range n.keeping.Stuck() {
		reasons = append(reasons, fmt.Sprintf("the bus's stream %s keeps nothing of what is sent", name))
	}
	if lag := n.telemetry.Lag(); lag > 30*time.Second {
		reasons = append(reasons, fmt.Sprintf("telemetry is %s behind", lag.Round(time.Second)))
	}
	if lag, ok := n.lane.Lag(); ok && lag > 2*time.Minute {
		reasons = append(reasons, fmt.Sprintf("the ledger lane is %s behind", lag.Round(time.Second)))
	}
	if since := n.recording.failing(); since > 0 {
		reasons = append(reasons, fmt.Sprintf("the store refuses samples, last %s ago", since.Round(time.Second)))
	}
	return reasons
}

// replay reads back what a host's agents said at full rate.
func (n *node) replay(ctx context.Context, site, host string, since time.Time, yield func(string, *metric.Layout, int64, []metric.Raw) error) error {
	for _, key := range n.recording.live.Agents(site, host) {
		s, name, _ := strings.Cut(key, "/")
		if err := n.telemetry.Replay(ctx, s, name, since, func(l *metric.Layout, millis int64, values []metric.Raw) error {
			return yield(s, l, millis, values)
		}); err != nil {
			return err
		}
	}
	return nil
}

// run reads the lanes and answers until ctx ends. The lanes stop first, then
// what they feed and the answers.
func (n *node) run(ctx context.Context) error {
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	fed, stopFed := context.WithCancel(context.WithoutCancel(ctx))
	defer stopFed()
	var lanes, rest errgroup.Group
	both := func(g *errgroup.Group, ctx context.Context, run func(context.Context) error) {
		g.Go(func() error {
			defer stopReading() // one that ends takes all with it
			return run(ctx)
		})
	}
	both(&lanes, reading, n.telemetry.Run)
	both(&lanes, reading, n.lane.Run)
	both(&lanes, reading, n.strays.Run)
	both(&lanes, reading, n.keeping.Run)
	both(&rest, fed, n.recording.Run)
	both(&rest, fed, n.held.Run)
	both(&rest, fed, n.health.Run)
	both(&rest, fed, (&xidCounts{counted: n.health.XIDs, emit: n.recording.emit}).Run)
	both(&rest, fed, n.alerts.Run)
	both(&rest, fed, n.delivery.Run)
	both(&rest, fed, n.ahead.Run)
	both(&rest, fed, n.self.Run)
	both(&rest, fed, n.reach.Run)
	both(&rest, fed, n.today.Run)
	rest.Go(func() error { return n.ledger.Warm(fed) }) // it has an end
	rest.Go(func() error { tidy(fed, n.lane.Taken, setGarbage); return nil })
	both(&rest, fed, n.files.Run)
	rest.Go(func() error {
		n.desk.Keep(fed, time.Minute, func() bool { return len(n.ready()) == 0 })
		return nil
	})
	if n.server != nil {
		both(&rest, fed, func(ctx context.Context) error { return n.users.Run(ctx, n.server) })
	}
	for _, s := range n.tellers {
		both(&rest, fed, s.Run)
	}
	if n.rights != nil {
		both(&rest, fed, n.rights.Run)
	}
	both(&rest, fed, func(ctx context.Context) error { return n.http.Serve(ctx, n.listener) })
	err := lanes.Wait()
	stopFed()
	return errors.Join(err, rest.Wait())
}
