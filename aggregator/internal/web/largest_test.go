package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// However few lines are asked for, they add up to the same, interval by interval.
func TestTheLargestAndAllOthersAddUpToAll(t *testing.T) {
	_, base := serve(t, config(t))
	client := query.Client{URL: base}
	sums := func(e *query.Energy) map[string]query.Exact {
		out := map[string]query.Exact{}
		for i := range e.Lines {
			for quality, mj := range e.Lines[i].Parts {
				out[e.Lines[i].From.Format(time.RFC3339)+" "+quality] += mj
			}
			if g := e.Lines[i].GPUSeconds; g != nil {
				out[e.Lines[i].From.Format(time.RFC3339)+" seconds"] += query.Exact(*g)
			}
		}
		return out
	}
	for _, by := range []string{"host", "gpu", "job", "tenant"} {
		q := query.EnergyQuestion{By: by, Boundary: metric.GPUs, From: ledgerStart, To: ledgerStart.Add(3 * time.Hour), Step: time.Hour}
		if by == "host" {
			q.Boundary = metric.Hosts
		}
		all, err := client.Energy(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, q.Largest = range []int{1, 2, 3, 1000} {
			got, err := client.Energy(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(sums(all), sums(got)); d != "" {
				t.Errorf("by %s, the largest %d (-all +got):\n%s", by, q.Largest, d)
			}
			own := map[string]int{}
			for i := range got.Lines {
				switch l := &got.Lines[i]; {
				case l.Things == 1:
					t.Errorf("by %s, the largest %d: one alone stands for all others", by, q.Largest)
				case l.Things > 0 && l.Host+l.UUID+l.Job+l.Tenant != "":
					t.Errorf("by %s, the largest %d: what stands for %d bears a name: %+v", by, q.Largest, l.Things, l)
				case l.Things == 0 && l.Millijoules != nil && (l.Allocation == "" || l.Allocation == "job"):
					own[l.From.String()]++
				}
			}
			for at, n := range own {
				if n > q.Largest+1 {
					t.Errorf("by %s, the largest %d: %d have lines of their own at %s", by, q.Largest, n, at)
				}
			}
		}
	}
}

func TestOfHostsTheLargestHaveLines(t *testing.T) {
	_, base := serve(t, config(t))
	client := query.Client{URL: base}
	got, err := client.Energy(t.Context(), query.EnergyQuestion{By: "host", Boundary: metric.Hosts, From: ledgerStart, To: ledgerStart.Add(2 * time.Hour), Step: time.Hour, Largest: 2})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for i := range got.Lines {
		l := &got.Lines[i]
		said = append(said, fmt.Sprint(l.From.Format("15:04 "), l.Host, " of ", l.Things, ": ", *l.Millijoules))
	}
	// Hosts n1 to n4 draw 1001 to 1004 W.
	want := []string{
		"00:00 n3 of 0: 3610800001", "00:00 n4 of 0: 3614400001", "00:00  of 2: 7210800002",
		"01:00 n3 of 0: 3610800001", "01:00 n4 of 0: 3614400001", "01:00  of 2: 7210800002",
	}
	if d := cmp.Diff(want, said); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for said, what := range map[string]string{"largest=0&by=host": "1 to 1000", "largest=all&by=host": "1 to 1000", "largest=1001&by=host": "1 to 1000", "largest=3": "by site"} {
		if r := get(t, base+"/api/v1/energy?boundary=host&"+said); r.code != 400 || !strings.Contains(r.body, what) {
			t.Errorf("%s is answered by %d: %s", said, r.code, r.body)
		}
	}
}
