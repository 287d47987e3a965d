package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A prepared folder is what an aggregator of the factory would have left behind.
type prepared struct {
	Hosts        int
	Start, End   time.Time // of the history
	Base         time.Time // when the hour begins that is there again and again
	Recent       time.Duration
	Sparse       time.Duration // between samples of a device before Recent
	Full         int           // hosts that are at full cadence nevertheless
	Series       uint64        // of the newest hour
	Samples      uint64        // of all blocks
	Blocks       int
	Took         time.Duration
	BytesOfStore int64

	dir string
}

const (
	preparedFile = "prepared.json"
	// bookEvery is between records of the ledger: the longest that one is asked to
	// take for continuous here.
	bookEvery = 5 * time.Minute
	// fullHosts are those of the rack that dashboards choose.
	fullHosts = 8
	// leastFree is what the disk keeps in any case.
	leastFree = 8 << 30
)

func (p *prepared) data() string     { return filepath.Join(p.dir, "data") }
func (p *prepared) siteFile() string { return filepath.Join(p.dir, "site", "site.yaml") }

// preparedIn is what was prepared in dir, if it was for so many hosts.
func preparedIn(dir string, hosts int) *prepared {
	b, err := os.ReadFile(filepath.Join(dir, preparedFile))
	if err != nil {
		return nil
	}
	p := &prepared{}
	if json.Unmarshal(b, p) != nil || p.Hosts != hosts {
		return nil
	}
	p.dir = dir
	return p
}

// A historian writes the past of a factory into a folder, in its own time.
//
//	world ─┬─ records, each 5 min, of all the time ───────────▶ ledger ─▶ figures, 10 s ─┐
//	       ├─ every device, each 4 min, in the end each 10 s ─▶ writer ──────────────────┼─▶ store: an hour, and what is after it
//	       └─ all, each 4 min ─▶ live, health ─▶ roll-ups, each 1 s ─────────────────────┘      └─ 23 times again, each an hour earlier
type historian struct {
	*prepared
	b      *testing.B
	world  *factory
	store  *store.Store
	writer *store.Writer
	live   *live.Live
	health *health.Health
	xids   *xidCounts
	today  *today
	ledger *ledger.Ledger

	values   []metric.Raw
	sequence []uint64
	message  uint64
	rolled   map[*live.Outlet]*rolled
	order    []*rolled
	rng      *rand.Rand
}

// rolled is a roll-up series with its newest value.
type rolled struct {
	series *store.Series
	value  float64
	every  int64 // seconds between points
	moves  bool
}

