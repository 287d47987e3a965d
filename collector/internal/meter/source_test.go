package meter

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
	"github.com/google/go-cmp/cmp"
)

var (
	watts  = Kind{Quantity: Power}
	joules = Kind{Quantity: Energy}
)

// says is an instrument that shows one gauge.
func says(k Kind, v *float64) *instrument {
	return always(func() ([]Value, error) { return []Value{{Quantity: k.Quantity, Point: k.Point, Number: *v}}, nil }, k)
}

func TestAMeterIsReadOnItsClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := steady(3.6e5)
		under(t, Config{Meters: []Meter{{Name: "grid-a", Role: metric.RoleGridInput, Rating: 1e6, Reader: i}}}, func(r *rig) {
			if s := r.after(0); s.of(metric.MeterPowerWatts, "grid-a") != metric.Missing || s.of(metric.MeterEnergyJoules, "grid-a") != metric.Missing {
				t.Error("something is shown before it was read")
			}
			s := r.after(10 * time.Second)
			v, e, q := s.counter(metric.MeterEnergyJoules, "grid-a")
			if s.watts("grid-a") != 3.6e5 || v < 1000*wh || e == metric.Missing || q != metric.Measured {
				t.Errorf("%g W, %d mJ, epoch %d, %s", s.watts("grid-a"), v, e, q)
			}
			again := r.after(time.Minute)
			if more, f, _ := again.counter(metric.MeterEnergyJoules, "grid-a"); more-v != 6000*wh || f != e {
				t.Errorf("%d mJ in a minute, another epoch %v", more-v, f != e)
			}
			if again.layout != s.layout || i.times() != 7 {
				t.Errorf("read %d times; the same layout: %v", i.times(), again.layout == s.layout)
			}
			if d := r.s.Describe(); d != "1 of 1 meters answer" {
				t.Error(d)
			}
		})
	})
}

