package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/grafana/regexp"
	promroute "github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	promapi "github.com/prometheus/prometheus/web/api/v1"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

const apiPrefix = "/api/v1"

// prometheus is Prometheus' own HTTP API over our storage. It would answer
// more paths than our table has; only the table's reach it.
type prometheus struct{ router *promroute.Router }

func (p *prometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.router.ServeHTTP(w, r) }

func newPrometheus(c Config, l Limits) *prometheus {
	language := parser.NewParser(parser.Options{})
	engine := promql.NewEngine(promql.EngineOpts{
		Logger:                   c.Logger,
		MaxSamples:               l.Samples,
		Timeout:                  l.Timeout,
		LookbackDelta:            c.Lookback,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		Parser:                   language,
	})
	var found Rules = noRules{}
	if c.Rules != nil {
		found = c.Rules
	}
	api := promapi.NewAPI(
		&bounded{engine, language, l},
		sampleQueryable{rights.Storage{Queryable: c.Queryable}},
		nil, nil, nil, // no appenders, no exemplars
		nil, nil, nil, // no scrape pools, targets, alertmanagers
		func() config.Config { return config.Config{} },
		nil, // flags
		promapi.GlobalURLOptions{},
		func(h http.HandlerFunc) http.HandlerFunc { return h }, // readiness is /readyz
		nil, "", // no TSDB administration
		false, false, 0, // no admin, no search
		slog.New(slog.DiscardHandler), // it logs clients that go away as errors; the tally has them
		func(context.Context) promapi.RulesRetriever { return found },
		0, 0, 0, // remote read
		false,                      // not an agent
		regexp.MustCompile(`\b\B`), // no origin may read across sites
		nil,                        // runtime information
		&promapi.PrometheusVersion{Version: c.Version, GoVersion: runtime.Version()},
		nil, nil, nil, nil, nil, // notifications, own metrics, statistics
		false, nil, // remote write
		false, false, false, // OTLP
		false, // start timestamps
		c.Lookback,
		false, false, // type labels, metadata appends
		overdue,
		nil, // features
		promapi.OpenAPIOptions{},
		language,
	)
	p := &prometheus{promroute.New().WithPrefix(apiPrefix)}
	api.Register(p.router)
	return p
}

// overdue gives a request that ran out of time the same status wherever it was.
// N is the API's own, unexported number of the kind of error.
func overdue[N any](_ N, err error) (int, bool) {
	if errors.Is(err, context.DeadlineExceeded) {
		return query.Timeout.Status(), true
	}
	return 0, false
}

// cut has p answer, with the parameter that bounds its lists set to at most
// most; what the API cuts, it says in a warning.
func (s *Server) cut(p *prometheus, parameter string, most int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if n := len(r.Form["match[]"]); n > s.l.Matchers {
			s.fail(w, r, badParameter("match[]", "%d selectors; the limit is %d", n, s.l.Matchers))
			return
		}
		for _, name := range []string{"match[]", "query"} {
			for _, v := range r.Form[name] {
				if len(v) > s.l.QueryBytes {
					s.fail(w, r, badParameter(name, "%d bytes long; the limit is %d", len(v), s.l.QueryBytes))
					return
				}
			}
		}
		v := r.Form.Get(parameter)
		if n, err := strconv.Atoi(v); v == "" || err == nil && (n == 0 || n > most) {
			r.Form.Set(parameter, strconv.Itoa(most))
		}
		p.ServeHTTP(w, r)
	}
}

// sampleQueryable lends a Queryable the half that only remote read would ask.
type sampleQueryable struct{ storage.Queryable }

func (sampleQueryable) ChunkQuerier(int64, int64) (storage.ChunkQuerier, error) {
	return nil, errors.New("chunks are not served")
}

type noRules struct{}

func (noRules) RuleGroups() []*rules.Group           { return nil }
func (noRules) AlertingRules() []*rules.AlertingRule { return nil }
