package web

import (
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// span is the part that every question to the ledger has.
type span struct {
	site     string
	from, to time.Time
	step     time.Duration
	limit    int
}

// lastInstant keeps milliseconds within what every reader of dates can show.
const lastInstant = 253402300799 // 9999-12-31T23:59:59Z

// parseSpan reads site, from, to, step and limit. from is the start of today in
// UTC unless it is given, until the site is known; to the end of the hour that now
// is in.
func parseSpan(v url.Values, now time.Time) (span, error) {
	now = now.UTC()
	q := span{
		site: v.Get("site"),
		from: now.Truncate(24 * time.Hour),
		to:   now.Truncate(time.Hour).Add(time.Hour),
	}
	if now.Equal(now.Truncate(time.Hour)) {
		q.to = now
		if q.to.Equal(q.from) { // midnight: today has no hour yet
			q.to = now.Add(time.Hour)
		}
	}
	for name, t := range map[string]*time.Time{"from": &q.from, "to": &q.to} {
		s := v.Get(name)
		if s == "" {
			continue
		}
		var err error
		if *t, err = parseTime(s); err != nil {
			return q, badParameter(name, "%q is neither RFC 3339 nor unix seconds", s)
		}
		if !t.Equal(t.Truncate(time.Hour)) {
			return q, badParameter(name, "%s is not on a whole hour UTC, and the ledger is kept by the hour", t.Format(time.RFC3339Nano))
		}
	}
	if !q.from.Before(q.to) {
		return q, badParameter("to", "%s is not after from, %s", q.to.Format(time.RFC3339), q.from.Format(time.RFC3339))
	}
	if s := v.Get("step"); s != "" {
		var err error
		if q.step, err = parseStep(s); err != nil {
			return q, badParameter("step", "%q is neither a duration nor seconds", s)
		}
		if q.step <= 0 || q.step%time.Hour != 0 {
			return q, badParameter("step", "%v is not a whole number of hours", q.step)
		}
	}
	if s := v.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return q, badParameter("limit", "%q is not a positive number", s)
		}
		q.limit = n
	}
	return q, nil
}

// intervals is how many steps q has.
func (q *span) intervals() int64 {
	if q.step == 0 {
		return 1
	}
	return int64((q.to.Sub(q.from) + q.step - 1) / q.step)
}

// settle fills what the server knows in q, and refuses what is too much. What is
// not said to begin begins with the site's day, or the hour that it begins in.
func (s *Server) settle(q *span, said url.Values, now time.Time) error {
	if q.site == "" {
		sites := s.c.Ledger.Sites()
		if len(sites) != 1 {
			return badParameter("site", "needed, as the ledger holds %d sites", len(sites))
		}
		q.site = sites[0]
	} else if err := s.checkSite(q.site); err != nil {
		return err
	}
	if said.Get("from") == "" {
		from, _ := s.c.Ledger.Around(q.site, account.ByDay, now.UnixMilli())
		q.from = time.UnixMilli(from).UTC().Truncate(time.Hour)
		if !q.from.Before(q.to) {
			return badParameter("to", "%s is not after from, %s", q.to.Format(time.RFC3339), q.from.Format(time.RFC3339))
		}
	}
	if d := q.to.Sub(q.from); d > s.l.Range {
		return badParameter("from", "%v before to; the limit is %v", model.Duration(d), model.Duration(s.l.Range))
	}
	if n := q.intervals(); n > int64(s.l.Intervals) {
		return badParameter("step", "%d intervals; the limit is %d", n, s.l.Intervals)
	}
	if q.limit == 0 || q.limit > s.l.Lines {
		q.limit = s.l.Lines
	}
	return nil
}

func parseTime(s string) (time.Time, error) {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if !(f >= 0 && f <= lastInstant) {
			return time.Time{}, strconv.ErrRange
		}
		return time.UnixMilli(int64(math.Round(f * 1000))).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err == nil && (t.Unix() < 0 || t.Unix() > lastInstant) {
		err = strconv.ErrRange
	}
	return t.UTC(), err
}

func parseStep(s string) (time.Duration, error) {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return time.Duration(n) * time.Second, nil
	}
	d, err := model.ParseDuration(s)
	return time.Duration(d), err
}

// known refuses a parameter that is not one of names, or that stands twice: a
// misspelt one would silently change what is asked.
func known(v url.Values, names ...string) error {
	for _, k := range slices.Sorted(maps.Keys(v)) {
		if !slices.Contains(names, k) {
			return badParameter(k, "unknown; known are %s", strings.Join(names, ", "))
		}
		if len(v[k]) > 1 && !strings.HasSuffix(k, "[]") {
			return badParameter(k, "given %d times", len(v[k]))
		}
	}
	return nil
}
