package ledger

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// sums holds the energy inside boundaries, to the millijoule, and the gaps of the
// power tree.
func (l *lesson) sums(t *testing.T, p *monthPlant, when string) {
	t.Helper()
	for b, meters := range map[metric.Boundary][]string{metric.Facility: burnt, metric.IT: it} {
		var want account.Amount
		for i := range l.quarters {
			for _, n := range meters {
				want[l.known[n][i].quality] += l.known[n][i].amount
			}
			if b == metric.Facility {
				want[l.known[export][i].quality] -= l.known[export][i].amount
				want[l.known[office][i].quality] -= l.known[office][i].amount
			}
		}
		lines, err := p.b.Energy(account.Question{Site: "s1", Boundary: b, From: l.from, To: l.to})
		if err != nil || len(lines) != 1 {
			t.Fatal(lines, err)
		}
		if d := cmp.Diff(want, lines[0].Energy); d != "" {
			t.Errorf("%s, energy of %s (-want +have):\n%s", when, b, d)
		}
		all, _ := want.Total()
		if life, _, ok := p.b.Life("s1", b); !ok || life != (account.Wide{Lo: all}) {
			t.Errorf("%s, %s since the ledger began: %v, want %d", when, b, life, all)
		}
	}
	f := l.figure("carbon_location", 0, l.quarters)
	if g, ok, err := p.b.Carbon("s1"); err != nil || !ok || differs(g/1000, f.value) {
		t.Errorf("%s, carbon since the ledger began: %v kg, %v; want %v", when, g/1000, err, f.value)
	}
	l.gaps(t, p, when)
}

// gaps holds the reconciliation against what stands above and below.
func (l *lesson) gaps(t *testing.T, p *monthPlant, when string) {
	t.Helper()
	have, err := p.b.Reconcile("s1", l.from, l.to, []account.Stage{account.StageFacility, account.StageMeter})
	if err != nil {
		t.Fatal(err)
	}
	own := *l // of each meter by itself, and no branch worked out
	own.known = map[string][]known{}
	for n, ks := range l.known {
		own.known[n] = slices.Clone(ks)
		for i := range ks {
			if ks[i].by == "completed_branch" {
				own.known[n][i] = known{}
			}
		}
	}
	leaves := []string{ups1, ups2, cooling, office, export}
	for i, tc := range []struct {
		name               string
		l                  *lesson
		above, off, below  []string
		low, high, missing float64
	}{
		{"", l, burnt, []string{export, office}, []string{ups1, ups2, cooling}, -0.02, 0.10, 0},
		{"generator_output+grid_input-a+grid_input-b+onsite_generation", &own, burnt, nil, leaves, -0.02, 0.02, 0},
	} {
		var above, below uint64
		hours := 0
		all := slices.Concat(tc.above, tc.off, tc.below)
		for i := 0; i < l.quarters; i += 4 {
			if !tc.l.whole(i, all) || !tc.l.whole(i+1, all) || !tc.l.whole(i+2, all) || !tc.l.whole(i+3, all) {
				continue
			}
			hours++
			for k := i; k < i+4; k++ {
				above += tc.l.of(k, tc.above...) - tc.l.of(k, tc.off...)
				below += tc.l.of(k, tc.below...)
			}
		}
		if len(have) != 2 {
			t.Fatalf("%s: gaps %+v", when, have)
		}
		g, want := have[i], account.Balanced
		switch ratio := (float64(above) - float64(below)) / float64(above); {
		case ratio > tc.high:
			want = account.Lacking
		case ratio < tc.low:
			want = account.Exceeds
		}
		if g.Name != tc.name || g.Above != (account.Wide{Lo: above}) || g.Below != (account.Wide{Lo: below}) || g.Finding != want ||
			math.Abs(g.Coverage-float64(4*hours)/float64(l.quarters)) > 1e-12 {
			t.Errorf("%s: gap %+v, want of %q %d above, %d below, %s, of %d hours", when, g, tc.name, above, below, want, hours)
		}
	}
}