// What is sent of meters has the form of what the simulated site sends.
func TestLayoutIsTheSimulatedSites(t *testing.T) {
	w, err := sim.New(sim.Config{Site: "s", Hosts: 2, GPUs: 1, Seed: 1, Start: start})
	if err != nil {
		t.Fatal(err)
	}
	entity := func(l *metric.Layout, c metric.Column) metric.Entity {
		e := l.Entities[c.First]
		e.Name, e.Parent = "", 0
		if e.Kind == metric.Meter {
			e.Labels = []metric.Pair{{Name: "role", Value: ""}}
		}
		return e
	}
	form := func(ls ...*metric.Layout) map[metric.Column]metric.Entity {
		m := map[metric.Column]metric.Entity{}
		for _, l := range ls {
			for _, c := range l.Columns {
				k := metric.Column{Metric: c.Metric, Form: c.Form, Point: c.Point}
				if d := metric.Lookup(c.Metric); d.Entity == metric.Meter || d.Entity == metric.Point || c.Metric == metric.CounterEpoch && c.Point>>16 >= 400 && c.Point>>16 < 500 {
					m[k] = entity(l, c)
				}
			}
		}
		return m
	}
	var theirs []*metric.Layout
	for n := range w.Agents() {
		a := w.Agent(n)
		theirs = append(theirs, a.Telemetry, a.Ledger)
	}
	s, err := New(Config{Meters: []Meter{
		{Name: "a", Role: metric.RoleGridInput, Reader: always(nil, watts, joules)},
		{Name: "b", Role: metric.RoleHeatReuse, Reader: always(nil, watts, Kind{Quantity: Heat}, Kind{Quantity: Flow}, Kind{Temperature, Supply})},
		{Name: "c", Role: metric.RoleWaterTotal, Reader: always(nil, Kind{Quantity: Water})},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ours := form(s.layout)
	for k := range ours {
		if k.Metric == metric.CounterQuality || metric.MeterReadingAge <= k.Metric && k.Metric <= metric.MeterFailures { // a model's meters are well
			delete(ours, k)
		}
	}
	if d := cmp.Diff(form(theirs...), ours); d != "" {
		t.Error(d)
	}
}

func TestMetersStandWhereTheyAre(t *testing.T) {
	m := func(name, hall, rack string) Meter {
		return Meter{Name: name, Role: metric.RolePDUOutput, Hall: hall, Rack: rack, Reader: always(nil, watts)}
	}
	s, err := New(Config{Place: metric.Place{Hall: "h1", Host: "site1"}, Meters: []Meter{m("p1", "h1", "r1"), m("grid", "", ""), m("p2", "h1", "r2"), m("p3", "h2", "r1"), m("p4", "", "r9")}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range s.layout.Entities {
		path := ""
		for e := i; e >= 0; e = s.layout.Entities[e].Parent {
			path = "/" + s.layout.Entities[e].Name + path
		}
		got = append(got, path)
	}
	want := []string{"/h1", "/h1/site1", "/h1/r1", "/h1/r2", "/h2", "/h2/r1", "/r9", "/h1/r1/p1", "/grid", "/h1/r2/p2", "/h2/r1/p3", "/r9/p4"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(s.layout.Columns) != 4+len(healthColumns()) { // watts, energy, its epoch, its quality
		t.Errorf("%d columns: %+v", len(s.layout.Columns), s.layout.Columns)
	}
}

func TestSilenceIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fails error
		i := always(func() ([]Value, error) {
			if fails != nil {
				return nil, fails
			}
			return []Value{{Quantity: Power, Number: 5}}, nil
		}, watts)
		under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleCooling, Rating: 100, Reader: i}}}, func(r *rig) {
			r.after(10 * time.Second)
			change(func() { fails = errors.New("no route to host") })
			if got := r.after(21 * time.Second).watts("m"); got != 5 {
				t.Errorf("%g W within three periods", got)
			}
			s := r.after(20 * time.Second)
			if v, e, q := s.counter(metric.MeterEnergyJoules, "m"); s.of(metric.MeterPowerWatts, "m") != metric.Missing || v != metric.Missing || e != metric.Missing || q == metric.Integrated {
				t.Errorf("%v W, %d mJ, epoch %d after three periods", s.watts("m"), v, e)
			}
			if d := r.s.Describe(); !strings.Contains(d, "0 of 1 meters answer; m: reading: no route to host; last read ") {
				t.Error(d)
			}
			before := i.times()
			r.after(time.Hour)
			if n := i.times() - before; n < 12 || n > 18 {
				t.Errorf("asked %d times in an hour while it fails", n)
			}
			change(func() { fails = nil })
			if got := r.after(5 * time.Minute).watts("m"); got != 5 {
				t.Errorf("%g W when it answers again", got)
			}
		})
	})
}

// patient asks for time.
type patient struct{ error }

func (patient) RetryAfter() time.Duration { return 7 * time.Minute }

func TestADeviceMayAskForTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := always(func() ([]Value, error) { return nil, patient{errors.New("busy")} }, watts)
		under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleCooling, Reader: i}}}, func(r *rig) {
			r.after(time.Hour)
			if n := i.times(); n < 8 || n > 9 {
				t.Errorf("asked %d times in an hour", n)
			}
		})
	})
}

func TestAMeterThatHangsDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := &instrument{gives: []Kind{watts}, read: func(ctx context.Context) ([]Value, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		deaf := &instrument{gives: []Kind{watts}, read: func(context.Context) ([]Value, error) {
			time.Sleep(time.Hour)
			return nil, nil
		}}
		five := 5.
		slow := &instrument{gives: []Kind{watts}, read: func(context.Context) ([]Value, error) {
			time.Sleep(8 * time.Second)
			return []Value{{Quantity: Power, Number: 7}}, nil
		}}
		good, unit2 := says(watts, &five), says(watts, &five)
		m := func(name, line string, r Reader) Meter {
			return Meter{Name: name, Role: metric.RoleCooling, Rating: 100, Line: line, Reader: r}
		}
		under(t, Config{Meters: []Meter{m("hung", "", hung), m("deaf", "gateway", deaf), m("unit2", "gateway", unit2), m("slow", "", slow), m("good", "", good)}}, func(r *rig) {
			for range 30 {
				s := r.after(30 * time.Second)
				for name, want := range map[string]float64{"unit2": 5, "slow": 7, "good": 5} {
					if got := s.watts(name); got != want {
						t.Fatalf("%s: %g W", name, got)
					}
				}
				for _, name := range []string{"hung", "deaf"} {
					if s.of(metric.MeterPowerWatts, name) != metric.Missing {
						t.Fatalf("%s shows something", name)
					}
				}
			}
			if good.times() != 90 || deaf.most != 1 || deaf.times() > 2 {
				t.Errorf("the good one was read %d times in 15 minutes, the deaf one asked %d times, %d at once", good.times(), deaf.times(), deaf.most)
			}
			if d := r.s.Describe(); !strings.Contains(d, "deaf: reading: its reader does not end") || !strings.Contains(d, "hung: reading: context deadline exceeded") {
				t.Error(d)
			}
			r.stop()
			time.Sleep(time.Hour) // the bubble waits for those that were left behind
		})
	})
}

func TestMetersOfOneLineTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &instrument{gives: []Kind{watts}, read: func(context.Context) ([]Value, error) {
			time.Sleep(time.Second)
			return []Value{{Quantity: Power, Number: 5}}, nil
		}}
		var meters []Meter
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
			meters = append(meters, Meter{Name: name, Role: metric.RoleCooling, Rating: 100, Line: "gateway", Reader: i})
		}
		under(t, Config{Meters: meters}, func(r *rig) {
			r.after(time.Minute)
			for range 100 {
				s := r.after(7 * time.Second)
				for _, m := range meters {
					if s.watts(m.Name) != 5 {
						t.Fatalf("%s is missing: the line is unfair", m.Name)
					}
				}
			}
			if i.most != 1 {
				t.Errorf("%d requests at once", i.most)
			}
			if d := r.s.Describe(); !strings.Contains(d, "its line is so busy that it was asked") {
				t.Error(d)
			}
		})
	})
}

func TestStartIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		five := 5.
		var meters []Meter
		var all []*instrument
		for c := 'a'; c <= 'z'; c++ {
			all = append(all, says(watts, &five))
			meters = append(meters, Meter{Name: "meter-" + string(c), Role: metric.RoleCooling, Reader: all[len(all)-1]})
		}
		under(t, Config{Meters: meters}, func(r *rig) {
			var read []int
			for range 10 {
				r.after(time.Second)
				n := 0
				for _, i := range all {
					n += i.times()
				}
				read = append(read, n)
			}
			if read[0] > 10 || read[4] < 5 || read[4] > 21 || read[9] != 26 {
				t.Errorf("read after each second: %v", read)
			}
		})
	})
}

func TestSettleWaitsForEveryMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		five := 5.
		bad := always(func() ([]Value, error) { return nil, errors.New("no") }, watts)
		under(t, Config{Meters: []Meter{{Name: "a", Role: metric.RoleCooling, Reader: says(watts, &five)}, {Name: "b", Role: metric.RoleCooling, Reader: bad}}}, func(r *rig) {
			r.s.Settle(t.Context())
			if s := r.after(0); s.watts("a") != 5 {
				t.Error("not settled")
			}
		})
	})
}

// feed is a connection that readers share.
type feed struct{ ran, ended bool }

func (f *feed) Run(ctx context.Context) error {
	f.ran = true
	<-ctx.Done()
	f.ended = true
	return nil
}

func TestFeedsRunWithTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		five, f := 5., &feed{}
		under(t, Config{Feeds: []Feed{f}, Meters: []Meter{{Name: "a", Role: metric.RoleCooling, Reader: says(watts, &five)}}}, func(r *rig) {
			r.after(time.Second)
			r.stop()
		})
		if !f.ran || !f.ended {
			t.Errorf("%+v", *f)
		}
	})
}
