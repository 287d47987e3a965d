package web

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
)

// bounded is an engine that refuses, before it runs, a query whose cost can be
// told from its text. What cannot be told, the engine's own limits of samples
// and time stop.
type bounded struct {
	engine   promql.QueryEngine
	language parser.Parser
	l        Limits
}

func (b *bounded) NewInstantQuery(ctx context.Context, q storage.Queryable, opts promql.QueryOpts, text string, at time.Time) (promql.Query, error) {
	text, err := b.check(ctx, opts, text)
	if err != nil {
		return nil, err
	}
	return b.engine.NewInstantQuery(ctx, q, opts, text, at)
}

func (b *bounded) NewRangeQuery(ctx context.Context, q storage.Queryable, opts promql.QueryOpts, text string, start, end time.Time, step time.Duration) (promql.Query, error) {
	if err := b.checkRange("time range", end.Sub(start)); err != nil {
		return nil, err
	}
	if n := int64(end.Sub(start) / step); n > int64(b.l.Points) { // as the API counts its own limit
		return nil, fmt.Errorf("%d points a series; the limit is %d: ask with a longer step", n, b.l.Points)
	}
	text, err := b.check(ctx, opts, text)
	if err != nil {
		return nil, err
	}
	return b.engine.NewRangeQuery(ctx, q, opts, text, start, end, step)
}

// check looks at the text alone, and gives it the bounds of whoever asks.
func (b *bounded) check(ctx context.Context, opts promql.QueryOpts, text string) (enforced string, err error) {
	if opts != nil {
		if err := b.checkRange("lookback delta", opts.LookbackDelta()); err != nil {
			return "", err
		}
	}
	expr, err := b.language.ParseExpr(text)
	if err != nil {
		return "", err
	}
	var wrong error
	parser.Inspect(expr, func(n parser.Node, above []parser.Node) error {
		switch n := n.(type) {
		case *parser.MatrixSelector:
			wrong = b.checkRange("range selector", n.Range)
		case *parser.SubqueryExpr:
			if wrong = b.checkRange("subquery", n.Range); wrong == nil {
				wrong = b.checkSubquery(n, above)
			}
		}
		return wrong // stops the walk
	})
	if wrong == nil && scopeOf(ctx).Enforce(expr) {
		text = expr.String()
	}
	return text, wrong
}

func (b *bounded) checkRange(what string, d time.Duration) error {
	if d > b.l.Range {
		return fmt.Errorf("%s of %v is longer than the limit of %v", what, model.Duration(d), model.Duration(b.l.Range))
	}
	return nil
}

// checkSubquery bounds the evaluations of one subquery, those that contain it
// included: each is at least a sample's worth of work.
func (b *bounded) checkSubquery(n *parser.SubqueryExpr, above []parser.Node) error {
	evaluations := steps(n)
	for _, p := range above {
		if outer, ok := p.(*parser.SubqueryExpr); ok {
			evaluations *= steps(outer)
		}
	}
	if evaluations > float64(b.l.Samples) {
		return fmt.Errorf("subquery of %v in steps of %v is evaluated %.0f times; the limit is %d",
			model.Duration(n.Range), model.Duration(n.Step), evaluations, b.l.Samples)
	}
	return nil
}

func steps(n *parser.SubqueryExpr) float64 {
	step := n.Step
	if step <= 0 {
		step = time.Minute // as the engine is told
	}
	return float64(n.Range)/float64(step) + 1
}
