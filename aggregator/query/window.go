package query

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Window is a time of maintenance: what matches and begins meanwhile is shown and
// not sent.
type Window struct {
	ID     string    `json:"id"`
	Site   string    `json:"site,omitempty"` // left out: it is not of one
	Match  []string  `json:"match"`          // all of them: LABEL=VALUE, LABEL=~EXPRESSION
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Owner  string    `json:"owner"`
	Reason string    `json:"reason"`
	State  string    `json:"state"`     // open, coming, over
	Held   int       `json:"held_back"` // alerts, now

	Configured bool       `json:"configured,omitempty"` // it stands in the configuration, and is closed there
	By         string     `json:"by,omitempty"`         // who opened it
	Opened     *time.Time `json:"opened,omitempty"`
	Closed     *time.Time `json:"closed,omitempty"` // before its end
	ClosedBy   string     `json:"closed_by,omitempty"`
}

// Windows are windows of maintenance, and how long one may be.
type Windows struct {
	Windows []Window `json:"windows"`
	Longest float64  `json:"longest_seconds"`
}

// A WindowQuestion asks for a window to be opened. A zero From is now.
type WindowQuestion struct {
	Site          string
	Match         []string
	From, To      time.Time
	Owner, Reason string
}

// Values is q as a form.
func (q *WindowQuestion) Values() url.Values {
	v := url.Values{"match[]": q.Match, "owner": {q.Owner}, "reason": {q.Reason}, "to": {q.To.UTC().Format(time.RFC3339)}}
	if q.Site != "" {
		v.Set("site", q.Site)
	}
	if !q.From.IsZero() {
		v.Set("from", q.From.UTC().Format(time.RFC3339))
	}
	return v
}

// Windows asks for the windows of a site, or of all if site is empty; over says
// whether for those of the last month that are over, too.
func (c *Client) Windows(ctx context.Context, site string, over bool) (*Windows, error) {
	v := ofSite(site)
	if over {
		v.Set("over", "true")
	}
	var a Windows
	if _, err := c.ask(ctx, "/api/v1/windows", v, &a); err != nil {
		return nil, fmt.Errorf("ask for maintenance windows: %w", err)
	}
	return &a, nil
}

// OpenWindow opens one.
func (c *Client) OpenWindow(ctx context.Context, q WindowQuestion) (*Window, error) {
	r, err := c.request(ctx, http.MethodPost, "/api/v1/windows", nil, strings.NewReader(q.Values().Encode()))
	if err != nil {
		return nil, fmt.Errorf("open maintenance window: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var a Window
	if _, err := c.do(r, &a); err != nil {
		return nil, fmt.Errorf("open maintenance window: %w", err)
	}
	return &a, nil
}

// CloseWindow ends one now.
func (c *Client) CloseWindow(ctx context.Context, site, id string) (*Window, error) {
	r, err := c.request(ctx, http.MethodDelete, "/api/v1/windows/"+url.PathEscape(id), ofSite(site), nil)
	if err != nil {
		return nil, fmt.Errorf("close maintenance window %s: %w", id, err)
	}
	var a Window
	if _, err := c.do(r, &a); err != nil {
		return nil, fmt.Errorf("close maintenance window %s: %w", id, err)
	}
	return &a, nil
}

func ofSite(site string) url.Values {
	v := url.Values{}
	if site != "" {
		v.Set("site", site)
	}
	return v
}
