package web

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func parseEnergy(v url.Values, now time.Time) (span, account.Level, metric.Boundary, error) {
	if err := known(v, "site", "by", "boundary", "from", "to", "step", "limit", "largest", "hall", "rack", "host", "gpu", "job", "tenant", "explain", "entries_from"); err != nil {
		return span{}, 0, 0, err
	}
	q, err := parseSpan(v, now)
	if err != nil {
		return q, 0, 0, err
	}
	by, boundary, ok := account.BySite, metric.Facility, true
	if s := v.Get("by"); s != "" {
		if by, ok = account.ParseLevel(s); !ok {
			return q, 0, 0, badParameter("by", "%q is none of site, hall, rack, host, gpu, job, tenant", s)
		}
	}
	if s := v.Get("boundary"); s != "" {
		if boundary, ok = metric.ParseBoundary(s); !ok {
			return q, 0, 0, badParameter("boundary", "%q is none of facility, it, host, gpu", s)
		}
	}
	return q, by, boundary, nil
}

func (s *Server) energy(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	q, by, boundary, err := parseEnergy(r.Form, now)
	if err == nil {
		err = s.settle(&q, r.Form, now)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if q.step == 0 {
		q.step = q.to.Sub(q.from)
	}
	of := selectionOf(r.Form)
	if err := s.ownJobs(r.Context(), by, &of); err != nil {
		s.fail(w, r, err)
		return
	}
	question := account.Question{
		Site: q.site, By: by, Boundary: boundary,
		From: q.from.UnixMilli(), To: q.to.UnixMilli(), Step: q.step.Milliseconds(), Of: of,
	}
	explain, entriesFrom, entries, err := parseExplain(r.Form)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if explain {
		s.explain(w, r, question, entriesFrom, entries)
		return
	}
	shown, err := s.largest(r.Context(), question, r.Form)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	lines, cut, err := s.readEnergy(r.Context(), question, shown, q.limit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeEnergy(w, r, &query.Energy{
		Site: q.site, By: by.String(), Boundary: boundary.String(),
		From: q.from, To: q.to, StepSeconds: int64(q.step / time.Second), Truncated: cut,
	}, lines)
}

// selectionOf is which things of a site are asked about.
func selectionOf(v url.Values) account.Selection {
	return account.Selection{Hall: v.Get("hall"), Rack: v.Get("rack"), Host: v.Get("host"), GPU: v.Get("gpu"), Job: v.Get("job"), Tenant: v.Get("tenant")}
}

// portion is about how many lines are asked of the ledger at once.
const portion = 10_000

// readEnergy asks the ledger portion by portion, so that neither a caller who
// left nor an answer past the limit costs more than one of them.
func (s *Server) readEnergy(ctx context.Context, q account.Question, shown *ranking, limit int) (lines []account.Line, cut bool, err error) {
	from, end, intervals := q.From, q.To, int64(1)
	for from < end {
		if err := overdueOrGone(ctx); err != nil {
			return nil, false, err
		}
		q.From, q.To = from, min(end, from+intervals*q.Step)
		got, err := s.c.Ledger.Energy(q)
		if err != nil {
			return nil, false, fmt.Errorf("read energy of %s: %w", q.Site, asked(err))
		}
		got = seen(scopeOf(ctx), q.By, got)
		slices.SortStableFunc(got, func(a, b account.Line) int { return cmp.Compare(a.From, b.From) })
		found := int64(len(got))
		got = shown.of(got)
		if room := limit - len(lines); len(got) > room {
			return append(lines, got[:room]...), true, nil
		}
		lines = append(lines, got...)
		from = q.To
		each := max(1, found/intervals)
		intervals = max(1, portion/each)
	}
	return lines, false, nil
}

// overdueOrGone says why ctx ended, in the caller's words.
func overdueOrGone(ctx context.Context) error {
	switch ctx.Err() {
	case nil:
		return nil
	case context.DeadlineExceeded:
		return refuse(query.Timeout, "not done in time; ask for fewer intervals")
	}
	return refuse(query.Canceled, "the client went away")
}

// writeEnergy writes line by line: the whole answer may be large.
func (s *Server) writeEnergy(w http.ResponseWriter, r *http.Request, a *query.Energy, lines []account.Line) {
	a.Lines = []query.EnergyLine{}
	raw, err := json.Marshal(a)
	if err != nil {
		s.fail(w, r, fmt.Errorf("encode energy: %w", err))
		return
	}
	const list = `"lines":[`
	head, tail, _ := strings.Cut(string(raw), list) // no value of the head can hold a quote
	w.Header().Set("Content-Type", "application/json")
	by, _ := account.ParseLevel(a.By)
	b := bufio.NewWriterSize(w, 64<<10) // keeps the first error; the tally has the status, and the client what came
	_, _ = b.WriteString(`{"status":"success","data":` + head + list)
	for i := range lines {
		if i > 0 {
			_ = b.WriteByte(',')
		}
		line, err := json.Marshal(energyLine(&lines[i], by))
		if err != nil { // numbers and strings always marshal
			s.log.ErrorContext(r.Context(), "energy line not written", "error", err)
			return
		}
		_, _ = b.Write(line)
	}
	_, _ = b.WriteString(tail)
	if a.Truncated {
		_, _ = fmt.Fprintf(b, `,"warnings":["cut after %d lines; ask for fewer things, a shorter time or a longer step"]`, len(lines))
	}
	_, _ = b.WriteString("}\n")
	_ = b.Flush()
}

// energyLine is l as readers see it.
func energyLine(l *account.Line, by account.Level) query.EnergyLine {
	e := query.EnergyLine{
		From: time.UnixMilli(l.From).UTC(), To: time.UnixMilli(l.To).UTC(),
		Hall: l.Hall, Rack: l.Rack, Host: l.Host, GPU: l.GPU, UUID: l.UUID, Model: l.Model, Job: l.Job, Tenant: l.Tenant,
		Things: l.Things, Parts: map[string]query.Exact{}, Quality: map[string]float64{}, Category: l.Category, Final: l.Final, Reason: l.Reason, Note: l.Note,
	}
	if l.ExpectedMillis > 0 {
		c := float64(l.CoveredMillis) / float64(l.ExpectedMillis)
		e.Coverage = &c
	}
	if by.ByJobs() && l.Drawn > 0 {
		c := float64(l.Recorded) / float64(l.Drawn)
		e.Coverage, e.Allocation = &c, l.Allocation.String()
	}
	if l.Reason != "" {
		return e
	}
	if by.ByJobs() {
		s := float64(l.HeldMillis) / 1000
		e.GPUSeconds = &s
	}
	total, err := l.Energy.Total()
	if err != nil {
		e.Reason = err.Error()
		return e
	}
	kwh := kilowattHours(total)
	e.Millijoules, e.KWh = &total, &kwh
	for q, mj := range l.Energy {
		if mj > 0 {
			e.Parts[metric.Quality(q).String()] = query.Exact(mj)
			e.Quality[metric.Quality(q).String()] = float64(mj) / float64(total)
		}
	}
	return e
}

// kilowattHours is mj rounded to the nearest watt-hour; the rounding is of
// integers, so that no float decides it.
func kilowattHours(mj uint64) float64 {
	const wattHour = metric.MillijoulesPerKWh / 1000
	wh := mj / wattHour
	if mj%wattHour >= wattHour/2 {
		wh++
	}
	return float64(wh) / 1000
}
