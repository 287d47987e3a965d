package account

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Word is what one provider says of the grid for some minutes of an hour.
type Word struct {
	Kind     GridKind
	From, To uint8 // minutes of the hour, half-open
	Value    int64 // mg CO2e/kWh, or millionths of EUR/kWh

	Zone, Provider, Tier, Set string // Set: of emission factors, or how the provider came to it

	Revised bool   // it came to be known after it was asked for
	Fetched int64  // when it was heard, ms since 1970; 0: it was read when it was in force
	Reason  string // why it was revised
}

// alike reports whether w and o say the same of the same.
func (w *Word) alike(o *Word) bool {
	a, b := *w, *o
	a.From, a.To, b.From, b.To = 0, 0, 0, 0
	return a == b
}

// appendWord appends w, or makes the last word longer where w goes on with it.
func appendWord(ws []Word, w Word) []Word {
	if n := len(ws) - 1; n >= 0 && ws[n].To == w.From && ws[n].alike(&w) {
		ws[n].To = w.To
		return ws
	}
	return append(ws, w)
}

// Compare orders words by kind and time.
func (w *Word) Compare(o *Word) int {
	return cmp.Or(cmp.Compare(w.Kind, o.Kind), cmp.Compare(w.From, o.From))
}

// valid reports whether w can stand in a file.
func (w *Word) valid() bool {
	return w.Kind < GridKinds && w.From < w.To && w.To <= 60 && w.Kind.sane(w.Value) && w.Fetched >= 0 && w.Fetched < 1<<45 &&
		len(w.Zone) <= metric.MaxText && len(w.Provider) <= metric.MaxText && len(w.Tier) <= metric.MaxText &&
		len(w.Set) <= metric.MaxText && len(w.Reason) <= metric.MaxText
}

// ValidWords reports whether ws can stand in the file of an hour: in order, and
// no minute spoken of twice.
func ValidWords(ws []Word) bool {
	for i := range ws {
		if !ws[i].valid() || i > 0 && (ws[i-1].Compare(&ws[i]) >= 0 || ws[i-1].Kind == ws[i].Kind && ws[i-1].To > ws[i].From) {
			return false
		}
	}
	return true
}

// A wordTable is the words of an hour, minute by minute.
type wordTable [GridKinds][60]*Word

// put says ws of their minutes, whatever was said before.
func (t *wordTable) put(ws []Word) {
	for i := range ws {
		for m := ws[i].From; m < ws[i].To; m++ {
			t[ws[i].Kind][m] = &ws[i]
		}
	}
}

// words are those of t, in order.
func (t *wordTable) words() (ws []Word) {
	for k := range t {
		for m, w := range t[k] {
			if w == nil {
				continue
			}
			x := *w
			x.From, x.To = uint8(m), uint8(m+1)
			ws = appendWord(ws, x)
		}
	}
	return ws
}

// A Revision says what a provider now says of the grid in intervals that are
// over.
type Revision struct {
	Kind                      GridKind
	Zone, Provider, Tier, Set string
	Reason                    string
	Intervals                 []Interval
}

// An Interval is one figure of a Revision, for [From, To).
type Interval struct {
	From, To int64   // ms since 1970, on whole minutes
	Value    float64 // g CO2e/kWh, or EUR/MWh
	Fetched  int64   // when it was heard, ms since 1970: what was heard later counts
}

// maxIntervalsAtOnce bounds what one call revises or corrects.
const maxIntervalsAtOnce = 100_000

// Check says what is wrong with r.
func (r *Revision) Check() error {
	switch {
	case r.Kind >= GridKinds:
		return fmt.Errorf("revise grid: no kind %d", r.Kind)
	case r.Zone == "" || r.Provider == "":
		return errors.New("revise grid: a zone and a provider are needed")
	case len(r.Intervals) > maxIntervalsAtOnce:
		return fmt.Errorf("revise %s: %d intervals; the limit is %d", r.Kind, len(r.Intervals), maxIntervalsAtOnce)
	}
	for _, s := range []string{r.Zone, r.Provider, r.Tier, r.Set, r.Reason} {
		if len(s) > metric.MaxText {
			return fmt.Errorf("revise %s: a text of %d bytes; the limit is %d", r.Kind, len(s), metric.MaxText)
		}
	}
	for _, i := range r.Intervals {
		if i.From < 0 || i.To <= i.From || i.To > 1<<45 || i.From%minute != 0 || i.To%minute != 0 || i.To-i.From > 24*hour {
			return fmt.Errorf("revise %s: %d to %d ms since 1970 is no interval of whole minutes, a day at most", r.Kind, i.From, i.To)
		}
		if _, ok := r.Kind.raw(i.Value); !ok {
			return fmt.Errorf("revise %s: %v cannot be", r.Kind, i.Value)
		}
		if i.Fetched < 0 || i.Fetched > 1<<44 {
			return fmt.Errorf("revise %s: heard at %d ms since 1970", r.Kind, i.Fetched)
		}
	}
	return nil
}

// Words are what r says of each hour.
func (r *Revision) Words(yield func(number int64, w Word) bool) {
	for _, i := range slices.SortedStableFunc(slices.Values(r.Intervals), func(a, b Interval) int { return cmp.Compare(a.Fetched, b.Fetched) }) {
		v, _ := r.Kind.raw(i.Value)
		for from := i.From; from < i.To; {
			number := from / hour
			to := min(i.To, (number+1)*hour)
			w := Word{
				Kind: r.Kind, From: uint8(from % hour / minute), To: uint8((to-1)%hour/minute + 1), Value: int64(v),
				Zone: r.Zone, Provider: r.Provider, Tier: r.Tier, Set: r.Set, Revised: true, Fetched: i.Fetched, Reason: r.Reason,
			}
			if !yield(number, w) {
				return
			}
			from = to
		}
	}
}

// stands reports whether w goes on standing though o was said: o is of another
// zone, or was heard before it, or says the same.
func (w *Word) stands(o *Word) bool {
	switch {
	case w.Zone != "" && w.Zone != o.Zone, w.Revised && w.Fetched > o.Fetched:
		return true
	}
	return w.Value == o.Value && w.Zone == o.Zone && w.Provider == o.Provider && w.Tier == o.Tier && (w.Set == o.Set || !w.Revised)
}

// Revises is what w changes of the words that stand.
func (s *Sheet) Revises(w *Word) (ws []Word) {
	for m := w.From; m < w.To; m++ {
		was := s.words[w.Kind][m]
		if was != nil && was.stands(w) {
			continue
		}
		x := *w
		x.From, x.To = m, m+1
		ws = appendWord(ws, x)
	}
	return ws
}
