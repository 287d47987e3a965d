package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// siteLabel is the label that every series has.
const siteLabel = "site"

// siteLast reads a block, or the head, as the TSDB does, but looks at the site of a
// series last. Every series has one: its list of postings is as long as the index,
// and the TSDB sums the list up, 19 MB a block of a gigafactory, for each selector
// that says it, though it asks for four series.
//
//	{__name__, boundary, site} ─▶ {__name__, boundary} ─▶ TSDB ─▶ series ─▶ those of the site
type siteLast struct{ storage.Querier }

// readBlock is the store's [tsdb.BlockQuerierFunc].
func readBlock(b tsdb.BlockReader, mint, maxt int64) (storage.Querier, error) {
	q, err := tsdb.NewBlockQuerier(b, mint, maxt)
	if err != nil {
		return nil, fmt.Errorf("read block: %w", err)
	}
	return &siteLast{q}, nil
}

// Select finds the same series as the TSDB does.
func (q *siteLast) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	of, rest := partSite(ms)
	if len(of) == 0 || !q.worth(ctx, rest) {
		return q.Querier.Select(ctx, sorted, hints, ms...)
	}
	return &ofSite{SeriesSet: q.Querier.Select(ctx, sorted, hints, rest...), ms: of}
}

// partSite parts the matchers of the site from the others.
func partSite(ms []*labels.Matcher) (of, rest []*labels.Matcher) {
	for _, m := range ms {
		if m.Name == siteLabel {
			of = append(of, m)
		} else {
			rest = append(rest, m)
		}
	}
	return of, rest
}

// worth reports whether few series of other sites can be among those that the rest
// of a selector finds: there is one site, or it asks for one place, or for a metric
// of few.
func (q *siteLast) worth(ctx context.Context, rest []*labels.Matcher) bool {
	named := false
	for _, m := range rest {
		if m.Type != labels.MatchEqual || m.Value == "" {
			continue
		}
		if m.Name == model.MetricNameLabel {
			named = true
			if d := metric.ByName(m.Value); d != nil && slices.Contains(fewOf[:], d.Entity) {
				return true
			}
		}
	}
	if !named {
		return false
	}
	for _, m := range rest {
		if m.Type == labels.MatchEqual && m.Value != "" && slices.Contains(onePlace[:], m.Name) {
			return true
		}
	}
	sites, _, err := q.LabelValues(ctx, siteLabel, nil)
	return err == nil && len(sites) <= 1
}

// fewOf are the kinds of things of which a site has few.
var fewOf = [...]metric.EntityKind{metric.Site, metric.Hall, metric.Rack, metric.Meter}

// onePlace are labels that tell a place, or a thing at it.
var onePlace = [...]string{"rack", "host", "uuid", "job", "meter"}

// ofSite is what of a set is of the site that is asked for.
type ofSite struct {
	storage.SeriesSet
	ms []*labels.Matcher
	at storage.Series
}

func (s *ofSite) Next() bool {
	for s.SeriesSet.Next() {
		s.at = s.SeriesSet.At()
		site := s.at.Labels().Get(siteLabel)
		if !slices.ContainsFunc(s.ms, func(m *labels.Matcher) bool { return !m.Matches(site) }) {
			return true
		}
	}
	return false
}

func (s *ofSite) At() storage.Series { return s.at }
