package query

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Quarantine is who is in quarantine, and who was lately.
type Quarantine struct {
	Agents []Quarantined `json:"agents"` // the newest first
}

// A Quarantined is an agent of which nothing is taken, or was lately.
type Quarantined struct {
	Site    string    `json:"site"`
	Agent   string    `json:"agent"`
	State   string    `json:"state"` // held, released or over
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`        // what the bus had by then is not taken
	Refused int       `json:"refused"`      // batches that no collector sends, in the minute before
	Why     string    `json:"why"`          // the last of them was refused
	Times   int       `json:"times"`        // how often it was there lately
	By      string    `json:"by,omitempty"` // who released it
}

// Quarantine asks for who is in quarantine at a site, or at all if site is empty.
func (c *Client) Quarantine(ctx context.Context, site string) (*Quarantine, error) {
	var a Quarantine
	if _, err := c.ask(ctx, "/api/v1/quarantine", ofSite(site), &a); err != nil {
		return nil, fmt.Errorf("ask for who is in quarantine: %w", err)
	}
	return &a, nil
}

// Release has an agent heard again from now on.
func (c *Client) Release(ctx context.Context, site, agent string) (*Quarantined, error) {
	v := url.Values{"site": {site}, "agent": {agent}}
	r, err := c.request(ctx, http.MethodPost, "/api/v1/quarantine/release", nil, strings.NewReader(v.Encode()))
	if err != nil {
		return nil, fmt.Errorf("release %s from quarantine: %w", agent, err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var a Quarantined
	if _, err := c.do(r, &a); err != nil {
		return nil, fmt.Errorf("release %s from quarantine: %w", agent, err)
	}
	return &a, nil
}
