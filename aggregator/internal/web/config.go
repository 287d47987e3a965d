package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/changes"
	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// A Ledger answers for energy. Times are milliseconds since 1970 UTC, on whole
// hours, of KPIs on whole minutes. It is asked from many goroutines at once.
type Ledger interface {
	Energy(account.Question) ([]account.Line, error)
	Explain(q account.Question, from, limit int) (*account.Explanation, error)
	KPIs(site string, q account.KPIQuestion) ([]account.KPI, error) // q.Now is its own to know
	Reconcile(site string, from, to int64, of []account.Stage) ([]account.Gap, error)
	Around(site string, c account.Calendar, t int64) (from, to int64)
	Today(site string, now time.Time) (from, to int64)
	Place(site string) *time.Location // where its days are cut
	Sites() []string
}

// Fleet is all sites.
type Fleet interface {
	Sites() []string
	Simulated(site string) bool
}

// Rules are the rules being evaluated and what they found.
type Rules interface {
	RuleGroups() []*rules.Group
	AlertingRules() []*rules.AlertingRule
}

// Config is what a Server needs.
type Config struct {
	Queryable storage.Queryable // time series; required
	Ledger    Ledger            // required

	Rules  Rules  // nil: there are none
	Alerts Alerts // in place of them; nil: Rules are asked
	// Status is what the status page shows of a site ("": of all); since is
	// what the caller saw last and is handed through. nil: not implemented.
	// sees says which sites it may tell of.
	Status func(ctx context.Context, sees func(site string) bool, site string, since int64) (any, error)
	Health Health // nil: not implemented

	Quarantine Quarantine // nil: not implemented

	Live    Live            // nil: not implemented
	Imports query.Imports   // nil: not implemented
	Reports query.Reports   // nil: not implemented
	Ready   func() []string // why the aggregator is not ready; nil: it is
	Page    http.Handler    // every path outside /api/ that no other route has; nil: not found

	// Checkpoint is how far the log of a site's ledger reaches, as it was signed, or
	// as a witness signed it too; [os.ErrNotExist] if it was not. nil: not implemented.
	Checkpoint func(site string, witnessed bool) ([]byte, error)

	// Changes keeps who changed what. nil: only the log of the program does.
	Changes *changes.Log

	// Fleet says which sites there are, whether or not anything is known of them yet.
	// nil: not implemented.
	Fleet Fleet

	// Where is where a site stands, in degrees. nil: it is not known of any.
	Where func(site string) (latitude, longitude float64, ok bool)

	Token    query.Secret   // who shows it, as a bearer token or as the password of Basic, may everything; zero: nobody
	Rights   *rights.Keeper // who else may what; nil: nobody. Without both, nothing is asked
	TLS      *tls.Config    // nil: plain HTTP
	Insecure bool           // the operator accepted to answer beyond loopback without a token or TLS

	Lookback time.Duration // how old a sample may be and still stand for now; 0: 5 minutes
	Version  string        // shown by /api/v1/status/buildinfo
	Limits   Limits
	Metrics  *metrics.Set // written by /metrics, and where the server counts; nil: one of its own
	Logger   *slog.Logger // nil: silent
}

// Limits bound what one request and all requests together may cost. A zero
// field takes the value of [DefaultLimits].
//
// Samples times Concurrent is what queries can hold in memory, at 16 bytes a
// sample before the answer is written.
type Limits struct {
	QueryBytes int           // length of a PromQL expression or a selector
	Matchers   int           // selectors of one series or labels request
	Range      time.Duration // from the first to the last instant asked for, and of a range selector
	Points     int           // points a series; never more than Prometheus' own 11,000
	Samples    int           // samples a query may hold at once
	Series     int           // series of one answer
	Values     int           // label names or values of one answer
	Intervals  int           // intervals of an energy or KPI answer
	Lines      int           // lines of an energy or KPI answer
	Body       int64         // bytes of a request body
	BodyTime   time.Duration // for a client to send it
	Timeout    time.Duration // for one request, once it runs
	Concurrent int           // requests that run at once, each for series, ledger and status
	Queue      int           // requests that wait for their turn, likewise
	Wait       time.Duration // longest wait for it
	Conns      int           // open connections
	ConnsEach  int           // of these, of one address; default half of them
	Streams    int           // of live power, at once
}

// DefaultLimits suit a site of 100,000 GPUs: 20 million samples is one range
// query of 200 steps that sums one metric of every GPU.
func DefaultLimits() Limits {
	return Limits{
		QueryBytes: 8192,
		Matchers:   64,
		Range:      400 * 24 * time.Hour,
		Points:     11_000,
		Samples:    20_000_000,
		Series:     10_000,
		Values:     100_000,
		Intervals:  11_000,
		Lines:      200_000,
		Body:       64 << 10,
		BodyTime:   10 * time.Second,
		Timeout:    30 * time.Second,
		Concurrent: max(2, min(8, runtime.GOMAXPROCS(0)-1)), // a query takes a core, and ingestion needs one too
		Queue:      256,                                     // all panels of half a dozen dashboards
		Wait:       30 * time.Second,
		Conns:      1024,
		Streams:    128,
	}
}

// filled is l with its zero fields set, or what is wrong with it.
func (l Limits) filled() (Limits, error) {
	d := DefaultLimits()
	for _, f := range []struct {
		name string
		v    *int
		d    int
	}{
		{"QueryBytes", &l.QueryBytes, d.QueryBytes},
		{"Matchers", &l.Matchers, d.Matchers},
		{"Points", &l.Points, d.Points},
		{"Samples", &l.Samples, d.Samples},
		{"Series", &l.Series, d.Series},
		{"Values", &l.Values, d.Values},
		{"Intervals", &l.Intervals, d.Intervals},
		{"Lines", &l.Lines, d.Lines},
		{"Concurrent", &l.Concurrent, d.Concurrent},
		{"Queue", &l.Queue, d.Queue},
		{"Conns", &l.Conns, d.Conns},
		{"Streams", &l.Streams, d.Streams},
	} {
		if *f.v < 0 {
			return l, fmt.Errorf("limit %s is %d; it must be positive", f.name, *f.v)
		}
		if *f.v == 0 {
			*f.v = f.d
		}
	}
	for _, f := range []struct {
		name string
		v    *time.Duration
		d    time.Duration
	}{
		{"Range", &l.Range, d.Range},
		{"Timeout", &l.Timeout, d.Timeout},
		{"Wait", &l.Wait, d.Wait},
		{"BodyTime", &l.BodyTime, d.BodyTime},
	} {
		if *f.v < 0 {
			return l, fmt.Errorf("limit %s is %v; it must be positive", f.name, *f.v)
		}
		if *f.v == 0 {
			*f.v = f.d
		}
	}
	if l.ConnsEach < 0 {
		return l, fmt.Errorf("limit ConnsEach is %d; it must be positive", l.ConnsEach)
	}
	if l.ConnsEach == 0 { // Grafana is one, and so is a proxy with everybody behind it
		l.ConnsEach = (l.Conns + 1) / 2
	}
	if l.Body < 0 {
		return l, fmt.Errorf("limit Body is %d; it must be positive", l.Body)
	}
	if l.Body == 0 {
		l.Body = d.Body
	}
	if l.Points > d.Points {
		return l, fmt.Errorf("limit Points is %d; Prometheus' API allows no more than %d", l.Points, d.Points)
	}
	return l, nil
}

// A Server answers HTTP requests. It is made once and never changes.
type Server struct {
	c      Config
	l      Limits
	log    *slog.Logger
	routes []route
	mux    *http.ServeMux
	gates  map[lane]*gate
	tally  *tally

	streams *streams
	master  *rights.Principal // who may everything
}

// New is a server of what c holds.
func New(c Config) (*Server, error) {
	if c.Queryable == nil || c.Ledger == nil {
		return nil, errors.New("query server needs a queryable and a ledger")
	}
	l, err := c.Limits.filled()
	if err != nil {
		return nil, err
	}
	if c.Metrics == nil {
		c.Metrics = metrics.NewSet()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Lookback == 0 {
		c.Lookback = 5 * time.Minute
	}
	s := &Server{c: c, l: l, log: c.Logger, mux: http.NewServeMux(), gates: map[lane]*gate{}, master: rights.Master()}
	s.routes = s.table(newPrometheus(c, l))
	if err := checkPolicies(s.routes); err != nil {
		return nil, err
	}
	s.tally = newTally(c.Metrics, s.routes)
	for _, name := range []lane{seriesLane, ledgerLane, statusLane} {
		s.gates[name] = newGate(name, l.Concurrent, l.Queue, l.Wait, c.Metrics)
	}
	s.gates[streamLane] = newGate(streamLane, l.Streams, 0, l.Wait, c.Metrics)
	s.streams = newStreams(c.Live, c.Metrics)
	s.gates[receiptLane] = newGate(receiptLane, receipts, receipts, l.Wait, c.Metrics)
	s.gates[reportLane] = newGate(reportLane, reportsAtOnce, reportQueue, l.Wait, c.Metrics)
	s.gates[importLane] = newGate(importLane, 1, importQueue, l.Wait, c.Metrics) // the books take one at a time
	for i := range s.routes {
		s.mux.Handle(s.routes[i].path, s.guard(&s.routes[i]))
	}
	return s, nil
}
