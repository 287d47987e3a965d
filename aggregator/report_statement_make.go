package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gigawatch/gigawatch/aggregator/internal/desk"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/program"
)

// state makes the statement that f asks for, at the desk of d.
func (f *statementFlags) state(d *described) (*desk.Stated, error) {
	q, err := f.question()
	if err != nil {
		return nil, err
	}
	if f.kind == ofJob || f.kind == ofTenant {
		q.Site = d.site.Token
	}
	x, err := d.desk.State(context.Background(), q, query.ReportReader{Name: f.by}, func(string) bool { return true })
	if errors.Is(err, query.ErrAsked) {
		err = fmt.Errorf("%w: %w", program.ErrUsage, err)
	}
	return x, err
}

// question is what f asks for, of the site that it names.
func (f *statementFlags) question() (q query.StatementQuestion, err error) {
	q = query.StatementQuestion{Kind: f.kind, Site: f.site, Year: f.year, Month: f.month, From: f.from, To: f.to, Tenant: f.tenant, Names: f.names}
	for _, j := range strings.Split(f.jobs, ",") {
		if j = strings.TrimSpace(j); j != "" {
			q.Jobs = append(q.Jobs, j)
		}
	}
	about, err := readAbout(f.about)
	if err != nil {
		return q, err
	}
	q.About, err = json.Marshal(about)
	return q, err
}

// readAbout reads what is stated of a job.
func readAbout(path string) (a report.JobAbout, err error) {
	if path == "" {
		return a, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return a, fmt.Errorf("%w: -about: %w", program.ErrUsage, err)
	}
	defer file.Close()
	d := yaml.NewDecoder(io.LimitReader(file, 1<<20))
	d.KnownFields(true)
	if err := d.Decode(&a); err != nil && !errors.Is(err, io.EOF) {
		return a, fmt.Errorf("%w: %s: %w", program.ErrUsage, path, err)
	}
	return a, nil
}
