package account

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Subject says what a file of an hour is about. What was counted is never
// edited: a better figure of the grid or of a meter lies over it, in a file of
// its own. Numbers are in files: append only.
type Subject uint8

// The subjects. Those of the grid follow GridKind.
const (
	Counted           Subject = iota // what accounts booked
	RevisedLifecycle                 // words about the grid
	RevisedDirect                    //
	RevisedPrice                     //
	CorrectedReadings                // readings of meters
	Subjects                         // their number
)

var subjectNames = [Subjects]string{"counted", "lifecycle", "direct", "price", "meters"}

func (s Subject) String() string {
	if s < Subjects {
		return subjectNames[s]
	}
	return "unknown"
}

// subjectOf is what words of kind k are about.
func subjectOf(k GridKind) Subject { return RevisedLifecycle + Subject(k) }

// Kind is the kind of words that s is about; ok is false if it is about none.
func (s Subject) Kind() (k GridKind, ok bool) {
	return GridKind(s - RevisedLifecycle), s >= RevisedLifecycle && s <= RevisedPrice
}

// A Correction is a better reading of a register for a quarter of an hour.
type Correction struct {
	Meter     string
	Metric    metric.Number  // of its register: of energy, water or heat
	Quarter   uint8          // of the hour
	Quality   metric.Quality // one of Corrects
	Amount    uint64         // mJ or mL
	Withdrawn bool           // its import was taken back
	Import    string         // by which it came
	Reason    string
	At        int64 // when, ms since 1970
}

// Corrects reports whether a correction can be of quality q. Corrected counts
// before what was measured, Manual where nothing was, and EstimatedProfile where
// neither is: a substitute of who runs the meter, made from what it shows at other
// times. A file does not say by which method, and EstimatedStatic would say one.
func Corrects(q metric.Quality) bool {
	return q == metric.Corrected || q == metric.Manual || q == metric.EstimatedProfile
}

// Compare orders corrections by what they are of, then by import.
func (c *Correction) Compare(o *Correction) int {
	return cmp.Or(cmp.Compare(c.Meter, o.Meter), cmp.Compare(c.Metric, o.Metric), cmp.Compare(c.Quarter, o.Quarter),
		cmp.Compare(c.Quality, o.Quality), cmp.Compare(c.Import, o.Import))
}

func (c *Correction) valid() bool {
	return c.Meter != "" && len(c.Meter) <= metric.MaxText && c.Quarter < 4 && Corrects(c.Quality) &&
		(c.Metric == metric.MeterEnergyJoules || c.Metric == metric.MeterWater || c.Metric == metric.MeterHeatJoules) &&
		c.Import != "" && len(c.Import) <= metric.MaxText && len(c.Reason) <= metric.MaxText && c.At >= 0 && c.At < 1<<45
}

// ValidCorrections reports whether cs can stand in the file of an hour: in order,
// and one of each.
func ValidCorrections(cs []Correction) bool {
	for i := range cs {
		if !cs[i].valid() || i > 0 && (cs[i-1].Compare(&cs[i]) >= 0) {
			return false
		}
	}
	return true
}

// An overlay is what lies over what was counted in an hour, and is not sealed yet.
type overlay struct {
	opened      int64 // ms since 1970
	words       []Word
	corrections map[cellKey]Correction
}

// overlayKey tells the overlays of a site apart.
type overlayKey struct {
	number  int64
	subject Subject
	closing bool
}

// cellKey is what a correction is of.
type cellKey struct {
	meter   string
	metric  metric.Number
	quarter uint8
	quality metric.Quality
	by      string // import: another may be taken back, and then this one stands
}

func (c *Correction) key() cellKey {
	return cellKey{c.Meter, c.Metric, c.Quarter, c.Quality, c.Import}
}

// maxOverlays bounds those of a site that wait to be sealed.
const maxOverlays = 50_000

// ErrBusy means that more is revised or corrected than can be sealed: what was
// not taken can be given again later.
var ErrBusy = errors.New("too much waits to be sealed")

