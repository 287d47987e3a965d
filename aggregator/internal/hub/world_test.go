package hub

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

var quiet = slog.New(slog.DiscardHandler)

// began is when the simulated sites begin.
var began = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// books are a site's: a simulated one with hosts, GPUs, jobs, tenants and meters.
type books struct {
	t        testing.TB
	site     string
	dir      string
	world    *sim.World
	now      time.Time
	ledger   *ledger.Ledger
	lock     *ledger.Dir
	sequence []uint64
	n        uint64
	held     []*metric.Batch // of an agent that is cut off
	words    map[*metric.Layout]*metric.Layout
	cut      int // which; -1: none
}

func newBooks(t testing.TB, site string, seed uint64) *books {
	t.Helper()
	w, err := sim.New(sim.Config{Site: site, Hosts: 3, GPUs: 2, Seed: seed, Start: began})
	if err != nil {
		t.Fatal(err)
	}
	b := &books{t: t, site: site, dir: t.TempDir(), world: w, now: began, words: map[*metric.Layout]*metric.Layout{}, sequence: make([]uint64, w.Agents()), cut: -1}
	b.open()
	t.Cleanup(b.close)
	return b
}

func (b *books) open() {
	b.t.Helper()
	var err error
	if b.lock, err = ledger.OpenDir(b.dir); err != nil {
		b.t.Fatal(err)
	}
	if b.ledger, err = ledger.Open(ledger.Config{Dir: b.lock, Logger: quiet}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *books) close() {
	if err := b.ledger.Close(); err != nil {
		b.t.Error(err)
	}
	if err := b.lock.Close(); err != nil {
		b.t.Error(err)
	}
}

// run lets time pass, and seals what is due.
func (b *books) run(d time.Duration) {
	b.t.Helper()
	for end := b.now.Add(d); b.now.Before(end); {
		b.now = b.now.Add(10 * time.Second)
		b.world.Step(b.now)
		for i := range b.world.Agents() {
			values, ok := b.world.Ledger(i, nil)
			if !ok {
				continue
			}
			b.sequence[i]++
			x := &metric.Batch{
				Site: b.site, Agent: canary + b.world.Agent(i).Name, Lane: metric.Ledger, Incarnation: 1, Sequence: b.sequence[i],
				Time: b.now.UnixMilli(), Boottime: b.now.Sub(began).Nanoseconds() + 1e12, Ticks: 1, Layout: b.worded(b.world.Agent(i).Ledger), Values: values,
			}
			if i == b.cut {
				b.held = append(b.held, x)
			} else {
				b.apply(x)
			}
		}
		if b.now.Unix()%600 == 0 {
			b.commit()
		}
	}
}

// canary is in each name and label that must not leave a site.
const canary = "CANARY-"

// worded is a layout with canaries: in the names of racks, hosts, boards and jobs, in
// all labels of theirs, and in one that says who a job is of.
func (b *books) worded(l *metric.Layout) *metric.Layout {
	if out := b.words[l]; out != nil {
		return out
	}
	out := *l
	out.Entities = slices.Clone(l.Entities)
	for i := range out.Entities {
		e := &out.Entities[i]
		switch e.Kind {
		case metric.Rack, metric.Host, metric.GPU, metric.Job:
		default:
			continue
		}
		e.Name, e.Labels = canary+e.Name, slices.Clone(e.Labels)
		for j := range e.Labels {
			e.Labels[j].Value = canary + e.Labels[j].Value
		}
		if e.Kind == metric.Job {
			e.Labels = append(e.Labels, metric.Pair{Name: "user", Value: canary + "anna"})
		}
	}
	b.words[l] = &out
	return &out
}

func (b *books) apply(x *metric.Batch) {
	b.t.Helper()
	b.n++
	if o := b.ledger.Apply(x, b.now, "L/1", b.n); o.Verdict != account.Accepted {
		b.t.Fatalf("%s: %v, %s", x.Agent, o.Verdict, o.Reason)
	}
}

func (b *books) commit() {
	b.t.Helper()
	if _, err := b.ledger.Commit(b.now); err != nil {
		b.t.Fatal(err)
	}
}

// heal delivers what an agent that was cut off has kept: hours that are sealed are
// restated.
func (b *books) heal() {
	b.t.Helper()
	b.cut = -1
	for _, x := range b.held {
		b.apply(x)
	}
	b.held = nil
	b.run(40 * time.Minute)
}

// correct imports another reading of a meter for an hour that is sealed.
func (b *books) correct(id string) {
	b.t.Helper()
	meter := b.meter()
	r, err := b.ledger.Correct(b.site, account.Import{ID: id, Reason: canary + "Anna Person read it", Quality: metric.Corrected, Readings: []account.Reading{
		{Meter: meter, Metric: metric.MeterEnergyJoules, From: began.UnixMilli(), To: began.Add(time.Hour).UnixMilli(), Amount: 123_456_789_000},
	}}, b.now, false)
	if err != nil || r.Quarters == 0 {
		b.t.Fatalf("%+v, %v", r, err)
	}
	b.run(40 * time.Minute)
}

// meter is one of the grid.
func (b *books) meter() (name string) {
	for _, x := range b.ledger.Balances(b.site) {
		if x.Device.Kind == metric.Meter && x.Device.Role == metric.RoleGridInput {
			return x.Device.Name
		}
	}
	b.t.Fatal("no meter of the grid")
	return ""
}

// signer is the site's key.
func (b *books) signer() *checkpoint.Signer {
	b.t.Helper()
	s, err := checkpoint.NewFolder(b.dir).Signer(b.site)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// teller is a site that tells over a connection.
func (b *books) teller(conn *nats.Conn, by checkpoint.Verifier) *Site {
	watts := 1234.5
	return NewSite(SiteConfig{
		Site: b.site, Conn: conn, Ledger: b.ledger, Signer: b.signer(), Folder: checkpoint.NewFolder(b.dir), Hub: by, Every: 50 * time.Millisecond,
		Now:    func(time.Time) Now { return Now{Power: [4]Power{{Watts: &watts}}, Halls: []Hall{{Hall: "h1"}}} },
		Terms:  func() (account.Terms, string) { return account.Terms{}, mustVersion(b.t, account.Terms{}) },
		Logger: quiet, Metrics: metrics.NewSet(),
	})
}

func mustVersion(t testing.TB, terms account.Terms) string {
	t.Helper()
	b, err := account.NewBasis(terms)
	if err != nil {
		t.Fatal(err)
	}
	return b.Version()
}

// center is a hub and its folder.
type center struct {
	*Hub
	dir string
	set *metrics.Set
}

func newCenter(t testing.TB, dir string, conn *nats.Conn, sites ...*books) *center {
	t.Helper()
	keys := map[string]checkpoint.Verifier{}
	for _, b := range sites {
		keys[b.site] = b.signer().Verifier
	}
	if err := os.MkdirAll(filepath.Join(dir, "mirror"), 0o755); err != nil {
		t.Fatal(err)
	}
	disk, err := ledger.OpenFolder(filepath.Join(dir, "mirror"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ledger.OpenMirror(ledger.Config{Disk: disk, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	w, err := checkpoint.NewWitness(dir, "hub.example.org")
	if err != nil {
		t.Fatal(err)
	}
	set := metrics.NewSet()
	h, err := New(Config{Conn: conn, Mirror: m, Witness: w, Keys: keys, Dir: filepath.Join(dir, "hub"), Logger: quiet, Metrics: set})
	if err != nil {
		t.Fatal(err)
	}
	return &center{h, dir, set}
}

// came is how many messages of a site came to something.
func (c *center) came(site, outcome string) uint64 {
	return c.set.GetOrCreateCounter(MetricMessages + `{site="` + site + `",outcome="` + outcome + `"}`).Get()
}

// leaves is how far the hub has come with a site.
func (c *center) leaves(t testing.TB, site string) int64 {
	t.Helper()
	h, err := c.c.Mirror.Head(site)
	if err != nil {
		t.Fatal(err)
	}
	return h.Leaves
}

// agrees holds what the hub says of a site's sealed hours against what the site says:
// each figure of each hour, to the millijoule.
func (c *center) agrees(t testing.TB, b *books) (mj uint64) {
	t.Helper()
	want, err := b.ledger.Head(b.site)
	if err != nil {
		t.Fatal(err)
	}
	if have, err := c.c.Mirror.Head(b.site); err != nil || have != want || want.Leaves == 0 {
		t.Fatalf("the hub has %+v of %s, and the site %+v; %v", have, b.site, want, err)
	}
	sealed, ok := b.ledger.Sealed(b.site)
	if !ok {
		t.Fatal("nothing is sealed")
	}
	for boundary := metric.Facility; boundary <= metric.GPUs; boundary++ {
		q := account.Question{Site: b.site, Boundary: boundary, From: began.UnixMilli(), To: sealed, Step: 3_600_000}
		there, err := b.ledger.Energy(q)
		if err != nil {
			t.Fatal(err)
		}
		here, err := c.c.Mirror.Energy(q)
		if err != nil {
			t.Fatal(err)
		}
		// A restatement may be open on the site, which says so.
		if d := cmp.Diff(there, here, cmpopts.IgnoreFields(account.Line{}, "Final")); d != "" {
			t.Fatalf("%s: the site (-) and the hub (+) say:\n%s", b.site, d)
		}
		for i := range here {
			n, err := here[i].Energy.Total()
			if err != nil {
				t.Fatal(err)
			}
			mj += n
		}
	}
	there, err := b.ledger.KPI(b.site, "pue", began.UnixMilli(), sealed)
	if err != nil {
		t.Fatal(err)
	}
	here, err := c.c.Mirror.KPI(b.site, "pue", began.UnixMilli(), sealed)
	if err != nil || here.Value == nil || *here.Value != *there.Value || here.Coverage != there.Coverage {
		t.Fatalf("%s: PUE is %+v there, and %+v here; %v", b.site, there, here, err)
	}
	return mj
}
