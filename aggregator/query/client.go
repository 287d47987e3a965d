package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Client asks an aggregator. It is safe for use by many goroutines.
type Client struct {
	URL   string       // of the aggregator, such as http://127.0.0.1:8600
	Token Secret       // shown with every request; zero: none
	HTTP  *http.Client // nil: one with a timeout of a minute
}

// maxAnswer bounds what a client reads of one answer.
const maxAnswer = 256 << 20

// Energy asks for energy.
func (c *Client) Energy(ctx context.Context, q EnergyQuestion) (*Energy, error) {
	var a Energy
	if _, err := c.ask(ctx, "/api/v1/energy", q.Values(), &a); err != nil {
		return nil, fmt.Errorf("ask for energy: %w", err)
	}
	return &a, nil
}

// KPI asks for figures.
func (c *Client) KPI(ctx context.Context, q KPIQuestion) (*KPIs, error) {
	var a KPIs
	if _, err := c.ask(ctx, "/api/v1/kpi", q.Values(), &a); err != nil {
		return nil, fmt.Errorf("ask for KPIs: %w", err)
	}
	return &a, nil
}

// Reconciliation asks what each stage of the power tree shows, and what stands
// below it.
func (c *Client) Reconciliation(ctx context.Context, q ReconciliationQuestion) (*Reconciliation, error) {
	var a Reconciliation
	if _, err := c.ask(ctx, "/api/v1/reconciliation", q.Values(), &a); err != nil {
		return nil, fmt.Errorf("ask for reconciliation: %w", err)
	}
	return &a, nil
}

// A Point is one series at one instant. A scalar has no labels.
type Point struct {
	Labels map[string]string
	Time   time.Time
	Value  float64
}

// An Instant is the answer to [Client.Query].
type Instant struct {
	Points   []Point
	Warnings []string // such as that the answer was cut
}

// Query evaluates a PromQL expression, a vector or a scalar, at one instant;
// the zero time is now.
func (c *Client) Query(ctx context.Context, expr string, at time.Time) (*Instant, error) {
	v := url.Values{"query": {expr}}
	if !at.IsZero() {
		v.Set("time", at.UTC().Format(time.RFC3339Nano))
	}
	var a struct {
		Type   string          `json:"resultType"`
		Result json.RawMessage `json:"result"`
	}
	warnings, err := c.ask(ctx, "/api/v1/query", v, &a)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", expr, err)
	}
	var series []struct {
		Metric map[string]string `json:"metric"`
		Value  pair              `json:"value"`
	}
	switch a.Type {
	case "vector":
		err = json.Unmarshal(a.Result, &series)
	case "scalar":
		series = append(series, struct {
			Metric map[string]string `json:"metric"`
			Value  pair              `json:"value"`
		}{})
		err = json.Unmarshal(a.Result, &series[0].Value)
	default:
		err = fmt.Errorf("answer is a %s, neither vector nor scalar", a.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", expr, err)
	}
	i := &Instant{Warnings: warnings}
	for _, s := range series {
		i.Points = append(i.Points, Point{s.Metric, s.Value.at, s.Value.value})
	}
	return i, nil
}

// pair is [unix seconds, "value"].
type pair struct {
	at    time.Time
	value float64
}

func (p *pair) UnmarshalJSON(b []byte) error {
	var seconds float64
	var text string
	if err := json.Unmarshal(b, &[2]any{&seconds, &text}); err != nil {
		return err
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("sample value: %w", err)
	}
	*p = pair{time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), v}
	return nil
}

// ask gets path and decodes its data. An answer that says no is an *Error.
func (c *Client) ask(ctx context.Context, path string, v url.Values, data any) (warnings []string, err error) {
	r, err := c.request(ctx, http.MethodGet, path, v, nil)
	if err != nil {
		return nil, err
	}
	return c.do(r, data)
}

// request is one to path, with the client's token.
func (c *Client) request(ctx context.Context, method, path string, v url.Values, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path+"?"+v.Encode(), body)
	if err != nil {
		return nil, errors.New("the aggregator's address is none") // the error would show it whole
	}
	r.Header.Set("Accept", "application/json")
	if !c.Token.IsZero() {
		r.Header.Set("Authorization", "Bearer "+c.Token.Reveal())
	}
	return r, nil
}

// client is the HTTP client, its own timeout replaced.
func (c *Client) client(timeout time.Duration) *http.Client {
	h := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // an aggregator never sends its callers elsewhere
	}}
	if c.HTTP != nil {
		h = *c.HTTP
	}
	h.Timeout = timeout
	return &h
}

// do sends r and decodes the data of the answer.
func (c *Client) do(r *http.Request, data any) (warnings []string, err error) {
	h := c.HTTP
	if h == nil {
		h = c.client(time.Minute)
	}
	resp, err := h.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return answered(resp, data)
}

// answered decodes the data of an answer.
func answered(resp *http.Response, data any) (warnings []string, err error) {
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(b) > maxAnswer {
		return nil, errors.New("answer is longer than 256 MiB")
	}
	var e Envelope
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, fmt.Errorf("%s: answer is not of an aggregator: %w", resp.Status, err)
	}
	if e.Status != "success" || resp.StatusCode != http.StatusOK {
		return nil, &Error{Status: resp.StatusCode, Reason: e.Reason, Message: e.Message}
	}
	if data == nil {
		return nil, errors.New("answer is not what was asked for")
	}
	return e.Warnings, json.Unmarshal(e.Data, data)
}
