package rule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"

	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

const (
	askEvery   = 5 * time.Second
	askTimeout = 4 * time.Second
	askSamples = 5_000_000
	// askBack is how old a sample may be and still stand for now: the store writes
	// what does not change once in two minutes, and an interval late.
	askBack = oldest + 20*time.Second
	// askAfter is how long after the start the first question is: before, who reports
	// has not been heard.
	askAfter = 30 * time.Second
)

// asking evaluates the rules that are PromQL in Prometheus' rules manager. For and
// hold are the set's; the manager says what is true.
type asking struct {
	manager *rules.Manager
	ask     rules.QueryFunc
	recent  *recent
	byExpr  map[string][]*compiled

	mu   sync.Mutex
	runs map[*compiled]*asked
}

// asked is how a rule's question went.
type asked struct {
	at    time.Time
	took  time.Duration
	err   error
	found int
}

func newAsking(e *Evaluator) (*asking, error) {
	language := parser.NewParser(parser.Options{})
	engine := promql.NewEngine(promql.EngineOpts{
		Logger: e.log, MaxSamples: askSamples, Timeout: askTimeout, LookbackDelta: askBack, EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return askEvery.Milliseconds() }, Parser: language,
	})
	x := &asking{byExpr: map[string][]*compiled{}, runs: map[*compiled]*asked{}}
	group := rulefmt.RuleGroup{Name: groupName, Interval: model.Duration(askEvery)}
	var errs []error
	for _, c := range e.rules {
		if c.Ask == "" {
			continue
		}
		expr, err := language.ParseExpr(c.Ask)
		if err != nil {
			errs = append(errs, fmt.Errorf("rule %q: %w", c.Name, err))
			continue
		}
		for name, text := range map[string]string{"known": c.Known, "still": c.Still} {
			if text == "" {
				continue
			}
			if _, err := language.ParseExpr(text); err != nil {
				errs = append(errs, fmt.Errorf("rule %q: %s: %w", c.Name, name, err))
			}
		}
		key := expr.String()
		if len(x.byExpr[key]) == 0 {
			group.Rules = append(group.Rules, rulefmt.Rule{Alert: c.Name, Expr: c.Ask})
		}
		x.byExpr[key] = append(x.byExpr[key], c)
		x.runs[c] = &asked{}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	x.recent = newRecent(e.c.Store, language, e.rules)
	ask := rules.EngineQueryFunc(engine, x.recent)
	x.ask = ask
	x.manager = rules.NewManager(&rules.ManagerOptions{
		QueryFunc: func(ctx context.Context, q string, t time.Time) (promql.Vector, error) {
			began := time.Now()
			v, err := ask(ctx, q, t)
			x.note(q, began, len(v), err)
			return v, err
		},
		NotifyFunc: func(ctx context.Context, expr string, alerts ...*rules.Alert) {
			now := time.Now()
			for c, gone := range e.take(x.byExpr[expr], alerts, now.UnixMilli()) {
				e.ends(gone, x.found(ctx, e, c, c.Known, now), x.found(ctx, e, c, c.Still, now), now.UnixMilli())
			}
		},
		Context:    context.Background(),
		Appendable: nowhere{}, Queryable: e.c.Store, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
		GroupLoader: loader{group, language}, Parser: language,
	})
	return x, nil
}

// run evaluates until ctx ends. Rules that were loaded wait for the manager to run,
// and the manager's end for them: so they are loaded when it is about to.
func (x *asking) run(ctx context.Context, log *slog.Logger) {
	wait := time.NewTimer(askAfter)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return
	case <-wait.C:
	}
	if err := x.manager.Update(askEvery, []string{groupName}, labels.EmptyLabels(), "", nil); err != nil {
		log.Error("rules that ask are not evaluated", "error", err)
		return
	}
	go x.manager.Run()
	<-ctx.Done()
	x.manager.Stop()
}

// groupName is of the rules that ask.
const groupName = "gigawatch"

func (x *asking) note(expr string, began time.Time, found int, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range x.byExpr[expr] {
		*x.runs[c] = asked{began, time.Since(began), err, found}
	}
}

