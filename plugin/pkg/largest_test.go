package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

func TestTheLargestAreToldApartAndAllOthersAddedUp(t *testing.T) {
	hour := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	line := func(job, allocation string, things int, wattHours ...uint64) (lines []query.EnergyLine) {
		for i, wh := range wattHours {
			l := query.EnergyLine{From: hour.Add(time.Duration(i) * time.Hour), To: hour.Add(time.Duration(i+1) * time.Hour), Job: job, Allocation: allocation, Things: things}
			if wh > 0 {
				mj := wh * 3_600_000
				l.Millijoules = &mj
			}
			lines = append(lines, l)
		}
		return lines
	}
	for name, c := range map[string]struct {
		largest int
		lines   [][]query.EnergyLine
		want    []string
		says    string
	}{
		"all, by name": {0, [][]query.EnergyLine{line("b", "job", 0, 1, 2), line("a", "job", 0, 5, 5)}, []string{"a: 5 5", "b: 1 2"}, ""},
		"by what they come to": {2, [][]query.EnergyLine{line("a", "job", 0, 1, 2), line("b", "job", 0, 9, 0), line("c", "job", 0, 3, 3), line("d", "job", 0, 0, 4), line("", "unallocated", 0, 7, 7)},
			[]string{"b: 9 –", "c: 3 3", "unallocated: 7 7", "the rest: 1 6"}, "2 jobs are added up as the rest"},
		"one alone stands for itself":         {1, [][]query.EnergyLine{line("a", "job", 0, 1, 2), line("b", "job", 0, 9, 9)}, []string{"b: 9 9", "a: 1 2"}, ""},
		"fewer than that":                     {5, [][]query.EnergyLine{line("a", "job", 0, 1, 2), line("b", "job", 0, 9, 9)}, []string{"b: 9 9", "a: 1 2"}, ""},
		"where the aggregator has added up":   {1, [][]query.EnergyLine{line("a", "job", 0, 1, 2), line("", "job", 30, 50, 60)}, []string{"a: 1 2", "the rest: 50 60"}, "30 jobs are added up as the rest"},
		"of what an interval is not known at": {1, [][]query.EnergyLine{line("a", "job", 0, 0, 2), line("b", "job", 0, 0, 9), line("c", "job", 0, 0, 1)}, []string{"b: – 9", "the rest: – 3"}, "2 jobs are added up as the rest"},
	} {
		t.Run(name, func(t *testing.T) {
			m := powerModel{Measure: "energy", By: "job", Boundary: "host", Largest: c.largest}
			var list []series
			var ranks ranked
			for _, lines := range c.lines {
				s := m.blank(m.labels("north", &lines[0]), []time.Time{hour, hour.Add(time.Hour)})
				ranks.add(&lines[0])
				for i := range lines {
					if lines[i].Millijoules != nil {
						s.add(i, m.amount(&lines[i]))
					}
				}
				list = append(list, s)
			}
			got, notes := m.largest(list, ranks)
			var said []string
			for _, s := range got {
				text := s.labels["job"] + ":"
				for _, v := range s.values {
					if v == nil {
						text += " –"
					} else {
						text += fmt.Sprint(" ", *v)
					}
				}
				said = append(said, text)
			}
			if d := cmp.Diff(c.want, said); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			told := ""
			for _, n := range notes {
				told += n.Text
			}
			if told != c.says {
				t.Errorf("it says %q, want %q", told, c.says)
			}
		})
	}
}

func TestTheLargestOfWhatIsNotBookedIsRefused(t *testing.T) {
	for text, wrong := range map[string]bool{
		`{"by":"job","largest":10}`: false, `{"by":"host","measure":"energy","largest":10}`: false, `{"by":"rack","largest":10}`: true,
		`{"by":"site","measure":"energy","largest":10}`: true, `{"by":"job","largest":-1}`: true, `{"by":"job","largest":1001}`: true,
	} {
		q := backend.DataQuery{QueryType: "power_energy", JSON: []byte(text), TimeRange: backend.TimeRange{From: time.Unix(0, 0), To: time.Unix(7200, 0)}}
		if _, err := readQuestion(q, limits{Points: 100}, false); (err != nil) != wrong {
			t.Errorf("%s: %v", text, err)
		}
	}
}
