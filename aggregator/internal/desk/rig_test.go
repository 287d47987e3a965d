package desk_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/desk"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/internal/terms"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

const kWh = uint64(metric.MillijoulesPerKWh)

// books are of meters that draw alike all the time, and go wrong as told.
type books struct {
	site *site.Site

	mu      sync.Mutex
	perHour map[string]uint64 // mJ or mL
	spoilt  error             // what Verify says
	other   error             // what Extends says
	gate    chan struct{}     // if there is one, Branches waits for it
	begun   chan struct{}
	made    int
}

func (l *books) Branches(_ string, from, to int64, yield func(*account.HourBranches) bool) error {
	const hour, quarter = int64(3_600_000), int64(900_000)
	began, _ := l.Began("")
	if from = max(from, began); to <= from { // nothing was read before
		return nil
	}
	l.mu.Lock()
	gate := l.gate
	if to-from > hour {
		l.made++
	}
	l.mu.Unlock()
	if gate != nil {
		l.begun <- struct{}{}
		<-gate
	}
	for n := from / hour; n*hour < to; n++ {
		h := &account.HourBranches{Number: n, Sealed: true}
		for i := range l.site.Meters {
			m := &l.site.Meters[i]
			b := account.Branch{Meter: m.ID, Quantity: account.OfRole(m.Role), Renews: m.Role == metric.RoleOnsiteGeneration}
			if m.Water == "fresh" {
				b.Scope = account.Fresh
			}
			l.mu.Lock()
			rate := l.perHour[m.ID]
			l.mu.Unlock()
			for k := range b.Quarters {
				q := &b.Quarters[k]
				q.Expected, q.Covered, q.Full = quarter, quarter, true
				q.Amount[metric.Measured] = rate / 4
			}
			h.Branches = append(h.Branches, b)
		}
		if !yield(h) {
			break
		}
	}
	return nil
}

func (l *books) KPIs(_ string, q account.KPIQuestion) (out []account.KPI, err error) {
	for _, n := range q.Names {
		out = append(out, account.KPI{Name: n, Reason: "not asked of these books"})
	}
	return out, nil
}

// Energy is of 4 boards of each of two tenants: acme has a node of 30 kWh an hour, and
// zeta one of 60.
func (l *books) Energy(q account.Question) (out []account.Line, err error) {
	const hour = int64(3_600_000)
	step := q.Step
	if step == 0 {
		step = q.To - q.From
	}
	line := func(from int64, kwh uint64) account.Line {
		x := account.Line{From: from, To: from + step, Final: true, CoveredMillis: step, ExpectedMillis: step, HeldMillis: 4 * step}
		x.Energy[metric.Measured] = kwh * kWh * uint64(step/hour)
		return x
	}
	for at := q.From; at < q.To; at += step {
		switch {
		case q.By == account.BySite && q.Boundary == metric.Facility:
			out = append(out, line(at, 150))
		case q.By == account.BySite && q.Boundary == metric.IT:
			out = append(out, line(at, 130))
		case q.By == account.BySite:
			out = append(out, line(at, 90))
		case q.By == account.ByGPU:
			x := line(at, 10)
			x.Model = "H100"
			out = append(out, x)
		default:
			for i, name := range []string{"acme", "zeta"} {
				x := line(at, uint64(30*(i+1)))
				if x.Tenant, x.Allocation = name, account.Allocated; q.By == account.ByJob {
					x.Job = "run-" + name
				}
				if q.Boundary == metric.GPUs {
					x.Energy[metric.Measured] /= 2
				}
				if q.Of.Tenant == "" || q.Of.Tenant == name {
					out = append(out, x)
				}
			}
		}
	}
	return out, nil
}

func (l *books) said(of *error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *of
}

func (l *books) Verify(string, int64, int64) (int, error) { return 744, l.said(&l.spoilt) }
func (l *books) Extends(ledger.Head) error                { return l.said(&l.other) }
func (l *books) Simulated(string) bool                    { return false }

func (l *books) Head(name string) (ledger.Head, error) {
	return ledger.Head{Site: name, Leaves: 750, Root: strings.Repeat("ab", 32)}, nil
}