// longestGap is for how long an alert stands of which nobody can say any more whether
// it still is so.
const longestGap = time.Hour

// found are the values of things, by the ids of their alerts, that another question of
// c's rule returns; nil if there is none.
func (x *asking) found(ctx context.Context, e *Evaluator, c *compiled, question string, now time.Time) (values map[string]float64) {
	if question == "" {
		return nil
	}
	values = map[string]float64{}
	v, err := x.ask(ctx, question, now)
	if err != nil {
		e.log.Warn("it is not known whether alerts are over", "rule", c.Name, "error", err)
	}
	for _, s := range v {
		values[e.askedOf(c, s.Metric).id()] = s.F
	}
	return values
}

// ends ends those of alerts that are known not to be so any more. Those of which
// nothing is known stay for a while, for what an alert is about may well have ended
// who reads it; and so do those that fire and are still near their bound.
func (e *Evaluator) ends(alerts []*alert, known, still map[string]float64, now int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range alerts {
		_, seen := known[a.id]
		value, near := still[a.id]
		switch {
		case a.known == now: // it was found meanwhile
		case known != nil && !seen && now-a.known < longestGap.Milliseconds():
			if a.gap == 0 {
				a.gap = a.known
			}
		case near && a.fires() && (known == nil || seen):
			a.known, a.gap, a.value = now, 0, value
		default:
			a.gap = 0
			e.over(a, a.bits, now)
		}
	}
}

// take makes alerts of what a question found, and ends what it does not find any
// more; gone are those of which it is to be asked first whether they are known. Of a
// site of which nothing is heard all stays as it is.
func (e *Evaluator) take(of []*compiled, alerts []*rules.Alert, now int64) (gone map[*compiled][]*alert) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range of {
		found := map[string]bool{}
		for _, r := range alerts {
			if r.State == rules.StateInactive {
				continue
			}
			x := e.askedOf(c, r.Labels)
			if s := e.sites[x.get("site")]; s != nil && s.blind {
				continue
			}
			a := e.raise(c, x, 1, r.ActiveAt.UnixMilli(), now, r.Value, "")
			found[a.id] = true
		}
		for id, a := range e.alerts {
			if a.rule != c || found[id] || !a.stands() || a.restored && now-a.orphaned < unheard.Milliseconds() {
				continue // what was kept may be read later than it is asked for
			}
			switch s := e.sites[a.place.site]; {
			case s != nil && s.blind:
			case c.Known == "" && c.Still == "":
				e.over(a, 1, now)
			default:
				if gone == nil {
					gone = map[*compiled][]*alert{}
				}
				gone[c] = append(gone[c], a)
			}
		}
	}
	return gone
}

// askedOf is the identity of a series that a question returned.
func (e *Evaluator) askedOf(c *compiled, ls labels.Labels) identity {
	var own []metric.Pair
	for _, name := range append(c.Level.Labels(), c.Extra...) {
		own = append(own, metric.Pair{Name: name, Value: ls.Get(name)})
	}
	if c.Level == table.Aggregator && ls.Get("instance") == "" {
		own = append(own, metric.Pair{Name: "instance", Value: e.c.Self})
	}
	return label(c, ls.Get("simulated") == "true", own...)
}

// loader gives the manager the table.
type loader struct {
	group    rulefmt.RuleGroup
	language parser.Parser
}

func (l loader) Load(string, bool, model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	return &rulefmt.RuleGroups{Groups: []rulefmt.RuleGroup{l.group}}, nil
}

func (l loader) Parse(query string) (parser.Expr, error) { return l.language.ParseExpr(query) }

// nowhere takes what the manager would store: the set keeps its own history.
type nowhere struct{}

func (nowhere) Appender(context.Context) storage.Appender { return discard{} }

type discard struct{ storage.Appender }

func (discard) Append(storage.SeriesRef, labels.Labels, int64, float64) (storage.SeriesRef, error) {
	return 0, nil
}
func (discard) SetOptions(*storage.AppendOptions) {}
func (discard) Commit() error                     { return nil }
func (discard) Rollback() error                   { return nil }
