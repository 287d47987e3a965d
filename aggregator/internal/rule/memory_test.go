package rule_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	table "github.com/gigawatch/gigawatch/alerts/rule"
)

// leak is an alert that is direct.
func leak(since time.Time) rule.Message {
	return rule.Message{Labels: sortedPairs("alertname", "CoolantLeak", "meter", "m1", "site", "fra1"), Annotations: sortedPairs("summary", "Coolant leaks"), StartsAt: since, EndsAt: since.Add(time.Hour), Direct: true, Fresh: true}
}

// What goes the direct way is told once, over restarts, and what waits is not lost.
func TestTheDirectWayOutlivesRestarts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "direct.json")
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.says = 500
		start := func() (d *rule.Delivery, stop func()) {
			d, err := rule.NewDelivery(rule.DeliveryConfig{Transport: w, Direct: rule.Endpoint{URL: "http://pager/hook"}, DirectFile: file})
			if err != nil {
				t.Fatal(err)
			}
			ctx, end := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- d.Run(ctx) }()
			return d, func() { end(); <-done }
		}
		told := func(when, want string) {
			t.Helper()
			w.mu.Lock()
			defer w.mu.Unlock()
			if got := strings.Join(w.pager, ", "); got != want {
				t.Errorf("%s: told %q, want %q", when, got, want)
			}
			w.pager = nil
		}
		says := func(code int) { w.mu.Lock(); w.says = code; w.mu.Unlock() }

		m := leak(time.Now())
		d, stop := start()
		d.Send([]rule.Message{m})
		time.Sleep(time.Minute)
		stop()
		told("the pager fails", "")
		says(200)
		d, stop = start() // nothing is sent to it
		time.Sleep(time.Minute)
		told("it waited over a restart", "CoolantLeak")
		again := m
		again.Fresh = false
		for range 60 {
			d.Send([]rule.Message{again})
			time.Sleep(30 * time.Second)
		}
		told("it goes on", "")
		stop()
		d, stop = start()
		for range 60 {
			d.Send([]rule.Message{again})
			time.Sleep(30 * time.Second)
		}
		told("and after another restart", "")
		stop()

		if err := os.WriteFile(file, []byte("gone"), 0o600); err != nil {
			t.Fatal(err)
		}
		d, stop = start()
		d.Send([]rule.Message{again})
		time.Sleep(time.Minute)
		told("what it was told is forgotten: better twice", "CoolantLeak")
		if _, err := os.Stat(file + ".damaged"); err != nil {
			t.Error(err)
		}

		over := again
		over.Ended = true
		d.Send([]rule.Message{over})
		time.Sleep(2 * time.Minute)
		next := leak(time.Now()) // minutes later it leaks again, and goes on
		for range 60 {
			d.Send([]rule.Message{next})
			next.Fresh = false
			time.Sleep(30 * time.Second)
		}
		told("it leaks again: told, a quarter of an hour after the first", "CoolantLeak")
		stop()
	})
}

