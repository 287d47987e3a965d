package scene

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/alerts/rule"
)

// Series are values by series, both as promtool's unit tests write them. In a series
// @gpu stands for the labels of a GPU that stands in for all, and so on; in values
// "1x200" is 1, and 200 times more.
type Series map[string]string

// A Scene is what makes one rule fire, and what does not.
type Scene struct {
	Fires, Quiet Series
	Every        time.Duration     // between values; 0: ten seconds
	At           time.Duration     // when it is looked; 0: after half an hour
	Extra        map[string]string // labels besides the level's
	Cases        []Case            // more of them
}

// A Case is another situation in which a rule fires or is quiet.
type Case struct {
	Name      string // after the rule's: goes on at 97 %
	Fires     bool
	Series    Series
	Every, At time.Duration // 0: as the scene's
}

// labels are those of what stands in for all of its kind.
var labels = map[string]string{
	"site": "s1", "hall": "h1", "rack": "r1", "host": "n1", "gpu": "3", "uuid": "GPU-3", "meter": "m1", "point": "supply", "instance": "a1",
}

// shorts are what stands for labels in series.
var shorts = map[string]rule.Level{
	"@site": rule.Site, "@hall": rule.Hall, "@rack": rule.Rack, "@host": rule.Host, "@gpu": rule.GPU, "@meter": rule.Meter, "@point": rule.Point, "@self": rule.Aggregator,
}

// Of is the scene of a rule; ok is false if it has none.
func Of(name string) (s Scene, ok bool) {
	for _, all := range []map[string]Scene{boards(), hosts(), places(), heat(), power(), meters(), cooling(), report(), itself()} {
		if s, ok = all[name]; ok {
			break
		}
	}
	if s.Every == 0 {
		s.Every = 10 * time.Second
	}
	if s.At == 0 {
		s.At = 30 * time.Minute
	}
	s.Fires, s.Quiet = s.Fires.written(), s.Quiet.written()
	for i := range s.Cases {
		c := &s.Cases[i]
		c.Series, c.Every, c.At = c.Series.written(), cmp.Or(c.Every, s.Every), cmp.Or(c.At, s.At)
	}
	return s, ok
}

// Labels are those of the alert that r's scene fires.
func (s *Scene) Labels(r *rule.Rule) map[string]string {
	out := map[string]string{"alertname": r.Name, "severity": r.Severity.String(), "owner": string(r.Owner)}
	for _, l := range r.Level.Labels() {
		out[l] = labels[l]
	}
	maps.Copy(out, s.Extra)
	return out
}

// written are s with all labels.
func (s Series) written() Series {
	out := make(Series, len(s))
	for name, values := range s {
		for short, level := range shorts {
			var text []string
			for _, l := range level.Labels() {
				text = append(text, l+`="`+labels[l]+`"`)
			}
			name = strings.ReplaceAll(name, short, strings.Join(text, ","))
		}
		out[name] = values
	}
	return out
}

// Names are s in order.
func (s Series) Names() []string { return slices.Sorted(maps.Keys(s)) }
