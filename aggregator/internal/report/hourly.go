package report

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// Hourly is what statements ask of the books: what a report does, and energy by who
// drew it.
type Hourly interface {
	Ledger
	Energy(q account.Question) ([]account.Line, error)
}

// A siteHour is what a whole site drew in an hour, mJ. What is not known of all of
// the hour is marked so.
type siteHour struct {
	facility, it, nodes, shared         int64
	hasFacility, hasIT                  bool // there is a figure
	allFacility, allIT, allShared, open bool
	bridged                             bool // what facility or IT drew is known of a longer time together
}

// siteHours reads the hours of [from, to), ms since 1970 on whole hours. shared are
// the meters of what all nodes use together.
func siteHours(l Hourly, name string, from, to int64, shared []string) ([]siteHour, error) {
	hours := make([]siteHour, (to-from)/hourMillis)
	for _, x := range []struct {
		boundary metric.Boundary
		put      func(h *siteHour, mj int64, known bool)
	}{
		{metric.Facility, func(h *siteHour, mj int64, known bool) { h.facility, h.hasFacility, h.allFacility = mj, true, known }},
		{metric.IT, func(h *siteHour, mj int64, known bool) { h.it, h.hasIT, h.allIT = mj, true, known }},
		{metric.Hosts, func(h *siteHour, mj int64, _ bool) { h.nodes = mj }},
	} {
		lines, err := l.Energy(account.Question{Site: name, By: account.BySite, Boundary: x.boundary, From: from, To: to, Step: hourMillis})
		if err != nil {
			return nil, err
		}
		for i := range lines {
			h := &hours[(lines[i].From-from)/hourMillis]
			h.open = h.open || !lines[i].Final
			all, err := lines[i].Energy.Total()
			h.bridged = h.bridged || x.boundary != metric.Hosts && (err != nil || lines[i].Energy[metric.CounterBridged] > all/4) // a quarter of an hour
			if lines[i].Reason != "" {
				continue
			}
			mj, err := totalOf(&lines[i])
			if err != nil {
				return nil, err
			}
			x.put(h, mj, lines[i].ExpectedMillis > 0 && lines[i].CoveredMillis >= lines[i].ExpectedMillis-lines[i].ExpectedMillis/100)
		}
	}
	if len(shared) == 0 {
		return hours, nil
	}
	err := l.Branches(name, from, to, func(b *account.HourBranches) bool {
		if i := b.Number - from/hourMillis; i >= 0 && i < int64(len(hours)) {
			hours[i].shared, hours[i].allShared = sharedOf(b, shared)
		}
		return true
	})
	return hours, err
}

// sharedOf is what some meters show of an hour, and whether all of it is known.
func sharedOf(h *account.HourBranches, meters []string) (mj int64, known bool) {
	full := 0
	for i := range h.Branches {
		b := &h.Branches[i]
		if b.Less || b.Quantity.IsWater() || !slices.Contains(meters, b.Meter) {
			continue
		}
		quarters := 0
		for k := range b.Quarters {
			for _, v := range b.Quarters[k].Amount {
				mj += int64(v)
			}
			if b.Quarters[k].Full {
				quarters++
			}
		}
		if quarters == len(b.Quarters) {
			full++
		}
	}
	return mj, full == len(meters)
}

// totalOf is the energy of a line, mJ.
func totalOf(l *account.Line) (int64, error) {
	mj, err := l.Energy.Total()
	if err != nil {
		return 0, err
	}
	if mj >= 1<<62 {
		return 0, account.ErrOverflow
	}
	return int64(mj), nil
}

// A monthSpan is a month by the clocks of a site, or the part of it that is asked for.
type monthSpan struct {
	name     string // 2026-11
	from, to int64  // ms since 1970, on whole hours UTC
}

// monthsOf are the whole months that [from, to) touches, none beyond until.
func monthsOf(s *site.Site, from, to, until int64) (out []monthSpan) {
	for at := time.UnixMilli(from).In(s.TimeZone); ; {
		name := at.Format("2006-01")
		first := s.MidnightOf(dateOf(name + "-01"))
		next := s.MidnightOf(dateOf(name + "-01").AddMonths(1))
		if first.UnixMilli() >= min(to, until) {
			return out
		}
		end := min(next.UnixMilli(), until)
		m := monthSpan{name, onHour(first.UnixMilli()), onHour(end)}
		if m.to > m.from {
			out = append(out, m)
		}
		at = next
	}
}

// begun moves the start of m to the first hour of which the books know anything: a
// month in which they began is of the rest of it.
func (m *monthSpan) begun(hours []siteHour, from int64) {
	for at := m.from; at < m.to; at += hourMillis {
		if h := &hours[(at-from)/hourMillis]; h.hasFacility || h.hasIT || h.nodes > 0 {
			m.from = at
			return
		}
	}
}

// onHour is the last whole hour that is not after t: the ledger knows no less. A
// clock that is off by half an hour begins its months within one.
func onHour(t int64) int64 { return t - t%hourMillis }

// kpisOf are figures of a time by their names.
func kpisOf(l Ledger, name string, category int, from, to int64, names ...string) (map[string]*account.KPI, error) {
	ks, err := l.KPIs(name, account.KPIQuestion{Names: names, From: from, To: to, Category: category})
	if err != nil {
		return nil, err
	}
	out := map[string]*account.KPI{}
	for i := range ks {
		out[ks[i].Name] = &ks[i]
	}
	return out, nil
}

// milligrams is a figure in kg as a whole number of mg.
func milligrams(k *account.KPI) (mg int64, ok bool) {
	if k == nil || k.Value == nil {
		return 0, false
	}
	v := ratOf(*k.Value)
	if v == nil {
		return 0, false
	}
	d, ok := decimalOf(v.Mul(v, big.NewRat(1_000_000, 1)), 0)
	return d.n, ok
}

// kilowattHours is mJ in kWh, to so many places.
func kilowattHours(mj int64, places int) *Decimal {
	d, ok := decimalOf(big.NewRat(mj, perKWh), places)
	if !ok {
		return nil
	}
	return &d
}

// kilograms is mg in kg.
func kilograms(mg int64) *Decimal { return &Decimal{mg, 6} }

// wholeHours says what is wrong with a time that is asked for.
func wholeHours(from, to int64) error {
	switch {
	case from%hourMillis != 0 || to%hourMillis != 0:
		return fmt.Errorf("%s to %s: not on whole hours", time.UnixMilli(from).UTC().Format(time.RFC3339), time.UnixMilli(to).UTC().Format(time.RFC3339))
	case to <= from:
		return fmt.Errorf("%s to %s: nothing is over of it", time.UnixMilli(from).UTC().Format(time.RFC3339), time.UnixMilli(to).UTC().Format(time.RFC3339))
	}
	return nil
}
