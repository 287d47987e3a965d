package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// energy is what the ledger has booked. As power it is the mean of each interval.
func (m *powerModel) energy(ctx context.Context, a *asking, s siteOf) (*part, error) {
	from, to, step := a.hours(m.step)
	if m.Shape == "total" {
		step = 0
	}
	there, notes, err := m.running(ctx, a, s)
	if err != nil {
		return nil, err
	}
	q := query.EnergyQuestion{Site: s.name, By: m.By, Boundary: m.boundary(), From: from, To: to, Step: step, Of: m.selection()}
	if there == nil && len(m.Filters) == 0 { // else what they leave out must not count
		q.Largest = m.Largest
	}
	got, err := ask[query.Energy](ctx, s.by, "/api/v1/energy", q.Values())
	if err != nil {
		return nil, err
	}
	times := []time.Time{from}
	if step > 0 {
		times = nil
		for t := from; t.Before(to); t = t.Add(step) {
			times = append(times, t)
		}
	}
	p := &part{notes: notes}
	ranks := ranked{}
	index := map[string]int{}
	var known tally
	var running *query.EnergyLine
	now := time.Now()
	for i := range got.Lines {
		l := &got.Lines[i]
		labels := m.labels(s.name, l)
		if !m.wants(l, labels) || there != nil && !there[labels[m.By]] {
			continue
		}
		known.add(l)
		if m.ofJobs() && labels[m.By] == "" && l.Millijoules == nil { // of nobody, and unknown: the notice says so
			continue
		}
		if step > 0 && now.Before(l.To) && !a.fromAlert {
			if running = l; m.Measure == "energy" || m.Job != "" { // what one job draws now stands beside hours in which it ran for minutes
				labels["interval"] = "running"
			}
		}
		key := labels.String()
		at, ok := index[key]
		if !ok {
			at = len(p.series)
			index[key] = at
			p.series = append(p.series, m.blank(labels, times))
			ranks.add(l)
		}
		j := 0
		if step > 0 {
			j = int(l.From.Sub(from) / step)
		}
		if j >= 0 && j < len(times) && l.Millijoules != nil {
			p.series[at].add(j, m.amount(l))
		}
	}
	p.series, notes = m.largest(p.series, ranks)
	p.notes = append(append(p.notes, notes...), known.notes(s.name, m.Boundary)...)
	if got.Truncated {
		p.notes = append(p.notes, warning("%s: the ledger's answer was cut after %d lines: ask for fewer things, a shorter time or a longer step", s.name, len(got.Lines)))
	}
	if running != nil {
		p.notes = append(p.notes, m.runningNote(running))
	}
	if m.Measure == "power" {
		p.notes = append(p.notes, info("power of %s is the mean of each interval, from the ledger", plural(m.By)))
	}
	if !from.Equal(a.from) || !to.Equal(a.to) {
		p.notes = append(p.notes, info("the ledger is kept by the hour: this is from %s to %s UTC", from.Format("2006-01-02 15:04"), to.Format("2006-01-02 15:04")))
	}
	if len(p.series) == 0 {
		p.notes = append(p.notes, info("%s: the ledger has nothing of %s inside the boundary %s in this range", s.name, plural(m.By), m.Boundary))
	}
	return p, nil
}

// soFar is added to the name of what an interval that is not over has come to.
const soFar = ", so far"

// runningNote says what to know of an interval that is not over.
func (m *powerModel) runningNote(l *query.EnergyLine) data.Notice {
	if m.Measure == "power" {
		return info("%s to %s UTC is not over: its mean is of what is booked so far, which is up to half a minute behind", l.From.UTC().Format("2006-01-02 15:04"), l.To.UTC().Format("2006-01-02 15:04"))
	}
	return runningNote(l.From, l.To)
}

// runningNote says which interval is not over: its bar is lower than it will be.
func runningNote(from, to time.Time) data.Notice {
	return info("%s to %s UTC is not over: what it has come to is named “so far”", from.UTC().Format("2006-01-02 15:04"), to.UTC().Format("2006-01-02 15:04"))
}

func (m *powerModel) labels(site string, l *query.EnergyLine) data.Labels {
	labels := labelsOf("site", site, "boundary", m.Boundary, "hall", l.Hall, "rack", l.Rack, "host", l.Host, "gpu", l.GPU, "uuid", l.UUID, "model", l.Model, "job", l.Job, "tenant", l.Tenant)
	if l.Allocation != "" && l.Allocation != "job" {
		labels[m.By] = l.Allocation // unallocated, unknown, unrecorded
	}
	if l.Things > 0 {
		labels[m.By] = theRest
	}
	return labels
}

