package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// An output is a record in a format, kept for the next who wants it.
type output struct {
	key   string
	bytes []byte
}

// mostOutputs is how many are kept, of up to mostOutput bytes.
const (
	mostOutputs = 8
	mostOutput  = 8 << 20
)

// types are what browsers are told a format is.
var types = map[string]string{
	"json": "application/json", "csv": "text/csv; charset=utf-8", "pdf": "application/pdf",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// File implements query.Reports.
func (d *Desk) File(ctx context.Context, q query.ReportQuestion, format string) (*query.ReportFile, error) {
	if !slices.Contains(report.Formats(), format) {
		return nil, fmt.Errorf("%w: format %q is none of %s", query.ErrNoReport, format, strings.Join(report.Formats(), ", "))
	}
	s, err := d.look(ctx, q)
	if err != nil {
		return nil, err
	}
	state := "draft"
	if s.locked {
		state = "locked"
	}
	if s.locked && s.version == s.filing.Version() {
		state = string(s.filing.State())
	}
	f := &query.ReportFile{Name: fmt.Sprintf("report-%s-%d-v%d-%s.%s", q.Site, q.Year, s.version, state, format), Type: types[format]}
	if f.Type == "" {
		f.Type = "application/octet-stream"
	}
	f.Bytes, err = d.Write(s.record, s.bytes, s.filing, s.locked, format)
	return f, err
}

// Write writes a record, whose bytes are b, in a format. A document also says how far
// the report has come, and what the year before was.
func (d *Desk) Write(r *report.Record, b []byte, f *report.Filing, locked bool, format string) ([]byte, error) {
	if format == "json" {
		return b, nil
	}
	beside := report.Beside{Filing: f}
	earlier := ""
	if locked {
		beside.Kept = b
	}
	if format == "pdf" {
		var err error
		if beside.Earlier, err = d.Folder.Before(r); err != nil {
			return nil, fmt.Errorf("%w: %w", query.ErrReport, err)
		}
		if beside.Earlier != nil {
			earlier = beside.Earlier.Ledger.Root
		}
	}
	key := fmt.Sprintln(format, report.Hash(b), len(f.Events), locked, earlier)
	d.mu.Lock()
	if i := slices.IndexFunc(d.files, func(o *output) bool { return o.key == key }); i >= 0 {
		o := d.files[i]
		d.files = append(slices.Delete(d.files, i, i+1), o)
		d.mu.Unlock()
		return o.bytes, nil
	}
	d.mu.Unlock()
	var out []byte
	var err error
	if format == "pdf" {
		out, err = r.PDF(beside)
	} else {
		out, err = r.As(format)
	}
	if err != nil || len(out) > mostOutput {
		return out, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files = append(d.files, &output{key, out}); len(d.files) > mostOutputs {
		d.files = slices.Delete(d.files, 0, 1)
	}
	return out, nil
}