// inStore is an evaluator of the whole table over a store, in a bubble.
func inStore(t *testing.T, f func(put func(v float64, ls ...string), in *inbox, start func() (e *rule.Evaluator, stop func()))) {
	dir, files := t.TempDir(), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(store.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		in := &inbox{now: map[string]rule.Message{}, began: time.Now()}
		f(func(v float64, ls ...string) {
			app := s.Appender(t.Context())
			if _, err := app.Append(0, labels.FromStrings(ls...), time.Now().UnixMilli(), v); err != nil {
				t.Fatal(err)
			}
			if err := app.Commit(); err != nil {
				t.Fatal(err)
			}
		}, in, func() (*rule.Evaluator, func()) {
			e, err := rule.New(rule.Config{Rules: table.Table(), Store: s, Send: in.take, File: filepath.Join(files, "alerts.json"), Self: "here"})
			if err != nil {
				t.Fatal(err)
			}
			ctx, end := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- e.Run(ctx) }()
			return e, func() {
				end()
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
		})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func of(name string, more ...string) []string {
	return append([]string{"__name__", name, "site", "fra1", "hall", "h1", "rack", "r1", "meter", "m1", "role", "cooling"}, more...)
}

// count is how many lines of an inbox have a text.
func (b *inbox) count(text string) (n int) {
	for _, l := range b.lines {
		if strings.Contains(l, text) {
			n++
		}
	}
	return n
}

// A leak whose detector drowned leaks on, for an hour, and says so.
func TestALeakIsNotOverWhenItsDetectorIsGone(t *testing.T) {
	inStore(t, func(put func(float64, ...string), in *inbox, start func() (*rule.Evaluator, func())) {
		e, stop := start()
		for i := range 90 {
			put(map[bool]float64{true: 1}[i > 20], of("meter_leak_detected")...)
			time.Sleep(10 * time.Second)
		}
		time.Sleep(20 * time.Minute)
		if in.count(" CoolantLeak") != 1 || in.count("over: CoolantLeak") != 0 {
			t.Errorf("its gateway is gone: told %q", in.lines)
		}
		list, _ := e.Alerts("fra1", 100)
		found := false
		for i := range list {
			found = found || list[i].Label("alertname") == "CoolantLeak" && strings.Contains(list[i].Text("evidence"), "Nothing has been read since")
		}
		if !found {
			t.Errorf("nothing says that it is the last that is known: %+v", list)
		}
		for range 60 {
			put(0, of("meter_leak_detected")...)
			time.Sleep(10 * time.Second)
		}
		if in.count("over: CoolantLeak") != 1 {
			t.Errorf("it is dry: told %q", in.lines)
		}
		stop()
	})
}

// What asks is not ended by a start before what it asks about is read again.
func TestWhatAsksOutlivesARestart(t *testing.T) {
	inStore(t, func(put func(float64, ...string), in *inbox, start func() (*rule.Evaluator, func())) {
		hot := func(d time.Duration) {
			for range int(d / (10 * time.Second)) {
				put(50, of("meter_temperature_celsius", "point", "supply")...)
				put(1, of("meter_leak_detected")...)
				time.Sleep(10 * time.Second)
			}
		}
		_, stop := start()
		hot(10 * time.Minute)
		if in.count(" CoolantLeak") != 1 || in.count(" CoolantSupplyHot") != 1 {
			t.Errorf("hot and wet: told %q", in.lines)
		}
		in.lines = nil
		stop()
		time.Sleep(5 * time.Minute)
		_, stop = start()
		time.Sleep(50 * time.Second)
		hot(10 * time.Minute)
		if in.count("Coolant") != 0 {
			t.Errorf("after a restart: told %q", in.lines)
		}
		stop()
	})
}

// A feed about its rating is told once.
func TestAValueAboutItsBoundIsToldOnce(t *testing.T) {
	inStore(t, func(put func(float64, ...string), in *inbox, start func() (*rule.Evaluator, func())) {
		_, stop := start()
		for i := range 360 {
			v := 10_100.0
			if i/6%2 == 1 {
				v = 9_950
			}
			put(10_000, "__name__", "rack_feed_rating_watts", "site", "fra1", "hall", "h1", "rack", "r1")
			put(v, "__name__", "meter_power_watts", "site", "fra1", "hall", "h1", "rack", "r1", "meter", "m1", "role", "pdu_output")
			time.Sleep(10 * time.Second)
		}
		if in.count(" RackOverFeed") != 1 || in.count("over: RackOverFeed") != 0 {
			t.Errorf("told %q", in.lines)
		}
		stop()
	})
}

// A store that takes nothing more cannot tell so: what it would have is remembered.
func TestADiskThatIsFullIsTold(t *testing.T) {
	inStore(t, func(put func(float64, ...string), in *inbox, start func() (*rule.Evaluator, func())) {
		e, stop := start()
		for i := range 60 {
			for name, v := range map[string]float64{"gigawatch_recording_store_failures_total": float64(i), "gigawatch_data_free_bytes": 0, "gigawatch_data_size_bytes": 1000} {
				e.Remember(labels.FromStrings("__name__", name, "instance", "here"), time.Now().UnixMilli(), v)
			}
			time.Sleep(10 * time.Second)
		}
		if in.count("StoreFailing") != 1 || in.count("DataDiskFull") != 1 {
			t.Errorf("told %q", in.lines)
		}
		stop()
	})
}

// An aggregator that starts after a weekend tells nobody what fired on Friday.
func TestAStartAfterAWeekend(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 0), func(s *stage) {
		w := newWorld("am1")
		s.deliver(w, false)
		s.settles()
		for _, m := range s.in("h1r01") {
			m.up = false
		}
		s.runs(time.Minute)
		s.sink = nil
		s.restart(64 * time.Hour)
		for _, m := range s.in("h1r01") {
			m.up = true
		}
		c := rule.DeliveryConfig{Transport: w, Alertmanagers: []rule.Endpoint{{URL: "http://am1"}}}
		if err := rule.Resume(s.t.Context(), filepath.Join(s.files, "alerts.json"), s.config.Rules, c); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		if got := strings.Join(w.ams["am1"].pages, ", "); got != "RackDown h1r01" {
			t.Errorf("the receiver was told %q", got)
		}
		w.mu.Unlock()
		s.inbox.lines, s.inbox.now = nil, map[string]rule.Message{}
		s.runs(10 * time.Minute)
		if told := s.told(); len(told) > 0 {
			t.Errorf("told %q", told)
		}
	})
}
