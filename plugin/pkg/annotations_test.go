package main_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// A graph is marked where something began or happened. What goes on for the whole
// range marks nothing: it would cover the graph.
func TestFindingsAreMarkedAsMoments(t *testing.T) {
	f := newFake(t, "north")
	at := func(hours int) time.Time { return now.Add(time.Duration(hours) * time.Hour) }
	last := func(hours int) *time.Time { t := at(hours); return &t }
	f.answer("/api/v1/health", func(w http.ResponseWriter, _ *http.Request) {
		v := query.Verdict{Findings: []query.Finding{
			{Cause: "long", State: "failed", Since: at(-100)}, {Cause: "over", State: "watch", Since: at(-100), Last: last(-50)}, {Cause: "later", State: "watch", Since: at(1)},
			{Cause: "began", State: "failed", Since: at(-2)}, {Cause: "happened", State: "watch", Since: at(-100), Last: last(-1)}, {Cause: "both", State: "degraded", Since: at(-2), Last: last(-1)},
		}}
		succeed(w, query.HealthReport{Sites: []query.SiteHealth{{Site: "north", Subjects: []query.Verdict{v}}}})
	})
	frame := start(t).one(t, f.source(""), asked{"queryType": "annotations", "what": []string{"health"}, "from": at(-3)})[0]
	var got []string
	for i := range frame.Rows() {
		from, end := frame.Fields[0].At(i).(time.Time), frame.Fields[1].At(i).(*time.Time)
		if end != nil {
			t.Errorf("row %d is a band to %v", i, end)
		}
		got = append(got, strings.Split(frame.Fields[4].At(i).(string), ",")[2]+" at "+from.UTC().Format("15:04"))
	}
	if want := "both at 10:00, began at 10:00, happened at 11:00"; strings.Join(got, ", ") != want {
		t.Errorf("marked are %v; want %s", got, want)
	}
}

// After a restart all meters are silent for a moment: one band, and not as many as
// there are meters.
func TestMetersThatFallSilentTogetherAreOneMark(t *testing.T) {
	f := newFake(t, "north")
	f.answer("/api/v1/query_range", func(w http.ResponseWriter, _ *http.Request) {
		var list []any
		for _, name := range []string{"m1", "m2", "m3"} {
			values := [][2]any{{now.Add(-30 * time.Minute).Unix(), "1"}}
			if name == "m3" {
				values = [][2]any{{now.Add(-20 * time.Minute).Unix(), "1"}}
			}
			list = append(list, map[string]any{"metric": map[string]string{"meter": name, "role": "grid_input", "state": "silent"}, "values": values})
		}
		succeed(w, map[string]any{"resultType": "matrix", "result": list})
	})
	frame := start(t).one(t, f.source(""), asked{"queryType": "annotations", "what": []string{"meter"}})[0]
	if got := titles(frame); got != "2 meters silent, meter m3 silent" {
		t.Errorf("told %q", got)
	}
	if got := frame.Fields[3].At(0); got != "They are m1, m2." {
		t.Errorf("told %q", got)
	}
}

// Between two points of a long range a meter may fail and come back: that counts.
func TestMetersThatFailForAMomentAreMarked(t *testing.T) {
	f := newFake(t, "north")
	var b []string
	f.answer("/api/v1/query_range", func(w http.ResponseWriter, r *http.Request) {
		b = append(b, r.URL.Query().Get("query"))
		succeed(w, map[string]any{"resultType": "matrix", "result": []any{map[string]any{"metric": map[string]string{"meter": "m1", "role": "grid_input", "state": "silent"}, "values": [][2]any{{json.Number(r.URL.Query().Get("start")), "1"}}}}})
	})
	frame := start(t).one(t, f.source(""), asked{"queryType": "annotations", "what": []string{"meter"}, "from": now.Add(-7 * 24 * time.Hour)})[0]
	const state = `meter_state{site="north",state!="ok"}`
	if want := "max_over_time(" + state + "[20m13s]) == 1 or " + state + " == 1"; len(b) != 1 || b[0] != want {
		t.Errorf("asked %v; want %s", b, want)
	}
	// It was silent before the range: what is seen is the end of that.
	if got := titles(frame); got != "meter m1 silent no more" {
		t.Errorf("told %q", got)
	}
}

// What began since the last whole step of a long range happened in it.
func TestAMeterThatJustFailedIsMarked(t *testing.T) {
	f := newFake(t, "north")
	f.answer("/api/v1/query_range", func(w http.ResponseWriter, r *http.Request) {
		values := [][2]any{}
		if end, err := strconv.ParseInt(r.URL.Query().Get("end"), 10, 64); err == nil && end >= now.Unix()+60 { // when it fell silent
			values = append(values, [2]any{end, "1"})
		}
		succeed(w, map[string]any{"resultType": "matrix", "result": []any{map[string]any{"metric": map[string]string{"meter": "m1", "role": "grid_input", "state": "silent"}, "values": values}}})
	})
	to := now.Add(70 * time.Second)
	frame := start(t).one(t, f.source(""), asked{"queryType": "annotations", "what": []string{"meter"}, "from": to.Add(-24 * time.Hour), "to": to})[0]
	if got := titles(frame); got != "meter m1 silent" {
		t.Fatalf("told %q", got)
	}
	if at := frame.Fields[0].At(0).(time.Time); !at.Equal(to) {
		t.Errorf("it is marked at %v, which is not within the range to %v", at, to)
	}
}
