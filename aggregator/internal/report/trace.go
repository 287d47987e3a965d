package report

import (
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Trace is what the metered figures of a record are made of, hour by hour. The
// zero Trace is filled by [Build], of whose input it is part.
type Trace struct {
	from, to int64
	zone     *time.Location
	self     int64 // of the heat that is handed over, millionths that cool the site itself
	groups   map[string]*group
}

// A track is a group by the hour.
type track struct {
	first int64 // number of its first hour
	hours []tracked
}

// tracked is an hour of one.
type tracked struct {
	read                                    account.Amount
	guess                                   uint64 // for what was not read
	covered, met                            int64  // ms
	backup, completed, corrected, estimated bool
}

// keep makes the groups of s that figures are made of keep their hours.
func (t *Trace) keep(s *sums, heatSelfUse uint32) {
	*t = Trace{from: s.from, to: s.to, zone: s.zone, self: int64(heatSelfUse), groups: map[string]*group{}}
	for _, r := range recipes {
		for _, name := range slices.Concat(r.less, []string{r.of, r.known}) {
			if g := s.groups[name]; g.track == nil {
				first := s.from / hourMillis
				g.track = &track{first: first, hours: make([]tracked, (s.to+hourMillis-1)/hourMillis-first)}
				t.groups[name] = g
			}
		}
	}
}

// at is the hour of a time; nil if none is kept.
func (t *track) at(millis int64) *tracked {
	if t == nil {
		return nil
	}
	if n := millis/hourMillis - t.first; n >= 0 && n < int64(len(t.hours)) {
		return &t.hours[n]
	}
	return nil
}

func (t *track) read(at int64, q *account.BranchQuarter) {
	h := t.at(at)
	if h == nil {
		return
	}
	for i, v := range q.Amount {
		h.read[i] += v
	}
	h.backup, h.completed = h.backup || q.Backup, h.completed || q.Completed
	h.corrected, h.estimated = h.corrected || q.Corrected, h.estimated || q.Estimated
}

func (t *track) cover(at, covered int64) {
	if h := t.at(at); h != nil {
		h.covered += covered
		h.met += quarterMillis
	}
}

func (t *track) fill(at int64, w account.Wide) {
	if h := t.at(at); h != nil {
		h.guess += w.Lo
	}
}

// A recipe is how a figure is made of groups.
type recipe struct {
	of    string
	less  []string
	known string // by which it is covered
	per   int64
	self  bool // less what cools the site itself
}

// recipes are those of the figures that meters give.
var recipes = map[string]recipe{
	"e_dc_kwh":        {of: gSupply, less: []string{gExport, gOutside}, known: gFacility, per: perKWh},
	"e_dc_bg_kwh":     {of: gGenerator, known: gGenerator, per: perKWh},
	"e_it_kwh":        {of: gIT, known: gIT, per: perKWh},
	"w_in_m3":         {of: gWater, known: gWater, per: perM3},
	"w_in_pot_m3":     {of: gPotable, known: gPotable, per: perM3},
	"w_in_fre_m3":     {of: gFresh, known: gFresh, per: perM3},
	"e_reuse_kwh":     {of: gHeat, less: []string{gHeatBack}, known: gHeatAll, per: perKWh, self: true},
	"e_electric_kwh":  {of: gSupply, known: gSupply, per: perKWh},
	"e_purchased_kwh": {of: gGrid, known: gGrid, per: perKWh},
	"e_grid_kwh":      {of: gGrid, known: gGrid, per: perKWh},
	"e_onsite_kwh":    {of: gOnsite, known: gOnsite, per: perKWh},
	"e_export_kwh":    {of: gExport, known: gExport, per: perKWh},
	"e_cooling_kwh":   {of: gCooling, known: gCooling, per: perKWh},
	"e_lighting_kwh":  {of: gLighting, known: gLighting, per: perKWh},
	"e_losses_kwh":    {of: gLosses, known: gLosses, per: perKWh},
}

// Metered reports whether the figure called key is made of the hours of meters.
func Metered(key string) bool { _, ok := recipes[key]; return ok }

// A Part is what a time has of a figure.
type Part struct {
	Name      string             `json:"name"` // 2026-03, 2026-03-14, or the hour in UTC: 2026-03-14T12Z
	From      time.Time          `json:"from"`
	To        time.Time          `json:"to"`
	Amount    *Decimal           `json:"amount"`              // nil: nothing is known of it
	Exact     string             `json:"exact,omitempty"`     // the same in mJ or mL
	Estimated *Decimal           `json:"estimated,omitempty"` // of it, for what was not read
	Coverage  *Decimal           `json:"coverage_pct,omitempty"`
	Shares    map[string]Decimal `json:"shares,omitempty"` // of it, by how it came to be known
	Notes     []string           `json:"notes,omitempty"`
}

// Months are those of a figure, Days those of a month, Hours those of a day. ok is
// false if there are none.
func (t *Trace) Months(key string) ([]Part, bool) { return t.parts(key, "2006-01", "") }

// Days are those of a month, such as 2026-03.
func (t *Trace) Days(key, month string) ([]Part, bool) { return t.parts(key, time.DateOnly, month+"-") }

// Hours are those of a day, such as 2026-03-14.
func (t *Trace) Hours(key, day string) ([]Part, bool) { return t.parts(key, hourForm, day) }

// hourForm names an hour, in UTC: of the two hours of a night in autumn that have
// one name by the site's clock, each has its own.
const hourForm = "2006-01-02T15Z"

func (t *Trace) parts(key, form, within string) (out []Part, ok bool) {
	r, ok := recipes[key]
	if !ok || t.groups == nil {
		return nil, false
	}
	var s *span
	for at := t.from - t.from%hourMillis; at < t.to; at += hourMillis {
		start := time.UnixMilli(max(at, t.from)).In(t.zone)
		if day := start.Format(time.DateOnly); len(day) < len(within) || day[:len(within)] != within {
			continue
		}
		name := start.Format(form)
		if form == hourForm {
			name = start.UTC().Format(form)
		}
		if s == nil || s.name != name {
			if s != nil {
				out = append(out, s.part())
			}
			s = &span{t: t, r: &r, name: name, from: start}
		}
		s.add(at)
		s.to = time.UnixMilli(min(at+hourMillis, t.to)).In(t.zone)
	}
	if s == nil {
		return nil, false
	}
	return append(out, s.part()), true
}

// A span is a part in the making.
type span struct {
	t        *Trace
	r        *recipe
	name     string
	from, to time.Time
	of, less tracked
	sum      account.Wide
	taken    account.Wide
	guess    account.Wide
	mix      [metric.Qualities]account.Wide
	covered  int64
	known    bool
}

func (s *span) add(at int64) {
	take := func(name string, sum *account.Wide, flags *tracked) {
		h := s.t.groups[name].track.at(at)
		if h == nil {
			return
		}
		for _, v := range h.read {
			*sum, _ = sum.Add(account.Wide{Lo: v})
		}
		*sum, _ = sum.Add(account.Wide{Lo: h.guess})
		s.guess, _ = s.guess.Add(account.Wide{Lo: h.guess})
		flags.backup, flags.completed = flags.backup || h.backup, flags.completed || h.completed
		flags.corrected, flags.estimated = flags.corrected || h.corrected, flags.estimated || h.estimated
		s.known = s.known || h.covered > 0 || h.guess > 0 || !h.read.IsZero()
	}
	take(s.r.of, &s.sum, &s.of)
	for _, name := range s.r.less {
		take(name, &s.taken, &s.less)
	}
	if h := s.t.groups[s.r.of].track.at(at); h != nil { // shares are of what comes in, as those of the figure
		for i, v := range h.read {
			s.mix[i], _ = s.mix[i].Add(account.Wide{Lo: v})
		}
		s.mix[metric.EstimatedProfile], _ = s.mix[metric.EstimatedProfile].Add(account.Wide{Lo: h.guess})
	}
	if h := s.t.groups[s.r.known].track.at(at); h != nil {
		s.covered += h.covered
	}
}

func (s *span) part() Part {
	p := Part{Name: s.name, From: s.from, To: s.to, Coverage: percent(s.covered, s.to.Sub(s.from).Milliseconds())}
	if !s.known {
		return p
	}
	v := rat(s.sum)
	if s.r.self && s.t.self > 0 {
		v.Mul(v, big.NewRat(perM-s.t.self, perM))
	}
	v = lessOf(v, rat(s.taken))
	if v.IsInt() {
		p.Exact = v.Num().String()
	}
	d, _ := decimalOf(over(v, s.r.per), 3)
	p.Amount = &d
	if s.guess != (account.Wide{}) {
		e, _ := decimalOf(over(rat(s.guess), s.r.per), 3)
		p.Estimated = &e
	}
	g := group{mix: s.mix}
	p.Shares = g.shares()
	for _, f := range []*tracked{&s.of, &s.less} {
		g.how.Backup, g.how.Completed = g.how.Backup || f.backup, g.how.Completed || f.completed
		g.how.Corrected, g.how.Estimated = g.how.Corrected || f.corrected, g.how.Estimated || f.estimated
	}
	p.Notes = g.notes()
	return p
}

// A MeterHour is what a meter showed in an hour, by the quarter.
type MeterHour struct {
	Meter    string     `json:"meter"`
	Quantity string     `json:"quantity"`
	Less     bool       `json:"less,omitempty"` // it is taken off
	Quarters [4]Quarter `json:"quarters"`
}

// A Quarter is one of an hour of a meter.
type Quarter struct {
	Amount    *Decimal `json:"amount"` // nil: nothing was read
	Coverage  *Decimal `json:"coverage_pct,omitempty"`
	Qualities []string `json:"qualities,omitempty"`
	Notes     []string `json:"notes,omitempty"`
}

// MetersOf are the meters of an hour of a figure.
func (t *Trace) MetersOf(key string, h *account.HourBranches) (out []MeterHour) {
	r, ok := recipes[key]
	if !ok || t.groups == nil {
		return nil
	}
	for i := range h.Branches {
		x := &h.Branches[i]
		less := slices.ContainsFunc(r.less, func(name string) bool { return t.groups[name].members(x) })
		if !less && !t.groups[r.of].members(x) {
			continue
		}
		m := MeterHour{Meter: x.Meter, Quantity: x.Quantity.String(), Less: less}
		for k := range x.Quarters {
			m.Quarters[k] = quarterOf(&x.Quarters[k], r.per)
		}
		out = append(out, m)
	}
	return out
}

func quarterOf(q *account.BranchQuarter, per int64) (out Quarter) {
	if q.Expected == 0 && !q.Full && q.Amount.IsZero() {
		return out
	}
	covered := quarterMillis
	if !q.Full {
		covered = 0
		if q.Expected > 0 {
			covered = max(0, min(q.Covered, q.Expected)) * quarterMillis / q.Expected
		}
	}
	out.Coverage = percent(covered, quarterMillis)
	if covered > 0 || !q.Amount.IsZero() {
		var sum account.Wide
		for i, v := range q.Amount {
			sum, _ = sum.Add(account.Wide{Lo: v})
			if v > 0 {
				out.Qualities = append(out.Qualities, metric.Quality(i).String())
			}
		}
		d, _ := decimalOf(over(rat(sum), per), 6)
		out.Amount = &d
	}
	out.Notes = (&group{how: *q}).notes()
	return out
}

// Keys are those of the figures that are made of the hours of meters, sorted.
func Keys() []string { return slices.Sorted(maps.Keys(recipes)) }
