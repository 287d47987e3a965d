package account_test

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A stretch is hours of a site from noon on, as its files say them: each meter,
// named by its role up to a dash, with what it counted hour by hour.
type stretch struct {
	meters map[string][]uint64 // mJ or mL, by hour; spread evenly
	silent map[string][]int    // quarters since noon in which a meter was not read
	words  []account.Word      // of every hour
	said   map[int][]account.Word
	over   map[int]*account.Hour // lies over an hour
}

// energies are kWh as they are counted.
func energies(kwh ...float64) (mj []uint64) {
	for _, v := range kwh {
		mj = append(mj, uint64(v*1000+0.5)*(kWh/1000))
	}
	return mj
}

// evenly is a total over n hours, to the last mJ.
func evenly(total uint64, n int) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		upTo, before := part(total, i+1, n), part(total, i, n)
		out[i] = upTo - before
	}
	return out
}

func part(total uint64, i, n int) uint64 {
	hi, lo := bits.Mul64(total, uint64(i))
	q, _ := bits.Div64(hi, lo, uint64(n))
	return q
}

// always is a word that holds all of the time.
func always(k account.GridKind, value int64) account.Word {
	return account.Word{Kind: k, To: 60, Value: value, Zone: "DE", Provider: "entsoe", Tier: "2"}
}

func quantityOf(meter string) account.Quantity {
	role, _, _ := strings.Cut(meter, "-")
	return account.OfRole(role)
}

func registerOf(q account.Quantity) metric.Number {
	switch {
	case q.IsWater():
		return metric.MeterWater
	case q == account.HeatReuse:
		return metric.MeterHeatJoules
	}
	return metric.MeterEnergyJoules
}

func (s *stretch) hours() (n int) {
	for _, v := range s.meters {
		n = max(n, len(v))
	}
	return n
}

// hour is the file of the n-th hour.
func (s *stretch) hour(n int) *account.Hour {
	h := &account.Hour{Site: "s1", Number: noon/hour + int64(n), Words: slices.Concat(s.words, s.said[n])}
	for name, amounts := range s.meters {
		if n >= len(amounts) {
			continue
		}
		q := quantityOf(name)
		r := account.MeterRow{Name: name, Metric: registerOf(q), Quantity: q}
		for k := range 4 {
			r.Expected[k] = 900_000
			if slices.Contains(s.silent[name], n*4+k) {
				continue
			}
			r.Covered[k] = 900_000
			r.Amount[k] = part(amounts[n], k+1, 4) - part(amounts[n], k, 4)
		}
		h.Meters = append(h.Meters, r)
		if q == account.Other {
			continue
		}
		for m := range 60 {
			k := m / 15
			h.Summary.Amount[q][m] += part(r.Amount[k], m%15+1, 15) - part(r.Amount[k], m%15, 15)
			h.Summary.Covered[q][m] += uint64(r.Covered[k] / 15)
			h.Summary.Expected[q][m] += 60_000
		}
		for _, v := range r.Amount {
			h.Summary.Sums[q][metric.Measured] += v
		}
	}
	slices.SortFunc(h.Meters, func(a, b account.MeterRow) int { return a.Compare(&b) })
	slices.SortFunc(h.Words, func(a, b account.Word) int { return cmp.Or(a.Compare(&b)) })
	return h
}

// sheet is the n-th hour as figures read it.
func (s *stretch) sheet(b *account.Basis, n int) *account.Sheet {
	x := account.NewSheet(noon/hour+int64(n), b)
	x.Add(s.hour(n))
	if h := s.over[n]; h != nil {
		x.Add(h)
	}
	x.Done()
	return x
}

// basis is t, which must be right.
func basis(t testing.TB, terms account.Terms) *account.Basis {
	t.Helper()
	b, err := account.NewBasis(terms)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rest are the meters of a statement, and where there are any all others of s: as
// they are booked.
func (s *stretch) rest(stated []account.Meter) []account.Meter {
	if len(stated) == 0 {
		return nil
	}
	all := slices.Clone(stated)
	for _, name := range slices.Sorted(maps.Keys(s.meters)) {
		if !slices.ContainsFunc(stated, func(m account.Meter) bool { return m.Name == name }) {
			all = append(all, account.Meter{Name: name, Quantity: quantityOf(name)})
		}
	}
	return all
}

// kpi is a figure of all hours of s, of whose meters all are stated if any is, with IT metered at the outermost point.
func (s *stretch) kpi(t testing.TB, terms account.Terms, name string) account.KPI {
	t.Helper()
	terms.Meters = s.rest(terms.Meters)
	return s.ask(t, basis(t, terms), account.KPIQuestion{Names: []string{name}})
}

// ask answers q, which is of all hours if it does not say.
func (s *stretch) ask(t testing.TB, b *account.Basis, q account.KPIQuestion) account.KPI {
	t.Helper()
	if q.To == 0 {
		q.From, q.To = noon, noon+int64(s.hours())*hour
	}
	if q.Now == 0 {
		q.Now = q.To
	}
	if q.Category == 0 {
		q.Category = 1
	}
	ks, err := b.KPIs(q, func(yield func(*account.Resolved) bool) {
		for n := range s.hours() {
			at := noon + int64(n)*hour
			if at+hour <= q.From || at >= q.To {
				continue
			}
			if !yield(b.Resolve(s.sheet(b, n), q.Now, at < q.From || at+hour > q.To)) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return ks[0]
}

// is holds a figure against what it must be.
func is(t testing.TB, k account.KPI, want float64) {
	t.Helper()
	if k.Value == nil {
		t.Errorf("%s: none, for %q", k.Name, k.Reason)
		return
	}
	if d := *k.Value - want; d > 1e-6*max(1, want) || d < -1e-6*max(1, want) {
		t.Errorf("%s is %v, want %v", k.Name, *k.Value, want)
	}
}

// input is what a figure rests on, by name.
func input(t testing.TB, k account.KPI, name string) float64 {
	t.Helper()
	for _, in := range k.Inputs {
		if in.Name == name {
			return *in.Value
		}
	}
	t.Errorf("%s has no input %q: %+v", k.Name, name, k.Inputs)
	return 0
}

func flagged(k account.KPI, code string) bool {
	return slices.ContainsFunc(k.Flags, func(f account.Flag) bool { return f.Code == code })
}
