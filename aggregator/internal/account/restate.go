package account

import (
	"errors"
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// errNotRestated says what a restated batch has to be like.
var errNotRestated = errors.New("a restated batch has ticks of a quarter of an hour, on quarters")

// Restatement is what a batch that restates says of the grid, in the order in
// which it counts.
func Restatement(b *metric.Batch) ([]Revision, error) {
	l := b.Layout
	if l == nil || b.Ticks < 1 || b.Interval != quarter || b.Time < 0 || b.Time%quarter != 0 || b.Time > 1<<45 {
		return nil, errNotRestated
	}
	if err := l.Check(); err != nil {
		return nil, err
	}
	width := l.Width()
	if len(b.Values) != b.Ticks*width {
		return nil, fmt.Errorf("batch of %d values for %d ticks of %d", len(b.Values), b.Ticks, width)
	}
	var list []Revision
	at := 0
	for _, c := range l.Columns {
		k, ok := gridKindOf(&c)
		for i := range c.Count {
			e := &l.Entities[c.First+i]
			if !ok || e.Kind != metric.Zone {
				continue // of a program that restates more than this one knows
			}
			r := Revision{
				Kind: k, Zone: e.Name, Provider: e.Label(metric.LabelProvider), Tier: e.Label(metric.LabelTier), Set: e.Label(metric.LabelSet),
				Reason: e.Label(metric.LabelReason),
			}
			found, err := time.Parse(time.RFC3339Nano, e.Label(metric.LabelFound))
			if err != nil {
				return nil, fmt.Errorf("restated %s of %s: found at no time: %w", k, e.Name, err)
			}
			r.take(b, at+i, width, found.UnixMilli())
			if len(r.Intervals) > 0 {
				if err := r.Check(); err != nil {
					return nil, err
				}
				list = append(list, r)
			}
		}
		at += c.Count
	}
	return list, nil
}

// take takes the figures of a column, those together that go on alike.
func (r *Revision) take(b *metric.Batch, at, width int, found int64) {
	for t := range b.Ticks {
		v := b.Values[t*width+at]
		if v == metric.Missing {
			continue
		}
		i := Interval{From: b.Time + int64(t)*quarter, Value: v.Float(), Fetched: found}
		i.To = i.From + quarter
		if n := len(r.Intervals) - 1; n >= 0 {
			if last := &r.Intervals[n]; last.To == i.From && last.Value == i.Value && i.To-last.From <= 24*hour {
				last.To = i.To
				continue
			}
		}
		r.Intervals = append(r.Intervals, i)
	}
}
