package report

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

func (b *build) checkIndicators() {
	if v := b.num("pue"); v != nil {
		switch {
		case below(v, "1"):
			b.issue("E_PUE_BELOW_1", "pue", "PUE is %s", number(v))
		case below(v, "1.02") || above(v, "2.5"):
			b.issue("W_PUE_ODD", "pue", "PUE is %s", number(v))
		}
		if x := b.num("pue_same_minutes"); x != nil {
			if d := apart(v, x); above(d, "0.01") {
				b.issue("W_PUE_ESTIMATES", "pue", "PUE is %s, and %s of the time in which all is known", number(v), number(x))
			}
		}
	}
	if v := b.num("wue"); v != nil && above(v, "3") {
		b.issue("W_WUE_HIGH", "wue", "WUE is %s L/kWh", number(v))
	}
	if v := b.num("erf"); v != nil && (v.Sign() < 0 || above(v, "1")) {
		b.issue("E_ERF_RANGE", "erf", "ERF is %s", number(v))
	}
	if was := b.earlier(b.Year - 1); was != nil {
		for i := range b.r.Indicators {
			f := &b.r.Indicators[i]
			o := was.Figure(f.Key)
			if !f.known() || !o.known() || was.Period.Partial || b.r.Period.Partial {
				continue
			}
			if d := apart(f.rat(), o.rat()); above(d, "0.10") {
				unit := ""
				if f.Unit != "1" {
					unit = " " + f.Unit
				}
				b.issue("W_YEAR_ON_YEAR", f.Key, "%s is %s%s, and was %s%s in %d", strings.ToUpper(f.Key), number(f.rat()), unit, number(o.rat()), unit, b.Year-1)
			}
		}
	}
	if k := b.kpis["carbon_market"]; k != nil && k.Value == nil && strings.Contains(k.Reason, "residual mix") && !strings.Contains(k.Reason, "no contracts") {
		b.issue("E_RESIDUAL_MISSING", "cue_mb", "%s", k.Reason)
	}
	if lb, mb, ok := b.both("cue_lb", "cue_mb"); ok && mb.Cmp(times(lb, "1.5")) > 0 {
		b.issue("W_CUE_MARKET", "cue_mb", "market-based %s kg/kWh and location-based %s kg/kWh", number(mb), number(lb))
	}
}

func (b *build) checkQuality() {
	for i := range b.r.Figures {
		f := &b.r.Figures[i]
		b.checkFigure(f)
	}
	var bare []string
	for i := range b.r.Meters {
		m := &b.r.Meters[i]
		whole := m.Point != "" && len(m.Devices) > 0
		for _, d := range m.Devices {
			whole = whole && d.Serial != "" && d.Accuracy != "" && d.Calibrated != ""
		}
		if !whole && b.reported(m.ID) {
			bare = append(bare, m.ID)
		}
	}
	if len(bare) > 0 {
		b.issue("W_METER_RECORD", "meters", "the record of %s is not whole", some(bare))
	}
	var unproved []string
	for _, e := range b.r.Evidence {
		if e.Text == "" && !strings.HasPrefix(e.Key, "comment_") {
			unproved = append(unproved, e.Key)
		}
	}
	if len(unproved) > 0 {
		b.issue("W_EVIDENCE", "evidence", "nothing stands behind %s", some(unproved))
	}
}

// checkFigure holds one figure against what is asked of its quality.
func (b *build) checkFigure(f *Figure) {
	if f.Value != nil && (f.Quality == QualityMeasured || f.Quality == QualityEstimated) && len(f.Meters) == 0 {
		b.issue("E_NO_METER", f.Key, "no meter stands behind a figure that is measured")
	}
	if f.Value == nil || f.Coverage == nil || f.Quality == QualityEntered {
		return
	}
	switch {
	case f.Coverage.Cmp(Whole(80)) < 0:
		b.issue("E_COVERAGE", f.Key, "%s %% of the period are known%s", f.Coverage, b.least(f))
	case f.Coverage.Cmp(Whole(95)) < 0:
		b.issue("W_COVERAGE", f.Key, "%s %% of the period are known%s", f.Coverage, b.least(f))
	}
	for _, n := range f.Notes {
		switch {
		case strings.HasPrefix(n, "a meter was not read for more than a day"):
			b.issue("W_GAP_LONG", f.Key, "%s%s", n, b.least(f))
		case strings.HasPrefix(n, "a meter was not read, and nothing is known"):
			b.issue("E_GAP_UNFILLED", f.Key, "%s%s", n, b.least(f))
		}
	}
}

// reported reports whether a figure that is asked for rests on a meter.
func (b *build) reported(id string) bool {
	return slices.ContainsFunc(b.r.Figures, func(f Figure) bool { return slices.Contains(f.Meters, id) })
}

// least names the meters of f that were known for the least time.
func (b *build) least(f *Figure) string {
	type one struct {
		id      string
		minutes int64
	}
	var all []one
	for i := range b.r.Gaps {
		g := &b.r.Gaps[i]
		if !slices.Contains(f.Meters, g.Meter) {
			continue
		}
		k := slices.IndexFunc(all, func(o one) bool { return o.id == g.Meter })
		if k < 0 {
			k, all = len(all), append(all, one{id: g.Meter})
		}
		all[k].minutes += g.Minutes
	}
	slices.SortStableFunc(all, func(x, y one) int { return int(y.minutes - x.minutes) })
	var t []string
	for _, o := range all[:min(3, len(all))] {
		t = append(t, fmt.Sprintf("%s for %s h %02d min", o.id, number(big.NewRat(o.minutes/60, 1)), o.minutes%60))
	}
	if len(t) == 0 {
		return ""
	}
	return "; not read: " + strings.Join(t, ", ")
}

func (b *build) checkLedger() {
	if n := b.r.Ledger.Unsealed; n > 0 {
		b.issue("E_UNSEALED", "ledger", "%s hours of the period are not sealed", number(big.NewRat(n, 1)))
	}
	if b.LogUnchanged != nil {
		b.issue("E_LOG", "ledger", "%v", b.LogUnchanged)
	}
	if b.r.Ledger.Simulated {
		b.issue("E_SIMULATED", "ledger", "readings of this site come from a model")
	}
	told := map[string]bool{}
	for _, name := range []string{"pue", "carbon_location"} {
		if k := b.kpis[name]; k != nil {
			for _, f := range k.Flags {
				if (strings.HasPrefix(f.Code, "role_") || f.Code == "unstated_meters") && !told[f.Text] {
					told[f.Text] = true
					b.issue("W_LEDGER_NOTE", "meters", "%s", f.Text)
				}
			}
		}
	}
}
