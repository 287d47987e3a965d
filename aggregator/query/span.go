package query

import (
	"net/url"
	"strconv"
	"time"
)

// span is the part that every question to the ledger has.
type span struct {
	site     string
	from, to time.Time
	step     time.Duration
	limit    int
}

// values are its parameters.
func (q *span) values() url.Values {
	v := url.Values{}
	if q.site != "" {
		v.Set("site", q.site)
	}
	if !q.from.IsZero() {
		v.Set("from", q.from.UTC().Format(time.RFC3339))
	}
	if !q.to.IsZero() {
		v.Set("to", q.to.UTC().Format(time.RFC3339))
	}
	if q.step != 0 {
		v.Set("step", strconv.FormatInt(int64(q.step/time.Second), 10))
	}
	if q.limit != 0 {
		v.Set("limit", strconv.Itoa(q.limit))
	}
	return v
}
