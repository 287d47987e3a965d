package ledger

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// Revise takes what a provider now says of a site's grid in times that are over,
// and returns for how many minutes that is news. Figures rest on it at once, and
// say that they are restated; it is durable with the next Commit, and becomes a
// file and a leaf of its own a while later. What was heard before something that
// stands does not replace it, so a revision may be given again and again.
func (l *Ledger) Revise(site string, r account.Revision, now time.Time) (minutes int, err error) {
	if err := r.Check(); err != nil {
		return 0, err
	}
	l.amending.Lock()
	defer l.amending.Unlock()
	b := l.basis(site)
	if b != nil && b.Zone != "" && b.Zone != r.Zone {
		return 0, fmt.Errorf("revise %s of %s: it is fed from zone %s, not %s", r.Kind, site, b.Zone, r.Zone)
	}
	first, end := l.span(site)
	past := now.UnixMilli() / 60_000 // minutes since 1970
	byHour := map[int64][]account.Word{}
	for number, w := range r.Words {
		if left := past - number*60; number >= first && number < end && left > int64(w.From) {
			w.To = uint8(min(int64(w.To), left))
			byHour[number] = append(byHour[number], w)
		}
	}
	for _, number := range slices.Sorted(maps.Keys(byHour)) {
		for i := range byHour[number] { // each stands before the next is looked at
			n, err := l.revise(site, number, &byHour[number][i], now)
			minutes += n
			if err != nil {
				return minutes, err
			}
		}
	}
	if minutes > 0 {
		l.log.Info("grid revised", "site", site, "zone", r.Zone, "kind", r.Kind.String(), "provider", r.Provider, "tier", r.Tier,
			"minutes", minutes, "reason", r.Reason)
	}
	return minutes, nil
}

