package main

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// Where an expression gives nothing, what it is of may not be there at all, which the
// panel says by itself; or it is there, and was not read in the time looked at, which
// is another thing.

// known reports whether an aggregator has ever stored all that expr looks at. Of who
// cannot say it is not known.
func known(a *asking, callers []siteOf, expr string) bool {
	looks := selector().FindAllString(expr, -1)
	slices.Sort(looks)
	looks = slices.Compact(looks)
	return len(looks) > 0 && slices.ContainsFunc(callers, func(s siteOf) bool {
		for _, one := range looks {
			found, err := ask[[]map[string]string](a, s.by, "/api/v1/series", url.Values{"match[]": {one}, "limit": {"1"}})
			if err != nil || len(*found) == 0 {
				return false
			}
		}
		return true
	})
}

// selector is a metric with its matchers in an expression.
func selector() *regexp.Regexp {
	return regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\}`)
}

// unread is a series without values, which says why: where its name does, so that a
// legend has it once; else in place of its values.
func (m *promqlModel) unread(g grid) series {
	s := series{name: "value", labels: data.Labels{}, times: g.times(), display: m.Legend, config: data.FieldConfig{Unit: m.Unit, NoValue: m.Unread}}
	if strings.Contains(m.Legend, "{{") {
		s.display, s.config.NoValue = m.Unread, "–"
	}
	if m.Mode == "instant" {
		s.times = []time.Time{g.to}
	}
	s.values = make([]*float64, len(s.times))
	return s
}
