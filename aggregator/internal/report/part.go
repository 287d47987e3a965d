package report

import (
	"math/big"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Part is what a time has of a figure.
type Part struct {
	Name      string             `json:"name"` // 2026-03, 2026-03-14, or the hour in UTC: 2026-03-14T12Z
	From      time.Time          `json:"from"`
	To        time.Time          `json:"to"`
	Amount    *Decimal           `json:"amount"`              // nil: nothing is known of it
	Exact     string             `json:"exact,omitempty"`     // the same in mJ or mL
	Now       *Decimal           `json:"now,omitempty"`       // what the ledger has today, where that is another
	Gone      bool               `json:"gone,omitempty"`      // the ledger has nothing of it today
	Estimated *Decimal           `json:"estimated,omitempty"` // of it, for what was not read
	Coverage  *Decimal           `json:"coverage_pct,omitempty"`
	Shares    map[string]Decimal `json:"shares,omitempty"` // of it, by how it came to be known
	Notes     []string           `json:"notes,omitempty"`
}

// Differ notes in parts what they are now, where that is another.
func Differ(parts, now []Part) {
	for i := range parts {
		p := &parts[i]
		k := slices.IndexFunc(now, func(x Part) bool { return x.Name == p.Name })
		switch {
		case k < 0 || now[k].Amount == nil:
			p.Gone = p.Amount != nil
		case now[k].Exact != p.Exact:
			p.Now = now[k].Amount
		}
	}
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
	terms := t.terms[key]
	if len(terms) == 0 {
		return nil, false
	}
	runs := make([]run, len(terms))
	for i := range terms {
		runs[i] = run{term: &terms[i], track: t.tracks[terms[i].Track]}
		if terms[i].Track == "" {
			runs[i].last = terms[i].spread(t.from)
		}
	}
	var s *span
	for at := t.from - t.from%hourMillis; at < t.to; at += hourMillis {
		begin, end := max(at, t.from), min(at+hourMillis, t.to)
		start := time.UnixMilli(begin).In(t.zone)
		day := start.Format(time.DateOnly)
		counts := len(day) >= len(within) && day[:len(within)] == within
		if counts {
			name := start.Format(form)
			if form == hourForm {
				name = start.UTC().Format(form)
			}
			if s == nil || s.name != name {
				if s != nil {
					out = append(out, s.part())
				}
				s = t.span(key, name, start)
			}
			s.to = time.UnixMilli(end).In(t.zone)
			s.cover(at)
		}
		for i := range runs {
			if v := runs[i].step(at, begin, end); counts {
				s.add(&runs[i], at, begin, v)
			}
		}
	}
	if s == nil {
		return nil, false
	}
	return append(out, s.part()), true
}

// A run is a term up to some hour.
type run struct {
	*term
	track *track
	sum   big.Int  // of the track, in hours for which the term counts
	last  *big.Int // what the term came to
}

// holds reports whether x counts for the hour that begins at a time.
func (x *term) holds(begin int64) bool { return begin >= x.From && begin < x.To }

// step takes the next hour, and is what of it falls to the term.
func (r *run) step(at, begin, end int64) *big.Int {
	var now *big.Int
	switch h := r.track.at(at); {
	case r.Track == "":
		now = r.spread(end)
	case h == nil || !r.holds(begin):
		return new(big.Int)
	case r.Share == perM:
		return new(big.Int).SetUint64(h.amount())
	default:
		r.sum.Add(&r.sum, new(big.Int).SetUint64(h.amount()))
		now = portion(&r.sum, r.Share)
	}
	v := now
	if r.last != nil {
		v = new(big.Int).Sub(now, r.last)
	}
	r.last = now
	return v
}

// A span is a part in the making.
type span struct {
	name     string
	from, to time.Time
	r        recipe
	known    []*track // that tell how much is
	sum      big.Int
	guess    big.Int
	flags    tracked
	mix      [metric.Qualities]account.Wide
	mixed    bool // all that comes in is in mix
	held     bool // there is a term that counts for it
	is       bool // something is known
	covered  int64
	why      []string
}

func (t *Trace) span(key, name string, from time.Time) *span {
	s := &span{name: name, from: from, r: recipes[key], mixed: true}
	for i := range t.terms[key] {
		x := &t.terms[key][i]
		switch tr := t.tracks[x.Track]; {
		case x.Track != "" && s.r.known == "" && !slices.Contains(s.known, tr):
			s.known = append(s.known, tr)
		case x.Track == "" && !x.Less, x.Share < perM && !x.Less:
			s.mixed = false
		}
	}
	if s.r.known != "" {
		s.known = []*track{t.tracks[s.r.known]}
	}
	return s
}

// cover notes how much of an hour is known.
func (s *span) cover(at int64) {
	least := hourMillis
	for _, t := range s.known {
		if h := t.at(at); h != nil {
			least = min(least, h.covered)
		}
	}
	s.covered += least
}

// add adds what an hour has of a term.
func (s *span) add(r *run, at, begin int64, v *big.Int) {
	if r.Why != "" && v.Sign() != 0 && !slices.Contains(s.why, r.Why) {
		s.why = append(s.why, r.Why)
	}
	if r.Less {
		v = new(big.Int).Neg(v)
	}
	s.sum.Add(&s.sum, v)
	if !r.holds(begin) {
		return
	}
	s.held = true
	h := r.track.at(at)
	if h == nil {
		s.is = s.is || r.Track == "" && s.r.of == ""
		return
	}
	s.is = s.is || h.known()
	guess := portion(new(big.Int).SetUint64(h.guess), r.Share)
	if r.Less && r.Share < perM { // a share of what is in the sum already
		guess.Neg(guess)
	}
	s.guess.Add(&s.guess, guess)
	f := &s.flags
	f.backup, f.completed = f.backup || h.backup, f.completed || h.completed
	f.corrected, f.estimated = f.corrected || h.corrected, f.estimated || h.estimated
	if r.Less {
		return
	}
	for i, v := range h.read { // shares are of what comes in, as those of the figure
		s.mix[i], _ = s.mix[i].Add(account.Wide{Lo: v})
	}
	s.mix[metric.EstimatedProfile], _ = s.mix[metric.EstimatedProfile].Add(account.Wide{Lo: h.guess})
}

func (s *span) part() Part {
	p := Part{Name: s.name, From: s.from, To: s.to}
	if len(s.known) > 0 {
		p.Coverage = percent(s.covered, s.to.Sub(s.from).Milliseconds())
	}
	if !s.is && (s.held || s.r.of != "") { // of a time without agreements it is known that they give nothing
		return p
	}
	p.Exact = s.sum.String()
	d, _ := decimalOf(over(new(big.Rat).SetInt(&s.sum), s.r.per), 3)
	p.Amount = &d
	if s.guess.Sign() != 0 {
		e, _ := decimalOf(over(new(big.Rat).SetInt(&s.guess), s.r.per), 3)
		p.Estimated = &e
	}
	g := group{mix: s.mix}
	if s.mixed {
		p.Shares = g.shares()
	}
	g.how.Backup, g.how.Completed, g.how.Corrected, g.how.Estimated = s.flags.backup, s.flags.completed, s.flags.corrected, s.flags.estimated
	p.Notes = append(g.notes(), s.why...)
	return p
}
