package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// Step implements query.Reports. What it may be taken by is for the server to say;
// here it is that one person does not take both of two.
func (d *Desk) Step(ctx context.Context, q query.ReportStep, by query.ReportReader) (*query.ReportReceipt, error) {
	if !slices.Contains(report.Actions(), q.Action) {
		return nil, fmt.Errorf("%w: %q is none", query.ErrStep, q.Action)
	}
	if by.Name == "" || by.Role == "" {
		return nil, fmt.Errorf("%w: %s", query.ErrStep, nobody)
	}
	s, err := d.toSign(ctx, &q)
	if err != nil {
		return nil, err
	}
	if why := s.hinders(q.Action, by); why != "" {
		return nil, fmt.Errorf("%w: %s %s, %d: %s", query.ErrStep, q.Action, q.Site, q.Year, why)
	}
	switch {
	case q.Version != s.version:
		return nil, fmt.Errorf("%w: you looked at version %d, and version %d is worked on", query.ErrStep, q.Version, s.version)
	case q.SHA256 != s.sha:
		return nil, fmt.Errorf("%w: the record is another than the one you looked at: it is %.12s…; look at it, and try again", query.ErrStep, s.sha)
	}
	// Whoever puts a name to a locked record can rest on that the hours are as they were.
	if q.Action == report.ActApprove || q.Action == report.ActSubmit {
		if _, err := d.held(ctx, s); err != nil {
			return nil, err
		}
	}
	e := report.Event{At: d.c.Now().UTC().Format(time.RFC3339), Action: q.Action, By: by.Name, Role: by.Role, Text: q.Text}
	if err := d.Take(s.filing, e, s.draft); err != nil {
		if errors.Is(err, ErrMeanwhile) {
			err = fmt.Errorf("%w: %w", query.ErrStep, err)
		}
		return nil, err
	}
	last := &s.filing.Events[len(s.filing.Events)-1]
	d.c.Logger.Info("step taken", "site", q.Site, "year", q.Year, "action", q.Action, "version", last.Version, "principal", by.Name, "record", last.Record)
	return &query.ReportReceipt{Site: q.Site, Year: q.Year, Version: s.filing.Version(), State: string(s.filing.State()), SHA256: last.Record, Leaves: last.Leaves, Root: last.Root}, nil
}

// toSign is the record that q is on; a draft that is to be signed is made now.
func (d *Desk) toSign(ctx context.Context, q *query.ReportStep) (*seen, error) {
	if q.Action == report.ActValidate || q.Action == report.ActLock {
		if err := checkYear(q.Year); err != nil {
			return nil, err
		}
		f, err := d.Folder.Filing(q.Site, q.Year)
		if err == nil && f.Can(q.Action) {
			if _, err := d.anew(ctx, q.Site, q.Year); err != nil {
				return nil, err
			}
		}
	}
	return d.look(ctx, query.ReportQuestion{Site: q.Site, Year: q.Year})
}

// held holds the books against a locked record, one at a time.
func (d *Desk) held(ctx context.Context, s *seen) (h ledger.Head, err error) {
	select {
	case d.one <- struct{}{}:
		defer func() { <-d.one }()
	case <-ctx.Done():
		return h, query.ErrMaking
	}
	h, _, err = d.Hold(s.record.Site, s.record, -1)
	return h, err
}

// Take adds a step to a filing and keeps it; x is the draft that is signed, nil for a
// step that signs none.
func (d *Desk) Take(f *report.Filing, e report.Event, x *Draft) error {
	var r *report.Record
	files := map[string][]byte{}
	if x != nil && (e.Action == report.ActValidate || e.Action == report.ActLock) {
		r = x.Record
	}
	if r != nil && e.Action == report.ActLock {
		hours, err := x.Trace.Bytes()
		if err != nil {
			return err
		}
		e.Trace = report.Hash(hours)
		files[recordName(f.Version())], files[traceName(f.Version())] = x.Bytes, hours
	}
	line, err := f.Take(e, r)
	if err != nil {
		return fmt.Errorf("%w: %w", query.ErrStep, err)
	}
	return d.Folder.Add(f, line, files)
}
