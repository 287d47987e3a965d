package live_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// itself is an agent of a host that says what it says of itself: bytes that wait and
// batches given up by lane, telemetry and ledger, and failures of two sources.
func itself(name string) *machine {
	es := metric.Place{Hall: "h01", Rack: "r1", Host: name}.Entities()
	host := len(es) - 1
	es = append(es, metric.Entity{Kind: metric.Sensor, Name: "gpu", Parent: host}, metric.Entity{Kind: metric.Sensor, Name: "power", Parent: host})
	return &machine{name: name, layout: &metric.Layout{Entities: es, Columns: []metric.Column{
		{Metric: metric.AgentSpoolBytes, Form: metric.Int, Point: 0, First: host, Count: 1},
		{Metric: metric.AgentSpoolBytes, Form: metric.Int, Point: 1, First: host, Count: 1},
		{Metric: metric.AgentSpoolDropped, Form: metric.Int, Point: 0, First: host, Count: 1},
		{Metric: metric.AgentSpoolDropped, Form: metric.Int, Point: 1, First: host, Count: 1},
		{Metric: metric.AgentSourceFailures, Form: metric.Int, First: host + 1, Count: 2},
	}}}
}

// worst are a top's rows as text, then how many were considered and are missing.
func (p *present) worst(n int, q live.TopQuestion) []string {
	p.t.Helper()
	q.Limit = 10
	t, ok := p.Top("s", q, second(n))
	if !ok {
		p.t.Fatal("nothing is known of the site")
	}
	out := []string{}
	for _, r := range t.Rows {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %d %s %g", r.Host, r.Point, r.Sensor, r.Value)))
	}
	return append(out, fmt.Sprintf("%d %d", t.Considered, t.Missing))
}

func TestWhatAgentsSayOfThemselvesIsRanked(t *testing.T) {
	p := newPresent(t, nil)
	a, b, still := itself("n1"), itself("n2"), itself("n3")
	const end = 75 * 60
	dropped := metric.Raw(0)
	for n := 0; n <= end+2; n++ {
		switch n {
		case 60, 10 * 60, 10*60 + 1, 70 * 60: // four times
			dropped += 5
		case 40 * 60: // it begins anew, and has given up two since
			dropped = 2
		}
		values := []metric.Raw{100, 7, dropped, 0, 3, 0}
		if n == 30*60 {
			values[2] = metric.Missing
		}
		p.says(a, n, 10, values...)
		failed := metric.Raw(n / 1800) // at half an hour, and at an hour
		p.says(b, n, 10, 50, 900, 9, 9, 9, failed)
		if n < 60*60 {
			p.says(still, n, 10, 1, 1, 1, 1, 1, 1)
		}
	}
	at := func(point uint32) *uint32 { return &point }
	for name, tc := range map[string]struct {
		q    live.TopQuestion
		want []string
	}{
		"what waits, of both lanes":    {live.TopQuestion{By: metric.AgentSpoolBytes}, []string{"n2 1  900", "n1 0  100", "n2 0  50", "n1 1  7", "6 2"}},
		"what waits in the ledger's":   {live.TopQuestion{By: metric.AgentSpoolBytes, Point: at(1)}, []string{"n2 1  900", "n1 1  7", "3 1"}},
		"the least":                    {live.TopQuestion{By: metric.AgentSpoolBytes, Point: at(0), Ascending: true}, []string{"n2 0  50", "n1 0  100", "3 1"}},
		"of one host":                  {live.TopQuestion{By: metric.AgentSpoolBytes, Where: live.Where{Host: "n1"}}, []string{"n1 0  100", "n1 1  7", "2 0"}},
		"given up in an hour":          {live.TopQuestion{By: metric.AgentSpoolDropped, Over: time.Hour}, []string{"n1 0  7", "6 2"}},
		"given up in ten minutes":      {live.TopQuestion{By: metric.AgentSpoolDropped, Over: 10 * time.Minute}, []string{"n1 0  5", "6 2"}},
		"given up in three":            {live.TopQuestion{By: metric.AgentSpoolDropped, Over: 3 * time.Minute}, []string{"6 2"}},
		"given up of the other lane":   {live.TopQuestion{By: metric.AgentSpoolDropped, Point: at(1), Over: time.Hour}, []string{"3 1"}},
		"sources that failed of late":  {live.TopQuestion{By: metric.AgentSourceFailures, Over: 16 * time.Minute}, []string{"n2 0 power 1", "6 2"}},
		"sources that failed, an hour": {live.TopQuestion{By: metric.AgentSourceFailures, Over: time.Hour}, []string{"n2 0 power 2", "6 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := gocmp.Diff(tc.want, p.worst(end, tc.q)); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
	top, _ := p.Top("s", live.TopQuestion{By: metric.AgentSpoolDropped, Over: time.Hour, Limit: 1}, second(end))
	if top.Since != base {
		t.Errorf("rises are known since second %d, want 0", top.Since-base)
	}
}

// A layout that changes has its counters go on by name, though they stand elsewhere.
func TestCountersGoOnInAnotherLayout(t *testing.T) {
	p := newPresent(t, nil)
	a := itself("n1")
	p.says(a, 0, 10, 0, 0, 0, 0, 5, 0)
	p.says(a, 1, 10, 0, 0, 0, 0, 6, 0)
	other := itself("n1")
	es := append([]metric.Entity(nil), other.layout.Entities...)
	n := len(es)
	es[n-2], es[n-1] = es[n-1], es[n-2]
	other.layout = &metric.Layout{Entities: es, Columns: other.layout.Columns}
	p.says(other, 2, 10, 0, 0, 0, 0, 3, 8) // power 3, gpu 8
	for n := 3; n < 7; n++ {
		p.says(other, n, 10, 0, 0, 0, 0, 3, 8)
	}
	if d := gocmp.Diff([]string{"n1 0 power 3", "n1 0 gpu 3", "2 0"}, p.worst(5, live.TopQuestion{By: metric.AgentSourceFailures, Over: time.Hour})); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
