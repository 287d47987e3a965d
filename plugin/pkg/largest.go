package main

import (
	"cmp"
	"slices"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// theRest is what stands for all things that are not among the largest. No job and no
// place is called so: names have no space.
const theRest = "the rest"

// largestOf says what is wrong with how many of the largest are asked for.
func (m *powerModel) largestOf() error {
	switch {
	case m.Largest < 0 || m.Largest > query.MaxLargest:
		return wrong("largest is %d; write a number up to %d, or leave it out for all", m.Largest, query.MaxLargest)
	case m.Largest > 0 && !m.booked():
		return wrong("largest=%d needs the ledger, which adds the others up; write measure=energy, or by=job or by=tenant; of the present ask queryType top", m.Largest)
	case m.Largest > 0 && m.By == "site":
		return wrong("largest=%d says nothing by=site; write by=job, tenant, hall, rack, host or gpu", m.Largest)
	}
	return nil
}

// ranked is what series are of, one by one.
type ranked []rank

type rank struct {
	beside bool // of no thing: what nobody held
	things int  // that the aggregator has added up
}

func (r *ranked) add(l *query.EnergyLine) {
	*r = append(*r, rank{l.Allocation != "" && l.Allocation != "job", l.Things})
}

// group is in which order series come: things, what is none, the rest.
func (r rank) group() int {
	switch {
	case r.things > 0:
		return 2
	case r.beside:
		return 1
	}
	return 0
}

// largest orders series by name; where only the largest are wanted, by what their
// things come to, the greatest first. What the aggregator could not add up, as it does
// not know the filters, is added up here.
func (m *powerModel) largest(list []series, ranks ranked) ([]series, []data.Notice) {
	if m.Largest == 0 {
		slices.SortStableFunc(list, func(a, b series) int { return compareLabels(a.labels, b.labels) })
		return list, nil
	}
	type sized struct {
		series
		rank
		thing string
	}
	var all []sized
	sums, things := map[string]float64{}, 0
	for i := range list {
		x := sized{list[i], ranks[i], without(list[i].labels, "interval").String()}
		all = append(all, x)
		things = max(things, x.things)
		if x.group() == 0 {
			sums[x.thing] += x.total()
		}
	}
	order := sortedKeys(sums)
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(sums[b], sums[a]) })
	place := map[string]int{}
	for i, k := range order {
		place[k] = i
	}
	slices.SortStableFunc(all, func(a, b sized) int {
		return cmp.Or(cmp.Compare(a.group(), b.group()), cmp.Compare(place[a.thing], place[b.thing]), compareLabels(a.labels, b.labels))
	})
	small := func(*sized) bool { return false }
	if things == 0 && len(order) > m.Largest+1 { // one alone may as well stand for itself
		things = len(order) - m.Largest
		small = func(x *sized) bool { return x.group() == 0 && place[x.thing] >= m.Largest }
	}
	var out, rest []series
	for i := range all {
		x := &all[i]
		if !small(x) {
			out = append(out, x.series)
			continue
		}
		at := slices.IndexFunc(rest, func(s series) bool { return s.labels["interval"] == x.labels["interval"] })
		if at < 0 {
			at = len(rest)
			rest = append(rest, m.blank(labelsOf("site", x.labels["site"], "boundary", m.Boundary, "interval", x.labels["interval"], m.By, theRest), x.times))
		}
		for j, v := range x.values {
			if v != nil {
				rest[at].add(j, *v)
			}
		}
	}
	if out = append(out, rest...); things == 0 {
		return out, nil
	}
	return out, []data.Notice{info("%d %s are added up as %s", things, plural(m.By), theRest)}
}

// total is what the values of s come to.
func (s *series) total() (sum float64) {
	for _, v := range s.values {
		if v != nil {
			sum += *v
		}
	}
	return sum
}
