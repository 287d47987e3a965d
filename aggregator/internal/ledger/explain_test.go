package ledger

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// explains holds what explains q against its figure, and entries that are of files
// against these. It returns how many entries there are, by kind; none where q is of
// several figures.
func explains(t *testing.T, l *Ledger, q account.Question, page int) map[account.EntryKind]int {
	t.Helper()
	kinds := map[account.EntryKind]int{}
	lines, err := l.Energy(q)
	if err != nil {
		t.Fatal(err)
	}
	var want account.Line
	for _, x := range lines {
		if x.Reason == "" {
			want = x
		}
	}
	all, err := l.Explain(q, 0, 1<<30)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	if want.To != 0 {
		if d := cmp.Diff(want, all.Line); d != "" {
			t.Fatalf("%+v: asked (-), explained (+):\n%s", q, d)
		}
		if mj := total(t, want.Energy); all.Sum != (account.Wide{Lo: mj}) {
			t.Fatalf("%+v is %d mJ, and its entries are %s", q, mj, all.Sum)
		}
	}
	var paged []account.Entry
	for len(paged) < all.Total {
		x, err := l.Explain(q, len(paged), page)
		if err != nil || x.Total != all.Total || len(x.Entries) == 0 {
			t.Fatalf("%d entries of %d, then %+v, %v", len(paged), all.Total, x, err)
		}
		paged = append(paged, x.Entries...)
	}
	if d := cmp.Diff(all.Entries, paged); d != "" {
		t.Fatalf("%+v: at once (-), and by %d (+):\n%s", q, page, d)
	}
	var sum account.Wide
	for i := range all.Entries {
		e := &all.Entries[i]
		kinds[e.Kind]++
		sum = sum.AddSigned(e.Millijoules)
		if (e.Leaf >= 0) != (e.File != "") || (e.Leaf >= 0) != (e.Kind == account.EntryHour || e.Kind == account.EntryRestatement) {
			t.Fatalf("%+v", e)
		}
		if e.Leaf >= 0 && i%97 == 0 {
			inFile(t, l, q, e)
		}
	}
	if sum != all.Sum {
		t.Fatalf("%+v: entries are %s, and are said to be %s", q, sum, all.Sum)
	}
	return kinds
}

// inFile looks an entry up in the file that it names.
func inFile(t *testing.T, l *Ledger, q account.Question, e *account.Entry) {
	t.Helper()
	g := l.logs[q.Site]
	x := &g.leaves[e.Leaf]
	h, err := readSealed(l.disk, x, g.file(int(e.Leaf)), readHour)
	if err != nil || x.hash() != e.File || h.Number*hourMs != e.Hour {
		t.Fatalf("%v; entry %+v", err, e)
	}
	b := l.basis(q.Site)
	for i := range h.Rows {
		r := &h.Rows[i]
		if d := b.As(&h.Devices[r.Device]); *d == e.Device && h.Places[r.Place] == e.Place && r.Quality == e.Quality {
			if mj := int64(r.Amount); mj == e.Millijoules || d.Quantity == account.Export && -mj == e.Millijoules {
				return
			}
		}
	}
	for i := range h.Shares {
		r := &h.Shares[i]
		if h.Jobs[r.Job] == e.Job && h.Hosts[r.Host] == e.Place.Host && r.Quality == e.Quality && (int64(r.GPU) == e.Millijoules || int64(r.Node) == e.Millijoules) {
			return
		}
	}
	t.Fatalf("%s holds no such row: %+v", g.file(int(e.Leaf)), e)
}

// Every figure is the sum of entries that are told, to the millijoule: of sealed and
// open hours, by any level, inside any boundary.
func TestEveryFigureIsTheSumOfItsEntries(t *testing.T) {
	const seed = 5
	l, err := open(config(), newMemory(nil))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	r := newReplay(t, sim.Config{Site: "fra1", Hosts: 12, GPUs: 2, Seed: seed}, l)
	r.run(2*time.Hour + 30*time.Minute)
	r.commit()
	rng := rand.New(rand.NewPCG(seed, 1))
	kinds := map[account.EntryKind]int{}
	for _, by := range []account.Level{account.BySite, account.ByHall, account.ByRack, account.ByHost, account.ByGPU, account.ByJob, account.ByTenant} {
		for boundary := metric.Facility; boundary <= metric.GPUs; boundary++ {
			q := account.Question{Site: "fra1", By: by, Boundary: boundary, From: began.UnixMilli(), To: began.UnixMilli() + 3*hourMs}
			lines, err := l.Energy(q)
			if err != nil {
				t.Fatal(err)
			}
			for range min(3, len(lines)) {
				x := &lines[rng.IntN(len(lines))]
				if x.Reason != "" && by != account.BySite {
					continue
				}
				q.Of = account.Selection{Hall: x.Hall, Rack: x.Rack, Host: x.Host, GPU: x.UUID, Tenant: x.Tenant, Job: x.Job}
				if by.ByJobs() && x.Allocation != account.Allocated {
					continue // nobody's has no name to ask by
				}
				for k, n := range explains(t, l, q, 1+rng.IntN(100)) {
					kinds[k] += n
				}
			}
		}
	}
	if kinds[account.EntryHour] == 0 || kinds[account.EntryOpen] == 0 || kinds[account.EntryStated] != 0 {
		t.Errorf("entries by kind: %v", kinds)
	}
	q := account.Question{Site: "fra1", By: account.ByHost, Boundary: metric.GPUs, From: began.UnixMilli(), To: began.UnixMilli() + hourMs}
	if x, err := l.Explain(q, 0, 10); err == nil {
		t.Errorf("of many figures at once: %+v", x)
	}
	q.Step = hourMs / 2
	if _, err := l.Explain(q, 0, 10); err == nil {
		t.Error("half an hour")
	}
}

// explained holds hours of a month, in which readings were corrected and meters stand
// in for others, against their entries.
func (l *lesson) explained(t *testing.T, p *monthPlant) {
	t.Helper()
	kinds := map[account.EntryKind]int{}
	for from := l.from; from < l.to; from += 29 * hourMs {
		from -= from % hourMs
		for boundary := metric.Facility; boundary <= metric.IT; boundary++ {
			for k, n := range explains(t, p.b.Ledger, account.Question{Site: "s1", Boundary: boundary, From: from, To: from + 7*hourMs}, 50) {
				kinds[k] += n
			}
		}
	}
	if kinds[account.EntryHour] == 0 || kinds[account.EntryCorrection]+kinds[account.EntryStated] == 0 {
		t.Errorf("entries by kind: %v", kinds)
	}
	t.Log("entries by kind:", kinds)
}
