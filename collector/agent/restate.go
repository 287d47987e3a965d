package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/carbon"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A restater sends what a grid's source has come to know better of quarters of an
// hour that are over.
//
//	Revisions ─▶ records of the ledger lane, in flight ─▶ acknowledged ─▶ cursor on disk
//	    ▲ after what was sent last; after a start, after the cursor ◀────────┘
//
// What was in flight when the agent ended is sent twice: once from the spool and
// once more from here. The aggregator takes what was found later before what was
// found earlier, so that this, and any order, comes to the same. Owned by the
// agent's goroutine.
type restater struct {
	source reviser
	zone   string
	path   string
	log    *slog.Logger

	cursor cursor
	sent   cursor   // newest that is queued
	flight []cursor // queued and not acknowledged, oldest first
	looked time.Time
}

// A cursor is how far revisions have come. It is kept in a file.
type cursor struct {
	Zone     string `json:"zone"`
	Revision uint64 `json:"revision"` // the newest one's sequence
	Record   uint64 `json:"record"`   // of the ledger lane, that held it
	At       int64  `json:"at"`       // when it was found, ms since 1970, by its own word
	Found    int64  `json:"found"`    // and as it was told: never before what was told before
}

// Bounds of the pace.
const (
	restateEvery = 5 * time.Second
	inFlight     = 32     // records
	mostAtOnce   = 512    // revisions that are looked at
	mostQuarters = 4 * 96 // that a record spans
	mostWords    = 64     // entities of a record
	mostReason   = 200    // bytes
)

func newRestater(s reviser, c *Config, log *slog.Logger) *restater {
	r := &restater{source: s, zone: c.Grid.Zone, path: filepath.Join(c.Spool.Dir, "state", "restated.json"), log: log}
	err := os.MkdirAll(filepath.Dir(r.path), 0o700)
	if err == nil {
		r.cursor, err = readCursor(r.path)
	}
	if err != nil {
		log.Warn("what was restated is told again", "error", err)
	}
	if r.cursor.Zone != r.zone {
		r.cursor = cursor{Zone: r.zone}
	}
	r.sent = r.cursor
	return r
}

// restate queues a record of what is known better now, if there is any.
func (a *agent) restate(now time.Time) {
	r := a.restater
	if r == nil || a.ledger.known == nil || len(r.flight) >= inFlight {
		return // the first record of a life is of readings
	}
	if since := now.Sub(r.looked); 0 <= since && since < restateEvery {
		return
	}
	layout, from, values, upTo := r.next(a.views.ledger.layout.Layout.Simulated)
	if layout == nil {
		r.looked = now
		return // else there may be more at the next tick
	}
	// One revision alone may span more than a record does.
	for part := range slices.Chunk(values, mostQuarters*layout.Width()) {
		if err := a.ledger.restate(from, layout, part); err != nil {
			r.looked = now
			a.unmade.Inc()
			a.log.Error("ledger record not made", "error", err)
			return
		}
		from = from.Add(mostQuarters * metric.Quarter)
		a.restated.Inc()
	}
	upTo.Record = a.ledger.last
	r.sent, r.flight = upTo, append(r.flight, upTo)
}

