package query

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// HealthReport is what needs a person.
type HealthReport struct {
	Sites []SiteHealth `json:"sites"` // by name
}

// SiteHealth is what needs a person at a site.
type SiteHealth struct {
	Site      string         `json:"site"`
	At        time.Time      `json:"at"`
	Simulated bool           `json:"simulated"`
	XIDTable  string         `json:"xid_table"` // the date of the table by which XIDs are judged
	Hosts     map[string]int `json:"hosts"`     // that are known, by state: ok, watch, unknown, degraded, failed
	GPUs      map[string]int `json:"gpus"`
	Blind     *Finding       `json:"blind"`     // most hosts fell silent together; nil: they did not
	Common    []Common       `json:"common"`    // what many hosts have at once, for the record
	Subjects  []Verdict      `json:"subjects"`  // the most urgent first, the newest of a state first
	Truncated bool           `json:"truncated"` // there are more subjects
	Cut       int            `json:"cut"`       // so many
	Aside     []Aside        `json:"set_aside"`
}

// A Place is where a host or GPU stands.
type Place struct {
	Kind  string `json:"kind"` // gpu or host
	Hall  string `json:"hall,omitempty"`
	Rack  string `json:"rack,omitempty"`
	Host  string `json:"host,omitempty"`
	GPU   string `json:"gpu,omitempty"`
	UUID  string `json:"uuid,omitempty"`
	Model string `json:"model,omitempty"`
}

// A Verdict is about one GPU or host: what is said first is of its worst finding.
type Verdict struct {
	Place
	Finding
	Findings []Finding `json:"findings"` // all of them, the worst first
}

// A Finding is one thing that is wrong.
type Finding struct {
	Cause    string     `json:"cause"`
	State    string     `json:"state"` // watch, unknown, degraded or failed
	Since    time.Time  `json:"since"`
	Last     *time.Time `json:"last"`            // when it last happened; nil: it is still so
	Count    int64      `json:"count,omitempty"` // of what was counted
	Evidence string     `json:"evidence"`
	Advice   string     `json:"advice"`
	Action   string     `json:"action"` // the advice in one word
}

// Common is a finding that many hosts have.
type Common struct {
	Finding
	Hosts int `json:"hosts"`
}

// An Aside is a finding that a person set aside while it lasts.
type Aside struct {
	Place
	Cause    string    `json:"cause"`
	Evidence string    `json:"evidence"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
}

// HealthReset is what was set aside.
type HealthReset struct {
	Site    string   `json:"site"`
	Subject string   `json:"subject"`
	Causes  []string `json:"causes"`
}

// Health asks for what needs a person at a site, or at all if site is empty; of
// each no more than limit hosts and GPUs, or as many as the server gives if it is
// 0.
func (c *Client) Health(ctx context.Context, site string, limit int) (*HealthReport, error) {
	v := url.Values{}
	if site != "" {
		v.Set("site", site)
	}
	if limit != 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
	var a HealthReport
	if _, err := c.ask(ctx, "/api/v1/health", v, &a); err != nil {
		return nil, fmt.Errorf("ask for health: %w", err)
	}
	return &a, nil
}