func (l *books) Prove(ledger.Head, int64) ([]ledger.Proof, error) { return nil, nil }

func (l *books) Began(string) (int64, bool) {
	return time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), true
}

// draw changes what a meter draws, kWh an hour.
func (l *books) draw(meter string, v uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.perHour[meter] = v * kWh
}

func (l *books) fail(of *error, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*of = err
}

// An office is a desk with the books of December 2025 of one site, by which nothing
// is missing.
type office struct {
	*testing.T
	*desk.Desk
	l    *books
	dir  string
	of   *desk.Described
	mu   sync.Mutex
	time time.Time
}

// siteText is the site file of the command's own test.
func siteText(t *testing.T) string {
	t.Helper()
	a, err := txtar.ParseFile("../../testdata/script/report.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		if f.Name == "whole.yaml" {
			return string(f.Data)
		}
	}
	t.Fatal("there is no whole.yaml")
	return ""
}

func described(t *testing.T, text string) *desk.Described {
	t.Helper()
	s, err := site.Parse("site.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	x, err := terms.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := account.NewBasis(x)
	if err != nil {
		t.Fatal(err)
	}
	return &desk.Described{Site: s, File: "site.yaml", Terms: x, Basis: b}
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{T: t, dir: t.TempDir(), time: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), of: described(t, siteText(t))}
	o.l = &books{site: o.of.Site, perHour: map[string]uint64{}}
	for meter, v := range map[string]uint64{"grid": 144, "pv": 12, "diesel": 3, "ups": 130, "heat": 40} {
		o.l.draw(meter, v)
	}
	o.l.perHour["water"], o.l.perHour["tap"] = 80_000, 50_000
	o.Desk = o.open()
	return o
}

// open is another desk over the same files, as another process has it.
func (o *office) open() *desk.Desk {
	d := desk.New(desk.Config{
		Data: o.dir, Program: "test", Sites: func() []*desk.Described { return []*desk.Described{o.of} },
		Open: func(*desk.Described) (desk.Books, func() error, error) { return o.l, func() error { return nil }, nil },
		Now:  func() time.Time { o.mu.Lock(); defer o.mu.Unlock(); return o.time },
	})
	o.Cleanup(func() { _ = d.Close() })
	return d
}

// later lets time pass, so that nothing is taken for what it was.
func (o *office) later() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.time = o.time.Add(time.Hour)
}

var (
	anna = query.ReportReader{Name: "anna", Role: "energy"}
	ben  = query.ReportReader{Name: "ben", Role: "energy"}
	year = query.ReportQuestion{Site: "vilvoorde", Year: 2025}
)

// look is the report as by sees it.
func (o *office) look(by query.ReportReader) *query.Report {
	o.Helper()
	r, err := o.Report(o.Context(), year, by)
	if err != nil {
		o.Fatal(err)
	}
	return r
}

// step takes one on what by looks at.
func (o *office) step(by query.ReportReader, action, text string) error {
	o.Helper()
	r := o.look(by)
	_, err := o.Step(o.Context(), query.ReportStep{Site: year.Site, Year: year.Year, Action: action, Version: r.Version, SHA256: r.SHA256, Text: text}, by)
	return err
}

// reach takes steps until the report has come so far.
func (o *office) reach(state report.State) {
	o.Helper()
	for _, x := range []struct {
		by     query.ReportReader
		action string
		state  report.State
	}{{anna, report.ActValidate, report.Validated}, {anna, report.ActLock, report.Locked}, {ben, report.ActApprove, report.Approved}, {anna, report.ActSubmit, report.Submitted}} {
		if err := o.step(x.by, x.action, "receipt 1"); err != nil {
			o.Fatal(err)
		}
		if got := o.look(anna).State; got != string(x.state) {
			o.Fatalf("after %s it is %s", x.action, got)
		}
		if x.state == state {
			return
		}
	}
}

// refused holds an error against what is wanted.
func refused(t *testing.T, what string, err, kind error, words string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: %v; want %v with %q", what, err, kind, words)
	}
}

// spoil changes one byte in the middle of a file.
func spoil(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, b, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// within is a time in which something has to be.
func within(t *testing.T) context.Context {
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(stop)
	return ctx
}
