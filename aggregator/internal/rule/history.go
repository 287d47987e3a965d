package rule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// history keeps what fires as the series that Prometheus keeps of its own alerts:
// ALERTS{alertname, alertstate, …} is 1 while it does.
type history struct {
	store   storage.Appendable
	written map[string]shownAs // by the alert's id
	last    int64
}

// shownAs is how an alert was last written.
type shownAs struct {
	labels []metric.Pair
	phase  Phase
}

type point struct {
	labels []metric.Pair
	phase  Phase
	value  float64
}

const (
	historyEvery  = 15_000 // ms
	historySeries = 10_000 // at most
)

func newHistory(s storage.Appendable) *history {
	return &history{store: s, written: map[string]shownAs{}}
}

// due is what to write now: what changed, and from time to time all.
func (h *history) due(alerts map[string]*alert, now int64) (points []point) {
	all := now-h.last >= historyEvery
	if all {
		h.last = now
	}
	for id, was := range h.written {
		if a := alerts[id]; a == nil || a.phase != was.phase {
			points = append(points, point{was.labels, was.phase, math.Float64frombits(value.StaleNaN)})
			delete(h.written, id)
		}
	}
	for id, a := range alerts {
		_, known := h.written[id]
		if a.phase == Ended || known && !all || !known && len(h.written) >= historySeries {
			continue
		}
		h.written[id] = shownAs{a.labels, a.phase}
		points = append(points, point{a.labels, a.phase, 1})
	}
	return points
}

// shown is what Prometheus calls a phase.
func (p Phase) shown() string {
	if p == Mustered {
		return Pending.String()
	}
	return p.String()
}

func (h *history) write(log *slog.Logger, points []point, now int64) {
	if len(points) == 0 {
		return
	}
	if err := h.append(points, now); err != nil {
		log.Warn("history of alerts is not whole", "error", err)
	}
}

func (h *history) append(points []point, now int64) error {
	app := h.store.Appender(context.Background())
	var errs []error
	b := labels.NewScratchBuilder(16)
	for _, p := range points {
		b.Reset()
		b.Add(model.MetricNameLabel, "ALERTS")
		b.Add("alertstate", p.phase.shown())
		for _, l := range p.labels {
			b.Add(l.Name, l.Value)
		}
		b.Sort()
		if _, err := app.Append(0, b.Labels(), now, p.value); err != nil && !errors.Is(err, storage.ErrOutOfOrderSample) && !errors.Is(err, storage.ErrDuplicateSampleForTimestamp) {
			errs = append(errs, err)
		}
	}
	if err := app.Commit(); err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return fmt.Errorf("store %d alerts: %w", len(points), errs[0])
	}
	return nil
}

// end ends all series.
func (h *history) end(log *slog.Logger, now int64) {
	var points []point
	for _, was := range h.written {
		points = append(points, point{was.labels, was.phase, math.Float64frombits(value.StaleNaN)})
	}
	clear(h.written)
	h.write(log, points, now)
}
