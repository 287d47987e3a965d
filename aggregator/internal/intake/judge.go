package intake

import (
	"fmt"
	"math"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// judge says what a reader of the plan must know, and why it cannot be applied.
func (p *Plan) judge(books Books) error {
	all, err := books.Imports(p.Site)
	if err != nil {
		return fmt.Errorf("plan import of %s: %w", p.File.o.Name, err)
	}
	unchanged := 0
	for i := range p.Months {
		unchanged += p.Months[i].Unchanged
	}
	for i := range all {
		if all[i].ID == p.ID {
			p.Standing = all[i].Corrected + all[i].Manual + all[i].Estimated
		}
	}
	if p.Standing > unchanged {
		p.stop("take that back first, by -revert "+p.ID+", or give this another name, by -id",
			"import %s stands with other readings than these: the file was understood otherwise, or is another", p.ID)
	}
	if len(p.Tracks) == 0 && len(p.Stops) == 0 {
		p.stop("look at the problems above", "no row can be taken")
	}
	for i := range p.File.o.Totals {
		p.hold(&p.File.o.Totals[i])
	}
	for _, t := range p.Tracks {
		p.look(t)
	}
	p.holdSum()
	return nil
}

func (p *Plan) stop(fix, format string, args ...any) {
	p.Stops = append(p.Stops, Problem{Text: fmt.Sprintf(format, args...), Fix: fix})
}

func (p *Plan) note(format string, args ...any) {
	if len(p.Notes) < mostProblems {
		p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
	}
}

// nearTotal is how far a sum may be from what a month is known to have been.
const nearTotal = 0.005

// hold holds a month against what it is known to have been.
func (p *Plan) hold(t *Total) {
	var m *Month
	for i := range p.Months {
		if x := &p.Months[i]; (t.Month == "" || t.Month == x.Month) && (t.Meter == "" || t.Meter == x.Meter) {
			if m != nil {
				p.stop("write it as METER:2026-01=123.4 kWh", "total %s could be of %s of %s or of %s of %s", t.Text, m.Month, m.Meter, x.Month, x.Meter)
				return
			}
			m = x
		}
	}
	if m == nil {
		p.stop("look at -total and at -meter", "the file has nothing for total %s", t.Text)
		return
	}
	m.Total = &t.Amount
	if t.Amount == (account.Wide{}) {
		if m.Amount != t.Amount {
			p.stop("look at the file", "%s of %s sums to %s, and should be nothing", m.Month, m.Meter, Amount(m.Amount, m.Metric))
		}
		return
	}
	ratio := m.Amount.Float() / t.Amount.Float()
	if math.Abs(ratio-1) <= nearTotal {
		return
	}
	sums := fmt.Sprintf("%s of %s sums to %s, and should to %s", m.Month, m.Meter, Amount(m.Amount, m.Metric), Amount(t.Amount, m.Metric))
	hours := p.stepOf(m.Meter)
	switch {
	case hours > 0 && hours != 1 && near(ratio, 1/hours):
		p.stop("say -kind power", "%s: %s times as much, as if averages in kW were taken for kWh", sums, times(ratio))
	case hours > 0 && hours != 1 && near(ratio, hours):
		p.stop("say -kind interval", "%s: %s times as much, as if kWh were taken for averages in kW", sums, times(ratio))
	case near(ratio, 1000), near(ratio, 0.001), near(ratio, 1e6), near(ratio, 1e-6):
		p.stop("look at -unit and -decimal", "%s: %s times as much", sums, times(ratio))
	case m.Quarters < m.Of:
		p.stop("look for what is missing, or leave -total out", "%s; %d of its %d quarters of an hour are missing", sums, m.Of-m.Quarters, m.Of)
	default:
		p.stop("look at the file, at -unit, -kind and -labelled", "%s: %s times as much", sums, times(ratio))
	}
}

// holdSum holds the rows of a single meter against what the last row sums them to.
func (p *Plan) holdSum() {
	if len(p.Tracks) != 1 || len(p.File.sums) != 1 || p.Tracks[0].Kind != Interval {
		return
	}
	sum := p.Tracks[0].Outside
	for i := range p.Months {
		sum, _ = sum.Add(p.Months[i].Amount)
	}
	if want, n := p.File.sums[0], p.Tracks[0].Metric; Amount(sum, n) != Amount(want, n) {
		p.note("the rows sum to %s, and the last row says %s", Amount(sum, n), Amount(want, n))
	}
}

func near(ratio, want float64) bool { return math.Abs(ratio/want-1) <= 0.02 }

func times(ratio float64) string { return fmt.Sprintf("%.4g", ratio) }

// stepOf is how many hours the intervals of a meter are, 0 if that is not known.
func (p *Plan) stepOf(meter string) float64 {
	for _, t := range p.Tracks {
		if t.Meter == meter && t.Kind != Counter {
			return float64(t.Step.seconds()) / 3600
		}
	}
	return 0
}

// look says what is odd about the readings of a meter.
func (p *Plan) look(t *Track) {
	if t.Outside != (account.Wide{}) {
		p.note("%s of %s lie outside whole quarters of an hour, at an end or beside a gap, and are not taken", Amount(t.Outside, t.Metric), t.Meter)
	}
	var before, after account.Wide
	for i := range p.Months {
		m := &p.Months[i]
		if m.Meter != t.Meter || m.Metric != t.Metric || m.New+m.Unchanged > 0 {
			continue
		}
		before, _ = before.Add(m.Before)
		after, _ = after.Add(m.Amount)
	}
	if before == (account.Wide{}) || after == (account.Wide{}) || t.Metric == metric.MeterWater {
		return
	}
	ratio, hours := after.Float()/before.Float(), p.stepOf(t.Meter)
	switch {
	case hours > 0 && hours != 1 && near(ratio, 1/hours):
		p.note("the file has %s times what the books have of %s: if its values are averages in kW, say -kind power", times(ratio), t.Meter)
	case hours > 0 && hours != 1 && near(ratio, hours):
		p.note("the file has %s times what the books have of %s: if its values are kWh, say -kind interval", times(ratio), t.Meter)
	case ratio > 1.5 || ratio < 0.67:
		p.note("the file has %s times what the books have of %s: look at its unit, its kind, and whose meter it is", times(ratio), t.Meter)
	}
}
