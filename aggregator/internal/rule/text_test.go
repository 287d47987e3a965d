package rule_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/alerts/scene"
	"github.com/gigawatch/gigawatch/collector/metric"
)

var update = flag.Bool("update", false, "rewrite testdata")

// What a person is sent of hosts and boards, as the aggregator finds it, is read in
// testdata/texts.txt; of what asks, it is what alerts/testdata has.
func TestTextsReadAsTheyShould(t *testing.T) {
	const file = "testdata/texts.txt"
	texts := map[string]string{}
	take := func(list []rule.Message) {
		for _, m := range list {
			if m.Ended {
				continue
			}
			get := func(list []metric.Pair, name string) string {
				for _, p := range list {
					if p.Name == name {
						return p.Value
					}
				}
				return ""
			}
			texts[get(m.Labels, "alertname")] = fmt.Sprintf("%s (%s, %s)\n  %s\n  %s\n  > %s\n", get(m.Labels, "alertname"), get(m.Labels, "severity"), get(m.Labels, "owner"),
				get(m.Annotations, "summary"), get(m.Annotations, "evidence"), get(m.Annotations, "do"))
		}
	}
	synctest.Test(t, func(t *testing.T) {
		h, err := health.New(health.Config{})
		if err != nil {
			t.Fatal(err)
		}
		e, err := rule.New(rule.Config{Rules: table.Table(), Health: judged(h), Hosts: hosts(h), Send: take})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var parts []*part
		for _, r := range table.Table() {
			if x, ok := scene.Of(r.Name); ok && r.Ask == "" && x.Every <= 10*time.Second {
				if list := actors(t, x.Fires, "n"+fmt.Sprint(len(parts)+1)); list != nil {
					parts = append(parts, newPart("n"+fmt.Sprint(len(parts)+1), list, start))
				}
			}
		}
		for second := range 30 * 60 {
			now := time.Now()
			for _, p := range parts {
				values := make([]metric.Raw, len(p.cells))
				silent := false
				for i, cell := range p.cells {
					values[i] = cell(second / 10)
				}
				for i, c := range p.layout.Columns {
					silent = silent || c.Metric == metric.HostUp && values[i] == 0
				}
				if silent {
					continue
				}
				h.Observe(health.Tick{Key: "s1/" + p.name, Site: "s1", Layout: p.layout, Millis: now.UnixMilli(), Values: values, Received: now})
				e.Observe(rule.Tick{Key: "s1/" + p.name, Site: "s1", Agent: p.name, Layout: p.layout, Values: values, Received: now})
			}
			time.Sleep(time.Second)
			h.Sweep(time.Now())
			e.Step(time.Now())
		}
	})
	inBubble(t, racks(2, 5, 8, 0), func(s *stage) {
		s.config.Rules, s.sink = table.Table(), take
		s.start()
		s.settles()
		for _, m := range s.in("h1r01") {
			m.up = false
		}
		s.runs(2 * time.Minute)
		for _, m := range s.in("h1") {
			m.up = false
		}
		s.runs(2 * time.Minute)
		s.deaf = true
		s.runs(2 * time.Minute)
	})
	var b strings.Builder
	for _, r := range table.Table() {
		if text := texts[r.Name]; text != "" {
			b.WriteString(text + "\n")
		} else if r.Ask == "" && !slices.Contains([]string{"Canary", "CanaryMissed", "Watchdog", "AlertsCapped", "AlertsUndelivered", "SiteDown"}, r.Name) {
			t.Errorf("%s was not told", r.Name)
		}
	}
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("texts; -update writes them (-want +got):\n%s", d)
	}
}
