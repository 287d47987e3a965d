package rights

import (
	"context"
	"errors"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// Enforce gives every selector of expr the matchers of s, and reports whether
// there are any.
func (s *Scope) Enforce(expr parser.Expr) bool {
	bounds := s.bounds()
	if len(bounds) == 0 {
		return false
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			v.LabelMatchers = narrowed(v.LabelMatchers, bounds)
			if !model.LegacyValidation.IsValidMetricName(v.Name) {
				v.Name = "" // its matcher says it, in quotes
			}
		}
		return nil
	})
	return true
}

// bounds are the matchers that a read on s's behalf needs; those of the zero Scope
// match nothing.
func (s *Scope) bounds() []*labels.Matcher {
	if !s.every && len(s.sites) == 0 {
		return []*labels.Matcher{among("site", nil)}
	}
	return s.matchers
}

// narrowed is ms with those of bounds that it lacks, in a slice of its own.
func narrowed(ms, bounds []*labels.Matcher) []*labels.Matcher {
	out := append(make([]*labels.Matcher, 0, len(ms)+len(bounds)), ms...)
	for _, b := range bounds {
		if !hasMatcher(ms, b) {
			out = append(out, b)
		}
	}
	return out
}

func hasMatcher(ms []*labels.Matcher, b *labels.Matcher) bool {
	for _, m := range ms {
		if m.Name == b.Name && m.Type == b.Type && m.Value == b.Value {
			return true
		}
	}
	return false
}

// Storage is a store of which everybody sees their part: whoever is in the context
// of a read. It is the second wall behind [Scope.Enforce], and the only one of
// reads that no expression makes.
type Storage struct{ storage.Queryable }

// Querier implements storage.Queryable.
func (s Storage) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := s.Queryable.Querier(mint, maxt)
	if err != nil {
		return nil, err
	}
	return &querier{q}, nil
}

type querier struct{ storage.Querier }

// errNobody is of a read that nobody was let in for.
var errNobody = errors.New("time series are read on nobody's behalf")

// bounds are those of the principal in ctx; none is true if nothing that ms ask for
// can be within them.
func bounds(ctx context.Context, ms []*labels.Matcher) (bs []*labels.Matcher, none bool, err error) {
	p := From(ctx)
	if p == nil {
		return nil, false, errNobody
	}
	bs = p.Scope.bounds()
	for _, b := range bs {
		for _, m := range ms {
			// The store could be told to find that out, but how long that takes, and what
			// it warns of, would say something of what is there.
			if m.Name == b.Name && m.Type == labels.MatchEqual && !b.Matches(m.Value) {
				return bs, true, nil
			}
		}
	}
	return bs, false, nil
}

// Select implements storage.Querier.
func (q *querier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	bs, none, err := bounds(ctx, ms)
	switch {
	case err != nil:
		return storage.ErrSeriesSet(err)
	case none:
		return storage.EmptySeriesSet()
	}
	return q.Querier.Select(ctx, sorted, hints, narrowed(ms, bs)...)
}

// LabelValues implements storage.Querier.
func (q *querier) LabelValues(ctx context.Context, name string, hints *storage.LabelHints, ms ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	bs, none, err := bounds(ctx, ms)
	if err != nil || none {
		return nil, nil, err
	}
	return q.Querier.LabelValues(ctx, name, hints, narrowed(ms, bs)...)
}

// LabelNames implements storage.Querier.
func (q *querier) LabelNames(ctx context.Context, hints *storage.LabelHints, ms ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	bs, none, err := bounds(ctx, ms)
	if err != nil || none {
		return nil, nil, err
	}
	return q.Querier.LabelNames(ctx, hints, narrowed(ms, bs)...)
}
