package web

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// A ranking is which things of an answer have lines of their own: those with the
// most energy in the whole time. All others are one line an interval, so that the
// sum stays what it is. nil: all have.
type ranking struct {
	large  map[thing]bool
	others int // things that are not
}

// A thing is what a line is of.
type thing struct {
	hall, rack, host, uuid, gpu, job, tenant string
	allocation                               account.Allocation
}

func thingOf(l *account.Line) thing {
	return thing{l.Hall, l.Rack, l.Host, l.UUID, l.GPU, l.Job, l.Tenant, l.Allocation}
}

// amongOthers reports whether a line is of one thing among others: not of what nobody
// held, nor without a figure.
func amongOthers(l *account.Line) bool { return l.Reason == "" && l.Allocation == account.Allocated }

// largest ranks what q asks about, if v says so. It is of the whole time: what is
// large in one interval and not in the next has a line in both, or in none.
func (s *Server) largest(ctx context.Context, q account.Question, v url.Values) (*ranking, error) {
	said := v.Get("largest")
	if said == "" {
		return nil, nil
	}
	n, err := strconv.Atoi(said)
	if err != nil || n < 1 || n > query.MaxLargest {
		return nil, badParameter("largest", "%q is not a number from 1 to %d", said, query.MaxLargest)
	}
	if q.By == account.BySite {
		return nil, badParameter("largest", "by site there is one line")
	}
	q.Step = 0
	lines, err := s.c.Ledger.Energy(q)
	if err != nil {
		return nil, fmt.Errorf("read energy of %s: %w", q.Site, err)
	}
	type sized struct {
		thing
		mj uint64
	}
	var all []sized
	for _, l := range seen(scopeOf(ctx), q.By, lines) {
		if !amongOthers(&l) {
			continue
		}
		mj, err := l.Energy.Total()
		if err != nil {
			return nil, fmt.Errorf("read energy of %s: %w", q.Site, err)
		}
		all = append(all, sized{thingOf(&l), mj})
	}
	slices.SortStableFunc(all, func(a, b sized) int { return cmp.Compare(b.mj, a.mj) })
	r := &ranking{large: map[thing]bool{}, others: max(0, len(all)-n)}
	if r.others == 1 { // it may as well have its own line
		n, r.others = n+1, 0
	}
	for _, x := range all[:min(n, len(all))] {
		r.large[x.thing] = true
	}
	return r, nil
}

// of is lines with those of the others added up: one an interval, the last of it.
// Lines come interval by interval.
func (r *ranking) of(lines []account.Line) []account.Line {
	if r == nil || r.others == 0 {
		return lines
	}
	out := lines[:0]
	var rest account.Line
	flush := func() {
		if rest.Things > 0 {
			out = append(out, rest)
		}
		rest = account.Line{}
	}
	for _, l := range lines {
		if l.From != rest.From {
			flush()
		}
		if !amongOthers(&l) || r.large[thingOf(&l)] {
			out = append(out, l)
			continue
		}
		r.add(&rest, &l)
	}
	flush()
	return out
}

// add adds l to the line of the others in its interval.
func (r *ranking) add(rest, l *account.Line) {
	if rest.Things == 0 {
		*rest = account.Line{
			From: l.From, To: l.To, Category: l.Category, Final: l.Final, Note: l.Note, Allocation: l.Allocation, Recorded: l.Recorded, Drawn: l.Drawn, Things: r.others,
		}
	}
	sum, err := rest.Energy.Add(l.Energy)
	if err != nil {
		rest.Reason = err.Error() + "; ask for a shorter time"
		return
	}
	rest.Energy = sum
	rest.HeldMillis += l.HeldMillis
	rest.CoveredMillis += l.CoveredMillis
	rest.ExpectedMillis += l.ExpectedMillis
}
