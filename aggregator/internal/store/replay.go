package store

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Replay reads back at full rate what the agents of a host said since a time,
// agent by agent, in the order it came; site "" is any. The values are valid
// during the call only.
type Replay func(ctx context.Context, site, host string, since time.Time, yield func(site string, l *metric.Layout, millis int64, values []metric.Raw) error) error

// reach is how far back a replay goes: what the telemetry lane keeps.
const reach = 30 * time.Minute

// Replaying is a Store whose queries for one host see the last half hour at
// full rate: what Replay yields is merged into what is stored, in the same form.
// A query is for one host if its selector says host="…"; others are answered by
// the store alone, and so is, with a warning, what cannot be read back.
type Replaying struct {
	*Store
	Replay Replay
	Limit  int // readings that one selector may take; 0 stands for 4,000,000, at 16 bytes each
}

// Querier reads the store, and the replay beside it.
func (r *Replaying) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := r.Store.Querier(mint, maxt)
	if err != nil {
		return nil, err
	}
	oldest := r.config.Now().Add(-reach).UnixMilli()
	if maxt < oldest {
		return q, nil
	}
	full := &replayQuerier{Querier: storage.NoopQuerier(), r: r, mint: max(mint, oldest), maxt: maxt}
	// As a secondary its errors are warnings.
	return storage.NewMergeQuerier([]storage.Querier{q}, []storage.Querier{full}, storage.ChainedSeriesMerge), nil
}

type replayQuerier struct {
	storage.Querier // names and values of labels are the store's
	r               *Replaying
	mint, maxt      int64
}

// Select replays if the query is for one host and finer than what is stored.
func (q *replayQuerier) Select(ctx context.Context, _ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	host, site := pinned(matchers, "host"), pinned(matchers, "site")
	if host == "" || hints == nil || hints.Func == "series" || hints.Step >= q.r.config.Interval.Milliseconds() {
		return storage.EmptySeriesSet()
	}
	from, to := max(hints.Start, q.mint), min(hints.End, q.maxt)
	if from > to {
		return storage.EmptySeriesSet()
	}
	p := newPlayer(matchers, from, to, q.r.Limit)
	if err := q.r.Replay(ctx, site, host, time.UnixMilli(from), p.take); err != nil {
		return storage.ErrSeriesSet(err)
	}
	return &seriesSet{list: p.series(), at: -1}
}

// pinned is the value that a matcher fixes the label to; "" if none does.
func pinned(matchers []*labels.Matcher, name string) string {
	for _, m := range matchers {
		if m.Name == name && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}

type seriesSet struct {
	list []storage.Series
	at   int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.list) }
func (s *seriesSet) At() storage.Series                { return s.list[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }
