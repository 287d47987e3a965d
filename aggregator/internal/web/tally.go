package web

import (
	"fmt"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// Names of the server's own metrics.
const (
	MetricRequests = "gigawatch_http_requests_total"           // route, code
	MetricDuration = "gigawatch_http_request_duration_seconds" // route
	MetricInFlight = "gigawatch_http_requests_in_flight"
	MetricRejected = "gigawatch_http_rejected_total" // reason
	MetricSent     = "gigawatch_http_response_bytes_total"
)

// unmatched is the route of a request that no route answers.
const unmatched = "none"

// A rejection is why a request did not reach its handler.
type rejection uint8

const (
	rejectPath rejection = iota
	rejectMethod
	rejectHost
	rejectToken
	rejectRights
	rejectBody
	rejectBusy
	rejectGone
	rejections
)

var rejectionNames = [rejections]string{"path", "method", "host", "token", "rights", "body", "busy", "gone"}

// A tally counts requests. Its sets of labels are closed: routes of the table,
// three-digit codes, rejections.
type tally struct {
	set      *metrics.Set
	inFlight *metrics.Gauge
	sent     *metrics.Counter
	rejected [rejections]*metrics.Counter
	duration map[string]*metrics.PrometheusHistogram
}

// durations, in seconds, from a cached label to a query at its deadline.
var durations = []float64{0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60}

func newTally(set *metrics.Set, routes []route) *tally {
	t := &tally{
		set:      set,
		inFlight: set.NewGauge(MetricInFlight, nil),
		sent:     set.NewCounter(MetricSent),
		duration: map[string]*metrics.PrometheusHistogram{},
	}
	for i, name := range rejectionNames {
		t.rejected[i] = set.NewCounter(fmt.Sprintf(`%s{reason=%q}`, MetricRejected, name))
	}
	for _, path := range append([]string{unmatched}, paths(routes)...) {
		t.duration[path] = set.NewPrometheusHistogramExt(fmt.Sprintf(`%s{route=%q}`, MetricDuration, path), durations)
	}
	return t
}

func paths(routes []route) []string {
	var ps []string
	for i := range routes {
		ps = append(ps, routes[i].path)
	}
	return ps
}

// begin counts a request in; what it returns counts it out.
func (t *tally) begin(a *answer) (done func()) {
	start := time.Now()
	t.inFlight.Inc()
	return func() {
		t.inFlight.Dec()
		t.sent.AddInt64(a.bytes)
		t.duration[a.route].UpdateDuration(start)
		t.set.GetOrCreateCounter(fmt.Sprintf(`%s{route=%q,code="%d"}`, MetricRequests, a.route, a.status())).Inc()
	}
}

// An answer remembers what was written to it.
type answer struct {
	http.ResponseWriter
	route string
	code  int
	bytes int64

	finished bool // the handler returned; else it panicked
}

func (a *answer) status() int {
	switch {
	case !a.finished:
		return http.StatusInternalServerError
	case a.code == 0:
		return http.StatusOK
	}
	return a.code
}

func (a *answer) WriteHeader(code int) {
	if a.code == 0 {
		a.code = code
	}
	a.ResponseWriter.WriteHeader(code)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.code == 0 {
		a.code = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
