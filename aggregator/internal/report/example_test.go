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

// The example that people begin with has every entry that a report asks for: once
// its meters are read, only warnings are left, which want a comment.
func TestTheExampleLacksNothingThatIsEntered(t *testing.T) {
	s := parse(t, string(site.Example))
	x, err := terms.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := account.NewBasis(x)
	if err != nil {
		t.Fatal(err)
	}
	l := &fakeLedger{before: true, site: s, perHour: map[string]float64{}}
	for role, rate := range map[string]float64{
		metric.RoleGridInput: 50, metric.RoleGeneratorOutput: 0.2, metric.RoleOnsiteGeneration: 2, metric.RoleUPSOutput: 40, metric.RoleCooling: 4,
		metric.RoleLighting: 0.5, metric.RoleHeatReuse: 20, metric.RoleWaterTotal: 0.02,
	} {
		for _, m := range s.MetersOf(role) {
			l.perHour[m.ID] = rate
		}
	}
	main, beside := rules(t, 2026, s.Country)
	r := build(t, report.Input{Site: s, Basis: b, Ledger: l, Rules: main, Beside: beside, Year: 2026, Now: time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)})
	for _, i := range r.Issues {
		if i.Severity == report.Error {
			t.Error(i.String())
		} else {
			t.Log(i.String())
		}
	}
	for _, f := range r.Figures {
		if f.Missing != "" {
			t.Errorf("%s: %s", f.Key, f.Missing)
		}
	}
	is(t, r, "e_dc_kwh", 102.2*8760)
	is(t, r, "t_in_c", 25)
	if r.Figure("pd_it_kw").Quality != report.QualityCalculated || r.Period.Hours != 8760 {
		t.Errorf("%+v", r.Figure("pd_it_kw"))
	}
}