// prepare makes the folder anew.
func prepare(b *testing.B, dir string, hosts int, hours, recent, sparse time.Duration) *prepared {
	b.Helper()
	began := time.Now()
	if err := os.RemoveAll(dir); err != nil {
		b.Fatal(err)
	}
	p := &prepared{Hosts: hosts, End: began.UTC().Truncate(time.Minute), Recent: recent, Sparse: sparse, Full: fullHosts, dir: dir}
	p.Base = p.End.Add(-recent).Truncate(time.Hour).Add(-time.Hour)
	p.Start = p.Base.Add(-hours.Truncate(time.Hour)).Add(p.End.Sub(p.Base).Truncate(time.Hour))
	h := &historian{prepared: p, b: b, rolled: map[*live.Outlet]*rolled{}, rng: rand.New(rand.NewPCG(1, 2))}
	if err := h.write(); err != nil {
		b.Fatal(err)
	}
	p.Took, p.BytesOfStore = time.Since(began).Round(time.Second), sizeOf(filepath.Join(p.data(), "tsdb"))
	text, err := json.MarshalIndent(p, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, preparedFile), text, 0o644)
	}
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func (h *historian) write() error {
	set, log := metrics.NewSet(), slog.New(slog.DiscardHandler)
	demo, err := openSimulation(filepath.Dir(h.siteFile()), factoryConfig(h.Hosts, h.Start), pollEvery)
	if err != nil {
		return err
	}
	if err := demo.plant.Close(); err != nil { // its description is all that is wanted
		return err
	}
	if err := demo.write(); err != nil {
		return err
	}
	if h.world, err = newFactory(h.Hosts, h.Start); err != nil {
		return err
	}
	h.sequence = make([]uint64, h.world.Agents())
	folder := filepath.Join(h.data(), "tsdb")
	if h.store, err = store.Open(store.Config{Dir: folder, OutOfOrder: time.Hour, Creations: 1 << 30, Logger: log, Metrics: set}); err != nil {
		return err
	}
	h.store.DB().DisableCompactions() // a block is cut when the factory's time says so
	h.writer = h.store.Writer()
	dir, err := ledger.OpenDir(h.data())
	if err != nil {
		return err
	}
	defer dir.Close()
	if h.ledger, err = ledger.Open(ledger.Config{Dir: dir, Account: account.Config{Interval: bookEvery.Milliseconds()}, Logger: log, Metrics: set}); err != nil {
		return err
	}
	if _, err := h.ledger.SetTerms(factorySite, demo.site.described.terms); err != nil {
		return err
	}
	h.live = live.New(live.Config{Emit: h.take(1), Metrics: set, Expected: map[string]live.Inventory{factorySite: demo.site.Inventory}})
	if h.health, err = health.New(health.Config{Metrics: set}); err != nil {
		return err
	}
	h.xids = &xidCounts{counted: h.health.XIDs, emit: h.take(int64(countXIDsEvery / time.Second))}
	h.today = newToday(h.ledger, h.take(10), log)
	if err := h.world.advance(h.prepared, h.pass); err != nil {
		return err
	}
	if err := h.writer.Commit(); err != nil {
		return err
	}
	h.Series = h.store.DB().Head().NumSeries()
	base := h.store.DB().Blocks()[0].Meta()
	if err := errors.Join(h.ledger.Close(), h.store.Close()); err != nil {
		return err
	}
	h.Blocks, h.Samples = 1, base.Stats.NumSamples
	for back := time.Hour; !h.Base.Add(-back).Before(h.Start); back += time.Hour {
		if free(h.dir) < leastFree {
			fmt.Fprintf(os.Stderr, "the disk is nearly full: of %s there are the last %d hours only\n", factorySite, h.Blocks)
			break
		}
		if err := copyBlock(folder, base.ULID, back); err != nil {
			return err
		}
		h.Blocks++
		h.Samples += base.Stats.NumSamples
	}
	return nil
}

// say shows that it goes on, and stops before the disk is full.
func (h *historian) say(what string) {
	if free(h.dir) < leastFree {
		h.b.Fatalf("the disk has less than %d GiB left: choose a -dashboards.dir elsewhere, or fewer -dashboards.hosts", leastFree>>30)
	}
	fmt.Fprintf(os.Stderr, "%s %s: %d series in the head, %.1f GB\n", time.Now().Format(time.TimeOnly), what, h.store.DB().Head().NumSeries(), float64(sizeOf(h.data()))/1e9)
}

// free is what a folder's disk has left.
func free(dir string) uint64 {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return math.MaxUint64 // nobody knows; writing will tell
	}
	return disk.Bavail * uint64(disk.Bsize)
}

