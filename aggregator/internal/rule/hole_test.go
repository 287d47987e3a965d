package rule_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/alerts/scene"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// What has no name, or stands in no hall or rack, has no such label: what is told of it has
// no hole there.
func TestTextsHaveNoHoles(t *testing.T) {
	hole := regexp.MustCompile(`[( ] |\(\)| [),.;:]|^ | $`)
	e, err := rule.New(rule.Config{Rules: table.Table()})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range table.Table() {
		s, _ := scene.Of(r.Name)
		may := []string{"hall", "rack", "host"}
		for some := range 1 << len(may) {
			is := s.Labels(&r)
			for i, l := range may {
				if some>>i&1 == 1 {
					delete(is, l)
				}
			}
			var labels []metric.Pair
			for name, value := range is {
				labels = append(labels, metric.Pair{Name: name, Value: value})
			}
			texts := e.Says(r.Name, labels, 1)
			if !slices.ContainsFunc(texts, func(p metric.Pair) bool { return p.Name == "summary" }) {
				t.Errorf("%s says %v", r.Name, texts)
			}
			for _, p := range texts {
				if hole.MatchString(p.Value) {
					t.Errorf("%s: of %v its %s reads %q", r.Name, is, p.Name, p.Value)
				}
			}
		}
	}
}
