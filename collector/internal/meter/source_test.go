package meter

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
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
		if k.Metric == metric.CounterQuality {
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
	if len(s.layout.Columns) != 4 { // watts, energy, its epoch, its quality
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

func TestCountersOutlastTheCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state", "meters.json")
		i := steady(3.6e5)
		c := Config{State: path, Meters: []Meter{{Name: "grid-a", Role: metric.RoleGridInput, Rating: 1e6, Reader: i}}}
		var v, e metric.Raw
		under(t, c, func(r *rig) { v, e, _ = r.after(65*time.Second).counter(metric.MeterEnergyJoules, "grid-a") })
		time.Sleep(time.Hour)
		under(t, c, func(r *rig) {
			more, f, q := r.after(10*time.Second).counter(metric.MeterEnergyJoules, "grid-a")
			if f != e || (more-v)/wh < 360_000 || (more-v)/wh > 363_000 || q != metric.CounterBridged {
				t.Errorf("%d mJ more, another epoch %v, %s", more-v, f != e, q)
			}
			if _, _, q := r.after(20*time.Second).counter(metric.MeterEnergyJoules, "grid-a"); q != metric.Measured {
				t.Errorf("still %s", q)
			}
		})
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(b), `"grid-a energy"`) {
			t.Errorf("%s, %v", b, err)
		}
	})
}

// Two collectors that read the same meter count alike, so that one can take over
// from the other.
func TestTwoCollectorsAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := steady(3.6e5)
		c := Config{Meters: []Meter{{Name: "grid-a", Role: metric.RoleGridInput, Rating: 1e6, Installed: []Installation{{Serial: "77"}}, Reader: i}}}
		var values, epochs []metric.Raw
		for range 2 {
			under(t, c, func(r *rig) {
				v, e, _ := r.after(10*time.Second).counter(metric.MeterEnergyJoules, "grid-a")
				values, epochs = append(values, v), append(epochs, e)
			})
		}
		if epochs[0] != epochs[1] || values[1] <= values[0] {
			t.Errorf("%v in %v", values, epochs)
		}
	})
}

// Where nothing is remembered a count begins at zero, lest it be counted twice.
func TestWithoutMemoryCountsBeginAtZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := steady(3.6e5)
		c := Config{State: "none", Meters: []Meter{{Name: "grid-a", Role: metric.RoleGridInput, Rating: 1e6, Reader: i}}}
		seen := map[metric.Raw]bool{}
		for range 2 {
			under(t, c, func(r *rig) {
				v, e, _ := r.after(10*time.Second).counter(metric.MeterEnergyJoules, "grid-a")
				if v != 0 || seen[e] {
					t.Errorf("%d mJ, an epoch of its own: %v", v, !seen[e])
				}
				seen[e] = true
			})
		}
	})
}

func TestFileOfMemory(t *testing.T) {
	for name, x := range map[string]struct{ content, refused string }{
		"empty":           {"", "unexpected end"},
		"no JSON":         {"\x00\x01", "invalid character"},
		"another version": {`{"version":9}`, "version 9"},
		"no registers":    {`{"version":1}`, ""},
		"no size":         {`{"version":1,"registers":{"m energy":{"mark":" 3600000/1","epoch":7,"steps":5}}}`, ""},
		"below zero":      {`{"version":1,"registers":{"m energy":{"mark":" 3600000/1","epoch":7,"shown":-5,"size":{"num":1,"den":1}}}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "meters.json")
			if err := os.WriteFile(path, []byte(x.content), 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := openMemory(path)
			if (err == nil) != (x.refused == "") || err != nil && !strings.Contains(err.Error(), x.refused) {
				t.Errorf("error %v, want %q", err, x.refused)
			}
			if _, ok := m.of("m energy"); ok {
				t.Error("something is believed")
			}
			m.keep("m energy", life{Epoch: 5, Size: Size{1, 1}, At: time.Now()})
			if err := m.save(); err != nil {
				t.Fatal(err)
			}
			if again, err := openMemory(path); err != nil || again.lives["m energy"].Epoch != 5 {
				t.Errorf("the file was not replaced by a good one: %v", err)
			}
		})
	}
}

func TestNoPlaceToRemember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := New(Config{State: filepath.Join(file, "meters.json"), Meters: []Meter{{Name: "a", Role: metric.RoleCooling, Rating: 1e6, Reader: steady(5)}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := s.Run(ctx); err == nil || !strings.Contains(err.Error(), "remember the lives of meters") {
			t.Errorf("error %v", err)
		}
	})
}

func TestMetersThatAreRefused(t *testing.T) {
	ok := func() Meter { return Meter{Name: "m", Role: metric.RoleCooling, Reader: always(nil, watts)} }
	for name, x := range map[string]struct {
		change func(m *Meter)
		says   string
	}{
		"no name":          {func(m *Meter) { m.Name = "" }, "names are 1 to 255 bytes"},
		"no role":          {func(m *Meter) { m.Role = "fan" }, `meter m: "fan" is no role`},
		"no reader":        {func(m *Meter) { m.Reader = nil }, "nothing reads it"},
		"rating":           {func(m *Meter) { m.Rating = -1 }, "rating -1 W"},
		"flow":             {func(m *Meter) { m.MaxFlow = 99 }, "flow of up to 99"},
		"ratio":            {func(m *Meter) { m.Installed = []Installation{{Ratio: -2}} }, "transformer ratio -2"},
		"devices":          {func(m *Meter) { m.Installed = []Installation{{Serial: "a", From: start}, {Serial: "b", From: start}} }, `device "b" came no later than the one before it`},
		"time":             {func(m *Meter) { m.Hold = -2 }, "below zero"},
		"gives nothing":    {func(m *Meter) { m.Reader = always(nil) }, "gives nothing"},
		"gives twice":      {func(m *Meter) { m.Reader = always(nil, watts, watts) }, "gives power twice"},
		"gives no point":   {func(m *Meter) { m.Reader = always(nil, Kind{Quantity: Temperature}) }, "a temperature has a point"},
		"power at a point": {func(m *Meter) { m.Reader = always(nil, Kind{Power, "x"}) }, "a temperature has a point"},
		"no quantity":      {func(m *Meter) { m.Reader = always(nil, Kind{Quantity: 77}) }, "no quantity"},
		"heat of no flow":  {func(m *Meter) { m.Fluid = &water }, "where there is a flow"},
		"heat of no loop": {func(m *Meter) {
			m.Fluid, m.Reader = &water, always(nil, Kind{Quantity: Flow}, Kind{Temperature, Supply})
		}, "temperatures at supply and return"},
		"no fluid": {func(m *Meter) {
			m.Fluid, m.Reader = &Fluid{}, always(nil, Kind{Quantity: Flow}, Kind{Temperature, Supply}, Kind{Temperature, Return})
		}, "a fluid of 0 kg/m³"},
	} {
		m := ok()
		x.change(&m)
		if _, err := New(Config{Meters: []Meter{m}}); err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s: %v, want %q", name, err, x.says)
		}
	}
	if _, err := New(Config{Meters: []Meter{ok(), ok()}}); err == nil || !strings.Contains(err.Error(), "two of that name") {
		t.Error(err)
	}
	many := slices.Repeat([]Meter{ok()}, 5000)
	for i := range many {
		many[i].Name = strings.Repeat("m", i%250+1) + string(rune('a'+i/250))
	}
	if _, err := New(Config{Meters: many}); err == nil || !strings.Contains(err.Error(), "let another one read some of them") {
		t.Error(err)
	}
}