// pass writes what is due at a step of the world.
func (h *historian) pass(now time.Time) error {
	if now.Unix()%int64(bookEvery/time.Second) == 0 {
		h.book(now)
	}
	if now.Unix()%3600 == 0 || now.Unix()%600 == 0 && now.After(h.Base) {
		if _, err := h.ledger.Commit(now); err != nil {
			return err
		}
		h.today.refresh(now)
		h.say(now.Format(time.TimeOnly))
	}
	if now.Before(h.Base) {
		return nil
	}
	step := int64(factoryStep / time.Second)
	turn, turns := now.Unix()/step, int64(h.Sparse/factoryStep)
	for i := range h.world.agents {
		full := i < h.Full || i >= h.Hosts || now.After(h.End.Add(-h.Recent))
		if full || (turn+int64(i))%turns == 0 {
			if err := h.tick(i, now); err != nil {
				return err
			}
		}
	}
	if turn%turns == 0 {
		for s := range 3 { // so that one of them closes
			h.present(now.Add(time.Duration(s) * time.Second))
		}
	}
	for s := range step {
		h.fill(now.Unix() + s)
	}
	if now.Unix()%60 == 0 {
		h.store.DB().ForceHeadMMap()
	}
	if end := h.Base.Add(time.Hour); now.Equal(end.Add(time.Minute)) {
		h.say("a block is cut")
		if err := h.store.DB().CompactHead(tsdb.NewRangeHead(h.store.DB().Head(), h.Base.UnixMilli(), end.UnixMilli()-1)); err != nil {
			return fmt.Errorf("cut a block: %w", err)
		}
	}
	return nil
}

// tick stores a tick of agent i.
func (h *historian) tick(i int, now time.Time) error {
	var ok bool
	if h.values, ok = h.world.telemetry(i, now, h.values[:0]); !ok {
		return nil
	}
	return h.writer.Append(h.world.agents[i].key, h.world.layout(i), factorySite, now.UnixMilli(), h.values)
}

// present is a second of all agents, of which live makes roll-ups.
func (h *historian) present(now time.Time) {
	for i := range h.world.agents {
		var ok bool
		if h.values, ok = h.world.telemetry(i, now, h.values[:0]); ok {
			t := health.Tick{Key: h.world.agents[i].key, Site: factorySite, Layout: h.world.layout(i), Millis: now.UnixMilli(), Values: h.values, Received: now.Add(20 * time.Millisecond)}
			h.live.Observe(t.Key, t.Site, t.Layout, t.Millis, t.Values, t.Received)
			h.health.Observe(t)
		}
	}
	h.xids.show(now)
}

// take keeps the newest value of each roll-up.
func (h *historian) take(every int64) func([]live.Point) {
	return func(points []live.Point) {
		for _, p := range points {
			r := h.rolled[p.Outlet]
			if r == nil {
				s, err := h.writer.Series(p.Metric, p.Point, p.Site, p.Place, p.Simulated)
				if err != nil {
					h.b.Fatal(err)
				}
				d := metric.Lookup(p.Metric)
				r = &rolled{series: s, every: every, moves: every == 1 && (d.Unit == metric.Watts || d.Unit == metric.Celsius)}
				h.rolled[p.Outlet], h.order = r, append(h.order, r)
			}
			r.value = p.Value
		}
	}
}

// fill stores what roll-ups may have been in a second between two that are known.
func (h *historian) fill(second int64) {
	for _, r := range h.order {
		if second%r.every != 0 {
			continue
		}
		v := r.value
		if r.moves && !math.IsNaN(v) {
			v = math.Round(v * (1 + 0.004*(h.rng.Float64()-0.5)))
		}
		r.series.Append(second*1000, v)
	}
}

func (h *historian) book(now time.Time) {
	for i := range h.world.agents {
		var ok bool
		if h.values, ok = h.world.Ledger(i, h.values[:0]); !ok {
			continue
		}
		h.sequence[i]++
		h.message++
		a := h.world.Agent(i)
		o := h.ledger.Apply(&metric.Batch{
			Site: factorySite, Agent: a.Name, Lane: metric.Ledger, Incarnation: 1, Sequence: h.sequence[i], Ticks: 1,
			Time: now.UnixMilli(), Boottime: now.Sub(h.Start).Nanoseconds() + 1e12, Layout: a.Ledger, Values: h.values,
		}, now, "prepared", h.message)
		if o.Verdict != account.Accepted {
			h.b.Fatalf("the ledger refuses a record of %s: %v, %s", a.Name, o.Verdict, o.Reason)
		}
	}
}