// overlay finds or makes the open overlay of an hour.
func (s *site) overlay(number int64, of Subject, now int64) (*overlay, error) {
	k := overlayKey{number: number, subject: of}
	v := s.overlays[k]
	switch {
	case v != nil:
	case len(s.overlays) >= maxOverlays:
		return nil, ErrBusy
	default:
		v = &overlay{opened: now, corrections: map[cellKey]Correction{}}
		s.overlays[k] = v
	}
	return v, nil
}

// Revise takes w, which changes what stands of an hour of a site.
func (s *State) Revise(site string, number int64, w Word, now int64) error {
	if !w.valid() || !w.Revised || number < 0 || number >= 1<<31 {
		return fmt.Errorf("revise hour %d of %s: no such word", number, site)
	}
	st := s.sites[site]
	if st == nil {
		return fmt.Errorf("revise hour %d of %s: no such site", number, site)
	}
	v, err := st.overlay(number, subjectOf(w.Kind), now)
	if err != nil {
		return fmt.Errorf("revise hour %d of %s: %w", number, site, err)
	}
	var t wordTable
	t.put(v.words)
	t.put([]Word{w})
	v.words = t.words()
	return nil
}

// Correct takes c, which changes what stands of an hour of a site.
func (s *State) Correct(site string, number int64, c Correction) error {
	if !c.valid() || number < 0 || number >= 1<<31 {
		return fmt.Errorf("correct %s in hour %d of %s: no such correction", c.Meter, number, site)
	}
	st := s.sites[site]
	if st == nil {
		return fmt.Errorf("correct %s in hour %d of %s: no such site", c.Meter, number, site)
	}
	v, err := st.overlay(number, CorrectedReadings, c.At)
	if err != nil {
		return fmt.Errorf("correct %s in hour %d of %s: %w", c.Meter, number, site, err)
	}
	v.corrections[c.key()] = c
	return nil
}

// overlaid is what an overlay holds, as an hour.
func (s *site) overlaid(k overlayKey, v *overlay) *Hour {
	h := &Hour{Site: s.name, Number: k.number, Late: true, Subject: k.subject, Simulated: s.simulated, Words: v.words, Corrected: v.sorted()}
	if k.subject == RevisedLifecycle {
		for i := range v.words {
			for m := v.words[i].From; m < v.words[i].To; m++ {
				h.Summary.Grams[m] = uint32(v.words[i].Value + 1)
			}
		}
	}
	return h
}

// sorted are the corrections in order.
func (v *overlay) sorted() []Correction {
	return slices.SortedFunc(maps.Values(v.corrections), func(a, b Correction) int { return a.Compare(&b) })
}

// overlaysInOrder are the keys of a site's overlays.
func (s *site) overlaysInOrder() []overlayKey {
	return slices.SortedFunc(maps.Keys(s.overlays), func(a, b overlayKey) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.subject, b.subject), cmp.Compare(packed(a.closing), packed(b.closing)))
	})
}

func (k overlayKey) ref(site string) Ref {
	return Ref{Site: site, Number: k.number, Late: true, Subject: k.subject}
}

// freezeOverlays ends those that are due, at most limit of them: their hour is
// sealed, or was before the site began, and they have waited a while, for
// corrections come in floods too.
func (s *site) freezeOverlays(now int64, limit int) (frozen []Ref) {
	for _, k := range s.overlaysInOrder() {
		v := s.overlays[k]
		if len(frozen) >= limit || k.closing || now-v.opened < lateFor || k.number >= s.next || s.closes(k.number) {
			continue
		}
		delete(s.overlays, k)
		k.closing = true
		s.overlays[k] = v
		frozen = append(frozen, k.ref(s.name))
	}
	return frozen
}

// Waiting is how many corrections of a site wait to be sealed.
func (s *State) Waiting(site string) (n int) {
	if st := s.sites[site]; st != nil {
		for _, v := range st.overlays {
			n += len(v.corrections)
		}
	}
	return n
}

// Ripen lets what lies over hours of a site be sealed at once: no more of it is on
// its way, or too much waits.
func (s *State) Ripen(site string) {
	if st := s.sites[site]; st != nil {
		for _, v := range st.overlays {
			v.opened = 0
		}
	}
}
