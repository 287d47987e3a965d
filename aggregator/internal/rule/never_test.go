package rule_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	table "github.com/gigawatch/gigawatch/alerts/rule"
)

// One host of ten thousand that never reported is a ticket, after a day; and it is over
// when it does.
func TestHostsThatNeverReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := inbox{began: time.Now(), now: map[string]rule.Message{}}
		absent := rule.Absent{Site: "fra1", Hosts: 12, Of: 10_000}
		for i := range 12 {
			absent.Names = append(absent.Names, fmt.Sprintf("n%d (h1 r1)", i))
		}
		e, err := rule.New(rule.Config{Rules: table.Table(), Send: box.take, Absent: func() []rule.Absent { return []rule.Absent{absent} }})
		if err != nil {
			t.Fatal(err)
		}
		hours := func(n int) {
			for range n * 60 {
				e.Step(time.Now())
				time.Sleep(time.Minute)
			}
		}
		hours(23)
		if len(box.lines) > 0 {
			t.Fatalf("within a day: %q", box.lines)
		}
		hours(2)
		list, _ := e.Told("fra1", 10)
		if len(list) != 1 || list[0].Severity != table.Warning || list[0].Text("summary") != "Hosts of fra1 have never reported" ||
			!strings.HasPrefix(list[0].Text("evidence"), "12 of 10000 hosts: n0 (h1 r1), ") || !strings.HasSuffix(list[0].Text("evidence"), ", n9 (h1 r1) and 2 more.") {
			t.Errorf("after a day: %+v", list)
		}
		absent.Hosts, absent.Names = 0, nil
		hours(3)
		if n := len(box.lines); n != 2 || !strings.Contains(box.lines[1], "over: HostsNeverReported") {
			t.Errorf("when all were heard: %q", box.lines)
		}
	})
}