func (m *powerModel) blank(labels data.Labels, times []time.Time) series {
	s := series{name: "energy", labels: labels, times: times, values: make([]*float64, len(times))}
	s.config = data.FieldConfig{Unit: unitWh, Description: "Energy of each interval, labelled by its start, as the ledger has it."}
	if m.Shape == "total" {
		s.config.Description = "Energy of the whole time, as the ledger has it."
	}
	if m.Unit == "J" {
		s.config.Unit = unitJoule
	}
	if m.Measure == "power" {
		s.name, s.config.Unit, s.config.Description = "power", unitWatt, "Mean power of each interval, from the ledger's energy."
	}
	return s
}

// amount is l's energy in the unit asked for, or its mean power.
func (m *powerModel) amount(l *query.EnergyLine) float64 {
	joules := float64(*l.Millijoules) / 1000
	switch {
	case m.Measure == "power":
		end := l.To
		if now := time.Now(); now.Before(end) { // the interval is not over
			end = now
		}
		return joules / max(1, end.Sub(l.From).Seconds())
	case m.Unit == "J":
		return joules
	}
	return joules / 3600
}

// add adds to a value, of which there may be none yet.
func (s *series) add(i int, v float64) {
	if s.values[i] != nil {
		v += *s.values[i]
	}
	s.values[i] = &v
}

// A tally is what energy rests on.
type tally struct {
	covered, expected float64 // hours
	lacking           int
	unexpected        int // lines in whose time nothing was expected, as no meter was there yet
	lines             int
	reasons           map[string]int
	quality           map[string]float64 // millijoules
	total             float64
}

func (t *tally) add(l *query.EnergyLine) {
	t.lines++
	if l.Coverage != nil {
		h := l.To.Sub(l.From).Hours()
		t.covered, t.expected = t.covered+*l.Coverage*h, t.expected+h
	} else {
		t.unexpected++
	}
	if l.Millijoules == nil {
		t.lacking++
		if t.reasons == nil {
			t.reasons = map[string]int{}
		}
		t.reasons[l.Reason]++
		return
	}
	if t.quality == nil {
		t.quality = map[string]float64{}
	}
	for q, mj := range l.Parts {
		t.quality[q] += float64(mj)
		t.total += float64(mj)
	}
}

// notes say what is missing, and how the rest is known where it is not measured.
func (t *tally) notes(site, boundary string) (out []data.Notice) {
	if t.lacking > 0 {
		out = append(out, warning("%s, %s: %d of %d intervals are not known: %s", site, boundary, t.lacking, t.lines, listed(t.reasons)))
	}
	if t.expected > 0 {
		if c := t.covered / t.expected; c < 0.9995 {
			n := warning("%s, %s: %s covered", site, boundary, percent(c))
			if t.unexpected > 0 {
				n.Text += " where meters were expected, which is not so of all intervals"
			}
			out = append(out, n)
		}
	}
	if note := qualityNote(site+", "+boundary, t.quality, t.total); note != nil {
		out = append(out, *note)
	}
	return out
}

// qualityNote says how energy is known, where not all of it is measured.
func qualityNote(of string, quality map[string]float64, total float64) *data.Notice {
	if total <= 0 || quality["measured"] >= total*0.9995 {
		return nil
	}
	var parts []string
	for _, q := range sortedKeys(quality) {
		if share := quality[q] / total; share > 0 {
			parts = append(parts, percent(share)+" "+strings.ReplaceAll(q, "_", " "))
		}
	}
	n := info("%s: the energy is %s", of, strings.Join(parts, ", "))
	return &n
}

// percent is a share, never rounded up.
func percent(share float64) string {
	p := *toTenths(share) * 100
	if share > 0 && p == 0 {
		return "less than 0.1 %"
	}
	return fmt.Sprintf("%.1f %%", p)
}

// toTenths is a share in whole tenths of a percent for a column: what shows it rounds
// to the nearest, and a figure must not seem to rest on more than it does.
func toTenths(share float64) *float64 {
	v := math.Floor(share*1000) / 1000
	return &v
}

// listed are reasons, the most frequent first, a few of them.
func listed(reasons map[string]int) string {
	keys := sortedKeys(reasons)
	slices.SortStableFunc(keys, func(a, b string) int { return reasons[b] - reasons[a] })
	const shown = 3
	more := ""
	if n := len(keys) - shown; n > 0 {
		keys, more = keys[:shown], fmt.Sprintf("; and %d other reasons", n)
	}
	return strings.Join(keys, "; ") + more
}
