package report

import (
	"maps"
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
	tracks   map[string]*track // by the names of groups and meters
	terms    map[string][]term // by the keys of figures
}

// A track is a group, or a meter, by the hour.
type track struct {
	first int64 // number of its first hour
	hours []tracked
	of    []member
}

// A member is a meter of a track.
type member struct {
	Meter    string `json:"meter"`
	Quantity string `json:"quantity"`
	Less     bool   `json:"less,omitempty"`
}

// tracked is an hour of a track.
type tracked struct {
	read                                    account.Amount
	guess                                   uint64 // for what was not read
	covered, met                            int64  // ms
	backup, completed, corrected, estimated bool
}

// keep makes what figures are made of keep its hours.
func (t *Trace) keep(s *sums) {
	*t = Trace{from: s.from, to: s.to, zone: s.zone, tracks: map[string]*track{}, terms: map[string][]term{}}
	kept := func(name string) *track {
		if t.tracks[name] == nil {
			first := s.from / hourMillis
			t.tracks[name] = &track{first: first, hours: make([]tracked, (s.to+hourMillis-1)/hourMillis-first)}
		}
		return t.tracks[name]
	}
	for _, r := range recipes {
		for _, name := range slices.Concat(r.less, []string{r.of, r.known}) {
			if name != "" {
				s.groups[name].track = kept(name)
			}
		}
	}
	for k, f := range s.agreed {
		f.track = kept(meterTrack(k.meter))
	}
}

// fill adds how the hours make the figures.
func (t *Trace) fill(b *build) {
	for key := range recipes {
		if of := b.terms(key); len(of) > 0 {
			t.terms[key] = of
		}
	}
	for _, f := range b.sums.inOrder() {
		m := member{f.meter, f.quantity.String(), f.less}
		for _, g := range f.groups {
			if g.track != nil {
				g.track.of = append(g.track.of, m)
			}
		}
		if f.track != nil {
			f.track.of = append(f.track.of, m)
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

// amount is all that is known of an hour, with what is estimated.
func (h *tracked) amount() (v uint64) {
	for _, x := range h.read {
		v += x
	}
	return v + h.guess
}

func (h *tracked) known() bool { return h.covered > 0 || h.guess > 0 || !h.read.IsZero() }

// Metered reports whether the figure called key is made of the hours of meters, or of
// contracts that have hours.
func Metered(key string) bool { _, ok := recipes[key]; return ok }

// Has reports whether t has the hours of a figure.
func (t *Trace) Has(key string) bool { return len(t.terms[key]) > 0 }

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
	at := h.Number * hourMillis
	for i := range h.Branches {
		x := &h.Branches[i]
		is := member{x.Meter, x.Quantity.String(), x.Less}
		of := slices.IndexFunc(t.terms[key], func(x term) bool {
			return x.Track != "" && x.holds(max(at, t.from)) && slices.Contains(t.tracks[x.Track].of, is)
		})
		if of < 0 {
			continue
		}
		m := MeterHour{Meter: x.Meter, Quantity: x.Quantity.String(), Less: t.terms[key][of].Less}
		for k := range x.Quarters {
			m.Quarters[k] = quarterOf(&x.Quarters[k], recipes[key].per)
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
