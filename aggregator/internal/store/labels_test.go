package store_test

import (
	"fmt"
	"math"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// FuzzLabels gives an agent's entities any names and labels: what is stored has
// each label once, in UTF-8, and the metric and the site are as they should be.
func FuzzLabels(f *testing.F) {
	for _, s := range [][5]string{
		{"n1", "GPU-1", "gpu", "0", "model"},
		{"n1", "GPU-1", "__name__", "x", "site"},
		{"\xff", "\x00", "kind", "", "kind"},
		{"n1", "n1", "host", "n2", "uuid"},
	} {
		f.Add(s[0], s[1], s[2], s[3], s[4], uint8(metric.GPU))
	}
	s := openQuiet(f)
	w := s.Writer()
	n := 0
	f.Fuzz(func(t *testing.T, host, name, label, value, other string, kind uint8) {
		l := &metric.Layout{
			Entities: []metric.Entity{
				{Kind: metric.Host, Name: host, Parent: -1},
				{Kind: metric.EntityKind(kind), Name: name, Parent: 0, Labels: []metric.Pair{{Name: label, Value: value}, {Name: other, Value: "o"}}},
			},
			Columns: []metric.Column{column(metric.GPURemappedRows, 1, 1, 1)},
		}
		n++
		key := fmt.Sprint(n)
		if err := w.Append(key, l, "dc1", at(n), []metric.Raw{7}); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		q, err := s.Querier(at(n), at(n))
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		found := 0
		for set := q.Select(t.Context(), false, nil, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, "gpu_remapped_rows_total")); set.Next(); {
			ls := set.At().Labels()
			it := set.At().Iterator(nil)
			it.Next()
			if _, v := it.At(); v != 7 && !math.IsNaN(v) {
				continue
			}
			found++
			if name, twice := ls.HasDuplicateLabelNames(); twice {
				t.Errorf("%s: %s stands twice", ls, name)
			}
			ls.Range(func(l labels.Label) {
				if !utf8.ValidString(l.Name) || !utf8.ValidString(l.Value) || l.Name == "" || l.Value == "" {
					t.Errorf("%s: label %q", ls, l)
				}
			})
			if ls.Get("site") != "dc1" || ls.Get("kind") != "uncorrectable" {
				t.Errorf("%s: an entity hides what the catalogue says", ls)
			}
		}
		if found == 0 {
			t.Error("nothing was stored")
		}
		n++
		if err := w.Forget(key, at(n)); err != nil {
			t.Fatal(err)
		}
	})
}