func (l *Ledger) revise(site string, number int64, w *account.Word, now time.Time) (minutes int, err error) {
	v := l.look(site, number)
	s, err := l.sheet(&v, nil)
	if err != nil {
		return 0, fmt.Errorf("revise %s of %s: %w", w.Kind, site, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range s.Revises(w) {
		if err := l.state.Revise(site, number, x, now.UnixMilli()); err != nil {
			return minutes, err
		}
		l.changed = true
		minutes += int(x.To - x.From)
	}
	return minutes, nil
}

// Correct takes readings of a site's meters that an import brings, and says what
// they change. Figures rest on them at once; they are durable with the next
// Commit. What the same import said before is replaced, so it may be given again
// and again. With dry nothing is taken.
func (l *Ledger) Correct(site string, i account.Import, now time.Time, dry bool) (account.Receipt, error) {
	var receipt account.Receipt
	err := l.CorrectEach(site, i, now, dry, func(_ int64, c *account.Correction, e account.Effect) { receipt.Add(c, e) })
	if err == nil && !dry {
		l.log.Info("readings imported", "site", site, "import", i.ID, "quality", i.Quality.String(), "quarters", receipt.Quarters,
			"unchanged", receipt.Unchanged, "shadowed", receipt.Shadowed, "before", receipt.Before.String(), "after", receipt.After.String())
	}
	return receipt, err
}

// CorrectEach is [Ledger.Correct] that says of each quarter of a register what
// changes; number is the hour that it is of.
func (l *Ledger) CorrectEach(site string, i account.Import, now time.Time, dry bool, each func(number int64, c *account.Correction, e account.Effect)) error {
	if err := i.Check(); err != nil {
		return err
	}
	l.amending.Lock()
	defer l.amending.Unlock()
	b, sheets := l.basis(site), sheetCache{l: l, site: site}
	byHour := map[int64][]account.Correction{}
	for n := range i.Readings {
		r := &i.Readings[n]
		known := b.States(r.Meter)
		weights, err := sheets.weigh(r, &known)
		if err != nil {
			return fmt.Errorf("import %s: %w", i.ID, err)
		}
		if !known {
			return fmt.Errorf("import %s: reading %d: meter %q of %s %w", i.ID, n+1, r.Meter, site, account.ErrUnstated)
		}
		i.Quarters(r, weights, now.UnixMilli(), func(number int64, c account.Correction) bool {
			byHour[number] = append(byHour[number], c)
			return true
		})
	}
	for _, number := range slices.Sorted(maps.Keys(byHour)) {
		if err := l.correct(&sheets, number, byHour[number], dry, each); err != nil {
			return err
		}
	}
	return nil
}

// correct takes the corrections of an hour.
func (l *Ledger) correct(sheets *sheetCache, number int64, cs []account.Correction, dry bool, each func(int64, *account.Correction, account.Effect)) error {
	s, err := sheets.of(number)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range cs {
		c := &cs[i]
		before, was := s.Standing(c.Meter, c.Metric, int(c.Quarter))
		if !s.Corrects(c) {
			each(number, c, account.Effect{Unchanged: true, Before: before, After: before})
			continue
		}
		if !dry {
			if err := l.state.Correct(sheets.site, number, *c); err != nil {
				return err
			}
			l.changed = true
			l.amended++
		}
		s.Add(&account.Hour{Number: number, Subject: account.CorrectedReadings, Corrected: []account.Correction{*c}})
		after, is := s.Standing(c.Meter, c.Metric, int(c.Quarter))
		e := account.Effect{New: !was, Shadowed: !c.Withdrawn && !s.Rests(c)}
		if was {
			e.Before = before
		}
		if is {
			e.After = after
		}
		each(number, c, e)
	}
	return nil
}

// TakeBack withdraws all that an import said of a site: what stood before stands
// again.
func (l *Ledger) TakeBack(site, id string, now time.Time) (account.Receipt, error) {
	var receipt account.Receipt
	l.amending.Lock()
	defer l.amending.Unlock()
	sheets := sheetCache{l: l, site: site}
	for _, number := range l.correctedHours(site) {
		s, err := sheets.of(number)
		if err != nil {
			return receipt, fmt.Errorf("take import %s back: %w", id, err)
		}
		var cs []account.Correction
		s.Imported(id, func(c account.Correction) {
			c.Withdrawn, c.At = true, now.UnixMilli()
			cs = append(cs, c)
		})
		err = l.correct(&sheets, number, cs, false, func(_ int64, c *account.Correction, e account.Effect) { receipt.Add(c, e) })
		if err != nil {
			return receipt, fmt.Errorf("take import %s back: %w", id, err)
		}
	}
	l.log.Info("import taken back", "site", site, "import", id, "quarters", receipt.Quarters)
	return receipt, nil
}

// correctedHours are the hours of a site over which corrections lie, in order.
func (l *Ledger) correctedHours(site string) []int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	hours := map[int64]bool{}
	if g := l.logs[site]; g != nil {
		for i := range g.leaves {
			if g.leaves[i].what == leafMeter {
				hours[g.leaves[i].number] = true
			}
		}
	}
	for _, r := range l.state.OpenHours(site) {
		if r.Subject == account.CorrectedReadings {
			hours[r.Number] = true
		}
	}
	return slices.Sorted(maps.Keys(hours))
}

// sheetCache keeps the sheets that were looked at last: readings come in order.
type sheetCache struct {
	l     *Ledger
	site  string
	known map[int64]*account.Sheet
}

// manySheets is how many are kept.
const manySheets = 24

func (c *sheetCache) of(number int64) (*account.Sheet, error) {
	if s := c.known[number]; s != nil {
		return s, nil
	}
	v := c.l.look(c.site, number)
	s, err := c.l.sheet(&v, nil)
	if err != nil {
		return nil, err
	}
	if len(c.known) >= manySheets || c.known == nil {
		c.known = map[int64]*account.Sheet{}
	}
	c.known[number] = s
	return s, nil
}

// weigh is what each quarter of a reading counted, if all are known; nil if not.
// known becomes true if the register was read at all then.
func (c *sheetCache) weigh(r *account.Reading, known *bool) ([]uint64, error) {
	n := int((r.To - r.From) / quarterMs)
	var weights []uint64
	for k := range n {
		from := r.From + int64(k)*quarterMs
		s, err := c.of(from / hourMs)
		if err != nil {
			return nil, err
		}
		*known = *known || s.Knows(r.Meter, r.Metric)
		if v, ok := s.Measured(r.Meter, r.Metric, int(from%hourMs/quarterMs)); ok {
			weights = append(weights, v)
		}
	}
	if n == 1 || len(weights) < n {
		return nil, nil
	}
	return weights, nil
}
