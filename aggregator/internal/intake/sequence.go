package intake

import (
	"math/bits"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

const quarter = 15 * 60 * 1000

// A Track is how the readings of one meter lie in time.
type Track struct {
	Meter    string
	Metric   metric.Number
	Kind     Kind
	Labelled string
	Step     Step
	From, To int64 // ms since 1970
	Rows     int   // that count
	Doubles  int   // that say what another says
	Gaps     int
	GapTime  int64        // ms
	First    []Gap        // of the gaps
	Outside  account.Wide // of what the file shows, in quarters of which the rest is not known

	last    record // that counts
	any     bool
	pending record
	waits   bool
	clash   bool
	partial piece
}

// A Gap is a time without a reading.
type Gap struct{ From, To int64 }

// mostGaps of a meter are named.
const mostGaps = 20

// A piece is what was counted in [from, to).
type piece struct {
	from, to int64
	amount   uint64
	quality  metric.Quality
}

// A sequence brings the records of all meters in order, and makes readings of
// them.
type sequence struct {
	f      *File
	tracks []*Track // by the number of the feed; nil: nothing came
	bad    *problems
	lost   int // rows that were dropped
	yield  func(t *Track, p piece) error
}

// readings yields what the rows amount to, by time; problems of rows that cannot
// stand beside others go to bad.
func (f *File) readings(bad *problems, yield func(t *Track, p piece) error) (*sequence, error) {
	q := &sequence{f: f, tracks: make([]*Track, len(f.feeds)), bad: bad, yield: yield}
	if err := f.pile.each(q.take); err != nil {
		return q, err
	}
	for _, t := range q.tracks {
		if t == nil {
			continue
		}
		if err := q.flush(t); err != nil {
			return q, err
		}
		t.drop()
	}
	return q, nil
}

func (q *sequence) track(r *record) *Track {
	t := q.tracks[r.meter]
	if t == nil {
		d := q.f.feeds[r.meter]
		t = &Track{Meter: d.meter.Name, Metric: d.metric, Kind: Interval, Labelled: d.labelled, Step: d.step}
		switch {
		case r.counter:
			t.Kind = Counter
		case d.kind == Power:
			t.Kind = Power
		}
		q.tracks[r.meter] = t
	}
	return t
}

// take holds r against the row before it of its meter.
func (q *sequence) take(r *record) error {
	t := q.track(r)
	if t.waits && t.pending.from == r.from && t.pending.counter == r.counter {
		p := &t.pending
		switch {
		case p.to != r.to:
			q.wrong(r.line, "give each time once", "it overlaps line %d", p.line)
		case p.amount == r.amount:
			t.Doubles++
		default:
			if !t.clash {
				q.lost++
			}
			t.clash = true
			q.wrong(r.line, "look which of the two is right, and delete the other", "line %d says %s for the same time of %s, and this %s", p.line, Amount(p.amount, t.Metric), t.Meter, Amount(r.amount, t.Metric))
		}
		return nil
	}
	if err := q.flush(t); err != nil {
		return err
	}
	t.pending, t.waits, t.clash = *r, true, false
	return nil
}

func (q *sequence) wrong(line uint32, fix, format string, args ...any) {
	q.lost++
	if q.bad != nil {
		q.bad.add(int(line), "", fix, format, args...)
	}
}

// flush counts the row that waits.
func (q *sequence) flush(t *Track) error {
	if !t.waits {
		return nil
	}
	r := t.pending
	if t.waits = false; t.clash {
		return nil
	}
	if t.any && r.from < t.last.to {
		q.wrong(r.line, "give each time once", "it overlaps line %d", t.last.line)
		return nil
	}
	if r.counter {
		return q.counter(t, &r)
	}
	if rating := q.f.feeds[r.meter].meter.Rating; t.Metric == metric.MeterEnergyJoules && rating > 0 && !within(r.amount.Lo, rating, r.to-r.from) {
		q.wrong(r.line, "look at the unit; if values are averages in kW, say -kind power", "%s in %s is more than %s can draw, which is rated %g kW",
			kWh(r.amount), Step{Seconds: (r.to - r.from) / 1000}, t.Meter, float64(rating)/1e6)
		return nil
	}
	if t.any && r.from > t.last.to {
		t.gap(t.last.to, r.from)
	}
	t.count(&r)
	return q.cut(t, piece{r.from, r.to, r.amount.Lo, r.quality})
}

// within reports whether a circuit that is rated so many mW can draw mj in ms:
// up to a fifth above its rating.
func within(mj, rating uint64, ms int64) bool {
	hi, lo := bits.Mul64(rating, uint64(ms))
	if hi >= 1000 {
		return true
	}
	most, _ := bits.Div64(hi, lo, 1000)
	return mj/6 <= most/5+1
}

// counter counts what a register moved on since the row before.
func (q *sequence) counter(t *Track, r *record) error {
	before := t.last
	first := !t.any
	t.count(r)
	if first {
		return nil
	}
	by, ok := r.amount.Sub(before.amount)
	switch {
	case !ok:
		q.wrong(r.line, "if the meter was changed or began again, divide the file there, or say -skip-bad-rows to leave a gap", "the register of %s goes back from %s, line %d, to %s",
			t.Meter, Amount(before.amount, t.Metric), before.line, Amount(r.amount, t.Metric))
		t.gap(before.from, r.from)
		t.drop()
		return nil
	case r.from-before.from > longest || by.Hi != 0 || by.Lo > 1<<62:
		q.wrong(r.line, "give readings in between", "more than 400 days, or more than can be counted, lie between line %d and this", before.line)
		t.gap(before.from, r.from)
		t.drop()
		return nil
	}
	if rating := q.f.feeds[r.meter].meter.Rating; t.Metric == metric.MeterEnergyJoules && rating > 0 && !within(by.Lo, rating, r.from-before.from) {
		q.wrong(r.line, "look at the unit, and for a digit too many", "%s since line %d is more than %s can draw, which is rated %g kW", kWh(by), before.line, t.Meter, float64(rating)/1e6)
		t.gap(before.from, r.from)
		t.drop()
		return nil
	}
	return q.cut(t, piece{before.from, r.from, by.Lo, worse(before.quality, r.quality)})
}

func (t *Track) count(r *record) {
	if !t.any {
		t.From = r.from
	}
	t.To = max(t.To, r.to)
	t.Rows++
	t.last, t.any = *r, true
}

func (t *Track) gap(from, to int64) {
	t.Gaps++
	t.GapTime += to - from
	if len(t.First) < mostGaps {
		t.First = append(t.First, Gap{from, to})
	}
}

// cut divides p at whole quarters of an hour, evenly in time, and puts together
// what belongs to one.
func (q *sequence) cut(t *Track, p piece) error {
	length := uint64(p.to - p.from)
	given := uint64(0)
	for at := p.from; at < p.to; {
		end := p.to
		up := at + quarter - mod(at, quarter) // the next edge
		switch down := p.to - mod(p.to, quarter); {
		case mod(at, quarter) != 0:
			end = min(up, p.to)
		case down > at:
			end = down
		}
		upTo, _ := bits.Div64(mul(p.amount, uint64(end-p.from), length))
		if err := q.put(t, piece{at, end, upTo - given, p.quality}); err != nil {
			return err
		}
		given, at = upTo, end
	}
	return nil
}

func mul(a, b, by uint64) (hi, lo, divisor uint64) {
	hi, lo = bits.Mul64(a, b)
	return hi, lo, by
}

// put yields p if it is of whole quarters, else what it completes.
func (q *sequence) put(t *Track, p piece) error {
	if a := &t.partial; a.to > a.from && a.to == p.from && mod(a.to, quarter) != 0 {
		a.to, a.amount, a.quality = p.to, a.amount+p.amount, worse(a.quality, p.quality)
	} else {
		t.drop()
		if mod(p.from, quarter) != 0 {
			t.Outside = plus(t.Outside, p.amount)
			return nil
		}
		t.partial = p
	}
	if mod(p.to, quarter) != 0 {
		return nil
	}
	done := t.partial
	t.partial = piece{}
	return q.yield(t, done)
}

// drop gives up a part of a quarter.
func (t *Track) drop() {
	t.Outside = plus(t.Outside, t.partial.amount)
	t.partial = piece{}
}

// plus is w + v; sums of a file fit.
func plus(w account.Wide, v uint64) account.Wide {
	sum, _ := w.Add(account.Wide{Lo: v})
	return sum
}
