package store

import (
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A labeler makes the labels of series. What it is given first stands: the
// metric's own labels before the entity's, the inner entity's before the outer's,
// so that no name an agent chose can hide what the catalogue says.
type labeler struct {
	builder labels.ScratchBuilder
	names   []string
}

func newLabeler(s *labels.SymbolTable) labeler {
	return labeler{builder: labels.NewScratchBuilderWithSymbolTable(s, 16), names: make([]string, 0, 16)}
}

// of is the labels of metric d at a point, of entity e of l at a site; a
// negative e is the site itself. For a state the point is the state.
func (lb *labeler) of(site string, l *metric.Layout, e int, d *metric.Def, point uint32) labels.Labels {
	lb.builder.Reset()
	lb.names = lb.names[:0]
	lb.add(model.MetricNameLabel, d.Name)
	lb.add("site", site)
	if l.Simulated {
		lb.add("simulated", "true")
	}
	for i := range d.Labels {
		lb.add(d.Labels[i].Name, d.LabelValue(point, i))
	}
	for ; e >= 0; e = l.Entities[e].Parent {
		entity := &l.Entities[e]
		lb.foreign(entity.Kind.NameLabel(), entity.Name)
		for _, p := range entity.Labels {
			lb.foreign(p.Name, p.Value)
		}
	}
	lb.builder.Sort()
	return lb.builder.Labels()
}

// foreign adds a label that came over the wire.
func (lb *labeler) foreign(name, value string) {
	if strings.HasPrefix(name, "__") || !utf8.ValidString(name) {
		return
	}
	lb.add(name, strings.ToValidUTF8(value, "\uFFFD"))
}

func (lb *labeler) add(name, value string) {
	if name == "" || value == "" {
		return
	}
	for _, n := range lb.names {
		if n == name {
			return
		}
	}
	lb.names = append(lb.names, name)
	lb.builder.Add(name, value)
}
