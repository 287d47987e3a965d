package query

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Kinds of statements that are made of the ledger, and of records, besides the record
// of a year.
const (
	StatementOfJobs   = "job"
	StatementOfTenant = "tenant"
	StatementOfESRS   = "esrs"
	StatementOfFleet  = "fleet"
)

// StatementKinds are all of them.
func StatementKinds() []string {
	return []string{StatementOfJobs, StatementOfTenant, StatementOfESRS, StatementOfFleet}
}

// What can be wrong with a question of statements.
var (
	ErrAsked   = errors.New("the question is not in order")
	ErrNames   = errors.New("names are not for you")
	ErrNothing = errors.New("there is nothing of it")
)

// A StatementQuestion names a statement.
type StatementQuestion struct {
	Kind     string
	Site     string // of jobs and tenants, and of records of one site only
	Year     int    // one of these
	Month    string // 2026-11, of tenants
	From, To string // days or times, of jobs
	Jobs     []string
	Tenant   string
	Names    bool   // with the names of jobs and tenants
	Format   string // "": json
	About    json.RawMessage

	Own  bool // nothing but what is the tenant's
	Mine bool // the tenant is who asks: its names are its own
}

// A Statement is one as it is handed out.
type Statement struct {
	Kind   string        `json:"kind"`
	Site   string        `json:"site"`
	Period string        `json:"period"`
	Whose  string        `json:"whose,omitempty"` // by key; "": all
	Name   string        `json:"name"`            // of the file
	Type   string        `json:"type"`
	SHA256 string        `json:"sha256"`
	File   []byte        `json:"file"`
	Signed bool          `json:"signed"`
	Why    string        `json:"why,omitempty"` // it is not signed
	Note   string        `json:"note,omitempty"`
	Key    string        `json:"public_key,omitempty"`
	Issues []ReportIssue `json:"issues"`
}

func (q *StatementQuestion) path() (string, url.Values) {
	v := url.Values{}
	for name, value := range map[string]string{"site": q.Site, "month": q.Month, "from": q.From, "to": q.To, "job": strings.Join(q.Jobs, ","), "tenant": q.Tenant, "format": q.Format} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.Year > 0 {
		v.Set("year", strconv.Itoa(q.Year))
	}
	if q.Names {
		v.Set("names", "true")
	}
	return "/api/v1/report/statement/" + url.PathEscape(q.Kind), v
}

// Statement asks for one, without a signature.
func (c *Client) Statement(ctx context.Context, q StatementQuestion) (*ReportFile, error) {
	path, v := q.path()
	f, err := c.file(ctx, path, v)
	if err != nil {
		return nil, fmt.Errorf("ask for a statement of %s: %w", q.Kind, err)
	}
	return f, nil
}

// SignStatement has one signed, in the name of whoever the token is of.
func (c *Client) SignStatement(ctx context.Context, q StatementQuestion) (*Statement, error) {
	path, v := q.path()
	b, err := json.Marshal(map[string]json.RawMessage{"about": q.About})
	if err != nil {
		return nil, err
	}
	r, err := c.request(ctx, http.MethodPost, path, v, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	var a Statement
	if _, err := c.patient().do(r, &a); err != nil {
		return nil, fmt.Errorf("have a statement of %s signed: %w", q.Kind, err)
	}
	return &a, nil
}