// next is what the next record holds; the layout is nil if there is nothing to say.
func (r *restater) next(simulated bool) (l *metric.Layout, from time.Time, values []metric.Raw, upTo cursor) {
	list := r.source.Revisions(r.sent.Revision, mostAtOnce)
	if len(list) == 0 {
		return nil, from, nil, upTo
	}
	upTo = cursor{Zone: r.zone, At: list[0].At.UnixMilli()}
	switch upTo.Found = max(upTo.At, r.sent.Found); {
	case upTo.At != r.sent.At && upTo.Found == r.sent.Found: // the clock was set back
		upTo.Found++
	}
	var to time.Time
	l = &metric.Layout{Simulated: simulated}
	type place struct {
		entity int
		kind   carbon.Quantity
	}
	columns, entities := map[place]int{}, map[string]int{}
	n := 0
	for ; n < len(list) && list[n].At.UnixMilli() == upTo.At; n++ {
		v := &list[n]
		first, last := v.From, v.To
		if n > 0 && from.Before(first) {
			first = from
		}
		if n > 0 && to.After(last) {
			last = to
		}
		e := r.entity(v, upTo.Found)
		name := fmt.Sprint(e.Labels)
		_, known := entities[name]
		if last.Sub(first) > mostQuarters*metric.Quarter && n > 0 || !known && len(entities) == mostWords {
			break
		}
		from, to = first, last
		if !known {
			entities[name] = len(l.Entities)
			l.Entities = append(l.Entities, e)
		}
		p := place{entities[name], v.Quantity}
		if _, known := columns[p]; !known {
			columns[p] = len(l.Columns)
			m, point := v.Quantity.Metric()
			l.Columns = append(l.Columns, metric.Column{Metric: m, Form: metric.Float, Point: point, First: p.entity, Count: 1})
		}
		upTo.Revision = v.Sequence
	}
	ticks := int(to.Sub(from) / metric.Quarter)
	width := len(l.Columns)
	values = make([]metric.Raw, ticks*width)
	for i := range values {
		values[i] = metric.Missing
	}
	for i := range list[:n] {
		v := &list[i]
		e := r.entity(v, upTo.Found)
		at := columns[place{entities[fmt.Sprint(e.Labels)], v.Quantity}]
		for q := int(v.From.Sub(from) / metric.Quarter); q < int(v.To.Sub(from)/metric.Quarter); q++ {
			values[q*width+at] = metric.Of(v.Word.Value)
		}
	}
	return l, from, values, upTo
}

// entity is the word of a revision as it is told.
func (r *restater) entity(v *carbon.Revision, found int64) metric.Entity {
	reason := fmt.Sprintf("%s where nothing was known", v.Word.Basis)
	if v.Was != nil {
		reason = fmt.Sprintf("%s instead of %s of %s", v.Word.Basis, v.Was.Basis, v.Was.Provider)
	}
	labels := []metric.Pair{
		{Name: metric.LabelFound, Value: time.UnixMilli(found).UTC().Format("2006-01-02T15:04:05.000Z07:00")},
		{Name: metric.LabelProvider, Value: v.Word.Provider}, {Name: metric.LabelReason, Value: reason[:min(len(reason), mostReason)]},
		{Name: metric.LabelSet, Value: v.Word.Set[:min(len(v.Word.Set), metric.MaxText)]}, {Name: metric.LabelTier, Value: strconv.Itoa(v.Word.Tier)},
	}
	return metric.Entity{Kind: metric.Zone, Name: r.zone, Parent: -1, Labels: labels}
}

// acknowledged takes the aggregator's word that all up to a record is durable. One
// that knows less than it said before has lost what was restated too.
func (r *restater) acknowledged(upTo uint64) error {
	if upTo < r.cursor.Record {
		r.log.Warn("the aggregator has lost records; what was restated is told again")
		r.cursor = cursor{Zone: r.zone}
		r.sent, r.flight = r.cursor, nil
		return writeCursor(r.path, r.cursor)
	}
	n := 0
	for n < len(r.flight) && r.flight[n].Record <= upTo {
		r.cursor = r.flight[n]
		n++
	}
	if n == 0 {
		return nil
	}
	r.flight = r.flight[n:]
	return writeCursor(r.path, r.cursor)
}

func readCursor(path string) (c cursor, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return cursor{}, fmt.Errorf("read how far revisions of the grid have come: %w", err)
	}
	return c, nil
}

// writeCursor replaces the file in one step.
func writeCursor(path string, c cursor) error {
	b, err := json.Marshal(c)
	if err == nil {
		err = os.WriteFile(path+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("write how far revisions of the grid have come: %w", err)
	}
	return nil
}
