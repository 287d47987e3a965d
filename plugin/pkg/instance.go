package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/instancemgmt"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	"github.com/grafana/grafana-plugin-sdk-go/backend/resource/httpadapter"
	"github.com/grafana/grafana-plugin-sdk-go/backend/tracing"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// An instance is one data source, from when it is configured to when it is
// configured anew.
type instance struct {
	backend.CallResourceHandler

	settings *settings
	fleet    *fleet
	streams  chan struct{} // a place for each that is open
	dropped  atomic.Uint64 // seconds that a slow reader of a stream did not get
	log      log.Logger
	ctx      context.Context
	end      context.CancelFunc
}

// errSettings is what people wrote into the data source's settings.
var errSettings = errors.New("settings")

// newInstance is what Grafana's settings describe. What is wrong with them, every
// question and Save & test then say.
func newInstance(_ context.Context, s backend.DataSourceInstanceSettings) (instancemgmt.Instance, error) {
	read, err := readSettings(s)
	if err != nil {
		return nil, backend.DownstreamError(fmt.Errorf("%w: %w", errSettings, err))
	}
	d := &instance{settings: read, streams: make(chan struct{}, read.Limits.Streams), log: log.DefaultLogger.With("datasource", s.UID)}
	d.ctx, d.end = context.WithCancel(context.Background())
	d.fleet = &fleet{cache: newCache(d.ctx, metadataKept), figures: newCache(d.ctx, figuresKept), usual: read.DefaultSite}
	for _, a := range read.Aggregators {
		d.fleet.callers = append(d.fleet.callers, newCaller(a, read))
	}
	d.CallResourceHandler = httpadapter.New(d.resources())
	return d, nil
}

// Dispose ends streams and connections.
func (d *instance) Dispose() {
	d.end()
	for _, c := range d.fleet.callers {
		c.idle()
	}
}

// atOnce is how many questions of one request run at a time.
const atOnce = 8

// QueryData answers every question, each for itself.
func (d *instance) QueryData(ctx context.Context, req *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	fromAlert := req.Headers[backend.FromAlertHeaderName] == "true" || req.GetHTTPHeader(backend.FromAlertHeaderName) == "true"
	answers := make([]backend.DataResponse, len(req.Queries))
	gate := make(chan struct{}, atOnce)
	var wait sync.WaitGroup
	for i, q := range req.Queries {
		wait.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			answers[i] = d.query(ctx, q, fromAlert)
		})
	}
	wait.Wait()
	out := backend.NewQueryDataResponse()
	for i, q := range req.Queries {
		out.Responses[q.RefID] = answers[i]
	}
	return out, nil
}

func (d *instance) query(ctx context.Context, q backend.DataQuery, fromAlert bool) backend.DataResponse {
	ctx, span := tracing.DefaultTracer().Start(ctx, "query", trace.WithAttributes(
		attribute.String("query_type", q.QueryType), attribute.String("ref_id", q.RefID), attribute.String("datasource", d.settings.uid), attribute.Bool("from_alert", fromAlert)))
	defer span.End()
	ctx, cancel := context.WithTimeout(ctx, d.settings.timeout)
	defer cancel()
	began := time.Now()
	r, err := d.result(ctx, q, fromAlert)
	if err != nil {
		_ = tracing.Error(span, err)
		d.log.Debug("query failed", "ref_id", q.RefID, "type", q.QueryType, "error", err, "took", time.Since(began))
		return refusedAnswer(err)
	}
	if len(r.notes) > 0 {
		r.frames[0].AppendNotices(bounds(r.notes)...)
	}
	for _, f := range r.frames {
		f.RefID = q.RefID + f.RefID
	}
	return backend.DataResponse{Frames: r.frames, Status: backend.StatusOK}
}

func (d *instance) result(ctx context.Context, q backend.DataQuery, fromAlert bool) (r *result, err error) {
	defer recovered(&err)
	asked, err := readQuestion(q, d.settings.Limits, fromAlert)
	if err != nil {
		return nil, err
	}
	return asked.answer(&asking{Context: ctx, question: asked, fleet: d.fleet, limits: d.settings.Limits, uid: d.settings.uid})
}

// maxNotices is as many as people read.
const maxNotices = 12

func bounds(notes []data.Notice) []data.Notice {
	if len(notes) <= maxNotices {
		return notes
	}
	n := len(notes) - maxNotices + 1
	return append(notes[:maxNotices-1:maxNotices-1], info("and %d more", n))
}

// errPanic is a fault of this program.
var errPanic = errors.New("this data source made a mistake; its log says more")

// recovered turns a panic into an error: one question's fault is no other's.
func recovered(err *error) {
	if p := recover(); p != nil {
		log.DefaultLogger.Error("panic", "what", fmt.Sprint(p), "stack", string(debug.Stack()))
		*err = backend.PluginError(errPanic)
	}
}

// refusedAnswer is err as a response: whose fault it is, and the status that goes
// with it.
func refusedAnswer(err error) backend.DataResponse {
	out := backend.DataResponse{Error: err, Status: backend.StatusInternal, ErrorSource: backend.ErrorSourcePlugin}
	var m *mistake
	var q *query.Error
	switch {
	case errors.As(err, &m):
		// A rule or panel that asks what cannot be asked is not this program's fault.
		out.Status, out.ErrorSource = backend.StatusBadRequest, backend.ErrorSourceDownstream
	case errors.As(err, &q):
		out.Status, out.ErrorSource = backend.Status(q.Status), backend.ErrorSourceDownstream
		if q.Status < http.StatusBadRequest { // a way elsewhere, which is not gone
			out.Status = backend.StatusBadGateway
		}
	case errors.Is(err, context.DeadlineExceeded):
		out.Status, out.ErrorSource = backend.StatusTimeout, backend.ErrorSourceDownstream
	case errors.Is(err, errSettings):
		out.Status, out.ErrorSource = backend.StatusBadRequest, backend.ErrorSourceDownstream
	case backend.IsDownstreamError(err):
		out.Status, out.ErrorSource = backend.StatusBadGateway, backend.ErrorSourceDownstream
	}
	return out
}

// refusedFor reports whether an aggregator said that the token may not.
func refusedFor(err error) bool {
	var q *query.Error
	return errors.As(err, &q) && (q.Status == http.StatusUnauthorized || q.Status == http.StatusForbidden || q.Status == http.StatusNotFound)
}
