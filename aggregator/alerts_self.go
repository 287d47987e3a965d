package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	promvalue "github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
)

// self keeps the aggregator's own metrics as series, as a Prometheus that scrapes it
// would: rules and dashboards look at them too.
type self struct {
	store    storage.Appendable
	alerts   *rule.Evaluator // looks at them wherever they can be stored; nil: nobody does
	set      *metrics.Set
	instance string
	log      *slog.Logger
	known    map[string]labels.Labels // series that had a value when they were last kept
}

const (
	selfEvery  = 10 * time.Second
	selfSeries = 5000
)

func newSelf(s storage.Appendable, alerts *rule.Evaluator, set *metrics.Set, instance string, log *slog.Logger) *self {
	return &self{s, alerts, set, instance, log, map[string]labels.Labels{}}
}

// Run keeps until ctx ends.
func (s *self) Run(ctx context.Context) error {
	every := time.NewTicker(selfEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-every.C:
			if err := s.keep(now.UnixMilli()); err != nil {
				s.log.Warn("own metrics are not kept", "error", err)
			}
		}
	}
}

// keep appends what the metrics are now, and ends the series that are no more. What
// the store refuses alerts know all the same: they tell that it does.
func (s *self) keep(now int64) error {
	var text bytes.Buffer
	s.set.WritePrometheus(&text)
	app := s.store.Appender(context.Background())
	symbols := labels.NewSymbolTable()
	p := textparse.NewPromParser(text.Bytes(), symbols, false)
	seen := map[string]labels.Labels{}
	var failed error
	b := labels.NewBuilder(labels.EmptyLabels())
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(fmt.Errorf("read own metrics: %w", err), app.Rollback())
		}
		if entry != textparse.EntrySeries {
			continue
		}
		series, _, v := p.Series()
		name, _, _ := strings.Cut(string(series), "{")
		if !strings.HasPrefix(name, "gigawatch_") || strings.HasSuffix(name, "_bucket") || len(seen) >= selfSeries || math.IsNaN(v) {
			continue
		}
		var ls labels.Labels
		p.Labels(&ls)
		b.Reset(ls)
		b.Set("instance", s.instance)
		if site := ls.Get("site"); site != "" && s.alerts != nil && s.alerts.Simulated(site) {
			b.Set("simulated", "true")
		}
		ls = b.Labels()
		seen[string(series)] = ls
		if s.alerts != nil {
			s.alerts.Remember(ls, now, v)
		}
		if failed != nil {
			continue
		}
		if _, err := app.Append(0, ls, now, v); err != nil && !errors.Is(err, storage.ErrOutOfOrderSample) && !errors.Is(err, storage.ErrDuplicateSampleForTimestamp) {
			failed = fmt.Errorf("store %s: %w", series, err)
		}
	}
	if failed != nil {
		return errors.Join(failed, app.Rollback())
	}
	for key, ls := range s.known {
		if _, still := seen[key]; !still {
			if s.alerts != nil {
				s.alerts.Remember(ls, now, math.Float64frombits(promvalue.StaleNaN))
			}
			if _, err := app.Append(0, ls, now, math.Float64frombits(promvalue.StaleNaN)); err != nil && !errors.Is(err, storage.ErrOutOfOrderSample) {
				return errors.Join(fmt.Errorf("end %s: %w", key, err), app.Rollback())
			}
		}
	}
	s.known = seen
	if err := app.Commit(); err != nil {
		return fmt.Errorf("store own metrics: %w", err)
	}
	return nil
}
