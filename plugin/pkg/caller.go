package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend/tracing"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/outbound"
)

// A caller asks one aggregator, with its own token.
type caller struct {
	name string
	url  string
	http *http.Client  // for answers
	live *query.Client // for what goes on
	idle func()        // closes connections that wait
}

func newCaller(a aggregatorSetting, s *settings) *caller {
	dial := outbound.Dialer{Timeout: min(10*time.Second, s.timeout)}
	wire := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dial.DialContext, TLSClientConfig: s.tls, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second,
		MaxConnsPerHost: 64 + s.Limits.Streams, // a stream keeps one for itself
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a token goes to no other place
	return &caller{
		name: a.Name, url: a.URL,
		http: &http.Client{Transport: bounded{authorized{wire, a.token}, s.Limits.Bytes}, Timeout: s.timeout, CheckRedirect: stay},
		live: &query.Client{URL: a.URL, HTTP: &http.Client{Transport: authorized{wire, a.token}, CheckRedirect: stay}},
		idle: wire.CloseIdleConnections,
	}
}

// authorized shows a token with every request.
type authorized struct {
	next  http.RoundTripper
	token query.Secret
}

func (a authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", "gigawatch-datasource/"+version)
	if !a.token.IsZero() {
		r.Header.Set("Authorization", "Bearer "+a.token.Reveal())
	}
	return a.next.RoundTrip(r)
}

// errTooLong is an answer that is longer than the data source takes.
var errTooLong = errors.New("answer is too long")

// bounded cuts answers off at a length, with an error.
type bounded struct {
	http.RoundTripper
	most int64
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, span := tracing.DefaultTracer().Start(r.Context(), "aggregator "+r.URL.Path, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("server.address", r.URL.Host), attribute.String("url.path", r.URL.Path)))
	resp, err := b.RoundTripper.RoundTrip(r.WithContext(ctx))
	if err != nil {
		defer span.End()
		return nil, tracing.Error(span, err)
	}
	span.SetAttributes(attribute.Int("http.response.status_code", resp.StatusCode))
	resp.Body = &boundedBody{resp.Body, b.most, span}
	return resp, nil
}

type boundedBody struct {
	io.ReadCloser
	left int64
	span trace.Span
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		n, err := b.ReadCloser.Read(one[:])
		if n > 0 {
			return 0, errTooLong
		}
		return 0, err
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func (b *boundedBody) Close() error { defer b.span.End(); return b.ReadCloser.Close() }

// request is a GET of path.
func (c *caller) request(ctx context.Context, path string, v url.Values) (*http.Request, error) {
	u := c.url + path
	if len(v) > 0 {
		u += "?" + v.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	return r, nil
}

// get asks for path and decodes what comes into data. What says no is a
// *query.Error.
func (c *caller) get(ctx context.Context, path string, v url.Values, data any) (warnings []string, clock time.Time, err error) {
	r, err := c.request(ctx, path, v)
	if err != nil {
		return nil, clock, err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, clock, err
	}
	defer func() { _ = resp.Body.Close() }() // it was read to its end, or is not wanted
	clock, _ = http.ParseTime(resp.Header.Get("Date"))
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, clock, fmt.Errorf("read answer: %w", err)
	}
	var e query.Envelope
	if err := json.Unmarshal(b, &e); err != nil {
		if resp.StatusCode != http.StatusOK { // a proxy's word
			return nil, clock, &query.Error{Status: resp.StatusCode, Message: http.StatusText(resp.StatusCode)}
		}
		return nil, clock, fmt.Errorf("%s: answer is not of an aggregator: %w", resp.Status, err)
	}
	if e.Status != "success" || resp.StatusCode != http.StatusOK {
		return nil, clock, &query.Error{Status: resp.StatusCode, Reason: e.Reason, Message: e.Message}
	}
	if err := json.Unmarshal(e.Data, data); err != nil {
		return nil, clock, fmt.Errorf("answer is not of an aggregator: %w", err)
	}
	return e.Warnings, clock, nil
}

// ask is the answer to v at path.
func ask[T any](ctx context.Context, c *caller, path string, v url.Values) (*T, error) {
	var a T
	if _, _, err := c.get(ctx, path, v, &a); err != nil {
		return nil, err
	}
	return &a, nil
}
