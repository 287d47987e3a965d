package report_test

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/internal/terms"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// A fakeLedger is books whose meters draw alike all the time: kWh or m³ an hour.
// Faults are set per meter and hour.
type fakeLedger struct {
	site        *site.Site
	perHour     map[string]float64
	hosts, gpus float64                                           // kWh an hour
	known       func(meter string, quarter int64) (covered int64) // ms; nil: all
	level       func(meter string, quarter int64) float64         // times perHour; nil: 1
	unsealed    int64                                             // hours from here on are; 0: none
	kpis        map[string]account.KPI
	nameless    bool // hours keep no meters
	before      bool // meters counted before December, too
}

func (l *fakeLedger) Branches(_ string, from, to int64, yield func(*account.HourBranches) bool) error {
	const hour, quarter = int64(3_600_000), int64(900_000)
	began := time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC).UnixMilli() / hour
	for n := from / hour; n*hour < to; n++ {
		if n < began && !l.before {
			continue
		}
		h := &account.HourBranches{Number: n, Sealed: l.unsealed == 0 || n < l.unsealed, Hosts: uint64(l.hosts * float64(kWh)), GPUs: uint64(l.gpus * float64(kWh))}
		for i := range l.site.Meters {
			m := &l.site.Meters[i]
			rate, ok := l.perHour[m.ID]
			if !ok {
				continue
			}
			b := account.Branch{Meter: m.ID, Quantity: account.OfRole(m.Role), Renews: m.Role == metric.RoleOnsiteGeneration}
			b.Less = m.TakenOff
			if l.nameless {
				b.Meter = ""
			}
			if m.Water == "fresh" {
				b.Scope = account.Fresh
			}
			per := float64(kWh)
			if b.Quantity.IsWater() {
				per = float64(m3)
			}
			for k := range b.Quarters {
				q := &b.Quarters[k]
				at := n*4 + int64(k)
				q.Expected, q.Covered = quarter, quarter
				if l.known != nil {
					q.Covered = l.known(m.ID, at)
				}
				level := 1.0
				if l.level != nil {
					level = l.level(m.ID, at)
				}
				q.Full = q.Covered >= quarter-quarter/100
				q.Amount[metric.Measured] = uint64(rate * level * per / 4 * float64(q.Covered) / float64(quarter))
			}
			h.Branches = append(h.Branches, b)
		}
		if !yield(h) {
			break
		}
	}
	return nil
}

func (l *fakeLedger) KPIs(_ string, q account.KPIQuestion) (out []account.KPI, err error) {
	for _, n := range q.Names {
		k, ok := l.kpis[n]
		if !ok {
			k = account.KPI{Reason: "not asked of a fake"}
		}
		k.Name = n
		out = append(out, k)
	}
	return out, nil
}

// faked is the input of a report on December 2026 of a site whose books are l.
func faked(t testing.TB, sections string, l *fakeLedger) report.Input {
	t.Helper()
	s := parse(t, siteHead+sections)
	l.site = s
	x, err := terms.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := account.NewBasis(x)
	if err != nil {
		t.Fatal(err)
	}
	main, beside := rules(t, 2026, s.Country)
	return report.Input{Site: s, Basis: b, Ledger: l, Rules: main, Beside: beside, Year: 2026, Now: time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC),
		LAU: func(string) bool { return true }}
}
