package main

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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

// unread is a series without values, which says why: over time by its name, as a legend
// would repeat it for each of its figures; of an instant in place of its value.
func (m *promqlModel) unread(g grid) data.Frames {
	s := series{name: "value", labels: data.Labels{}, times: g.times(), display: m.Unread, config: data.FieldConfig{Unit: m.Unit, NoValue: "–"}}
	if m.Mode == "instant" {
		s.times, s.display, s.config.NoValue = []time.Time{g.to}, m.Legend, m.Unread
		s.values = make([]*float64, 1)
		return asNumbers([]series{s})
	}
	if m.Legend != "" && !strings.Contains(m.Legend, "{{") {
		first, n := utf8.DecodeRuneInString(m.Unread)
		s.display = m.Legend + ": " + string(unicode.ToLower(first)) + m.Unread[n:]
	}
	s.values = make([]*float64, len(s.times))
	frames := overTime([]series{s})
	frames[0].RefID = notRead // so that a panel does not give it the name of what is read
	return frames
}

// notRead is added to the letter of a question of which nothing was read.
const notRead = ", not read"
