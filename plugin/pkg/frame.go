package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// A result is what one question gets: frames, and what to know of them.
type result struct {
	frames data.Frames
	notes  []data.Notice
}

func info(format string, args ...any) data.Notice {
	return data.Notice{Severity: data.NoticeSeverityInfo, Text: fmt.Sprintf(format, args...)}
}

func warning(format string, args ...any) data.Notice {
	return data.Notice{Severity: data.NoticeSeverityWarning, Text: fmt.Sprintf(format, args...)}
}

func warnings(texts []string) (out []data.Notice) {
	for _, t := range texts {
		out = append(out, warning("%s", t))
	}
	return out
}

// A series is values over time, with nil where there is none. Its labels tell it
// apart from the others of its answer.
type series struct {
	name    string
	display string
	labels  data.Labels
	times   []time.Time
	values  []*float64
	config  data.FieldConfig
}

func typed(t data.FrameType) *data.FrameMeta {
	return &data.FrameMeta{Type: t, TypeVersion: data.FrameTypeVersion{0, 1}}
}

// overTime is a frame a series; one without fields where there are none.
func overTime(list []series) data.Frames {
	frames := data.Frames{}
	for i := range list {
		s := &list[i]
		value := data.NewField(s.name, s.labels, s.values)
		value.SetConfig(s.shown())
		f := data.NewFrame(s.name, data.NewField("time", nil, s.times), value)
		f.Meta = typed(data.FrameTypeTimeSeriesMulti)
		if s.labels["interval"] != "" { // so that a panel can draw it otherwise
			f.RefID = soFar
		}
		frames = append(frames, f)
	}
	if len(frames) == 0 {
		frames = append(frames, &data.Frame{Meta: typed(data.FrameTypeTimeSeriesMulti)})
	}
	return frames
}

// asNumbers is a row of the newest value of each series, one a label set.
func asNumbers(list []series) data.Frames {
	f := &data.Frame{Meta: typed(data.FrameTypeNumericWide)}
	for i := range list {
		s := &list[i]
		var v *float64
		if n := len(s.values); n > 0 {
			v = s.values[n-1]
		}
		field := data.NewField(s.name, s.labels, []*float64{v})
		field.SetConfig(s.shown())
		f.Fields = append(f.Fields, field)
	}
	return data.Frames{f}
}

func (s *series) shown() *data.FieldConfig {
	c := s.config
	c.DisplayNameFromDS = s.display
	return &c
}

// A table is rows whose columns are all strings and numbers; as numbers its
// strings are labels.
type table struct {
	frame *data.Frame
}

func newTable(t data.FrameType, columns ...*data.Field) *table {
	return &table{&data.Frame{Fields: columns, Meta: typed(t)}}
}

// column is a field without rows of what sample is.
func column[T any](name string, config data.FieldConfig, _ T) *data.Field {
	f := data.NewField(name, nil, []T{})
	f.SetConfig(&config)
	return f
}

func text(name, title string) *data.Field {
	return column(name, data.FieldConfig{DisplayNameFromDS: title}, "")
}

func number(name, title, unit string) *data.Field {
	return column(name, data.FieldConfig{DisplayNameFromDS: title, Unit: unit}, (*float64)(nil))
}

func count(name, title string) *data.Field {
	return column(name, data.FieldConfig{DisplayNameFromDS: title}, int64(0))
}

func when(name, title string) *data.Field {
	return column(name, data.FieldConfig{DisplayNameFromDS: title}, (*time.Time)(nil))
}

func (t *table) row(values ...any) { t.frame.AppendRow(values...) }

// keep leaves the named columns alone.
func (t *table) keep(names ...string) {
	t.frame.Fields = slices.DeleteFunc(t.frame.Fields, func(f *data.Field) bool { return !slices.Contains(names, f.Name) })
}

// labelsOf is what is said, without what is not.
func labelsOf(pairs ...string) data.Labels {
	l := data.Labels{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			l[pairs[i]] = pairs[i+1]
		}
	}
	return l
}

// distinct drops series of which there is one alike, and says so: whoever reads
// them could not tell them apart.
func distinct(list []series) ([]series, []data.Notice) {
	seen := map[string]bool{}
	n := len(list)
	list = slices.DeleteFunc(list, func(s series) bool {
		key := s.name + s.labels.String()
		was := seen[key]
		seen[key] = true
		return was
	})
	if d := n - len(list); d > 0 {
		return list, []data.Notice{warning("%d series are left out, as their labels are those of others", d)}
	}
	return list, nil
}

// cut bounds a list, and says so.
func cut[T any](list []T, most int, what string) ([]T, []data.Notice) {
	if len(list) <= most {
		return list, nil
	}
	n := len(list)
	return list[:most], []data.Notice{warning("%d of %d %s are shown: ask for fewer, or raise limit and the data source's limits", most, n, what)}
}
