package meter

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// failures is the counter of a kind.
func (s shown) failures(kind uint32, meter string) (n int64) {
	s.t.Helper()
	at := 0
	for _, c := range s.layout.Columns {
		for k := range c.Count {
			if c.Metric == metric.MeterFailures && c.Point == kind && s.layout.Entities[c.First+k].Name == meter {
				n = int64(s.values[at+k])
			}
		}
		at += c.Count
	}
	return n
}

// Each state of a meter, by what brings it about; and it is ok again after.
func TestAMetersStateSaysWhatIsKnownOfIt(t *testing.T) {
	reading := func(w float64, steps uint64) []Value {
		return []Value{{Quantity: Power, Number: w}, {Quantity: Energy, Register: Register{Steps: steps, Size: Size{wh, 1}}}}
	}
	for situation, tc := range map[string]struct {
		ill   func(n int) ([]Value, error) // at its n-th reading, from 1
		after time.Duration
		want  metric.Raw
		kind  uint32 // of failures, at least one
	}{
		"it answers":                    {func(n int) ([]Value, error) { return reading(3600, uint64(n)), nil }, time.Minute, metric.MeterOk, metric.MeterFailureKinds},
		"it does not answer":            {func(n int) ([]Value, error) { return nil, errors.New("no route") }, time.Minute, metric.MeterSilent, metric.MeterNoAnswer},
		"it says nothing that is known": {func(n int) ([]Value, error) { return nil, nil }, time.Minute, metric.MeterSilent, metric.MeterNoAnswer},
		"a part of it fails":            {func(n int) ([]Value, error) { return reading(3600, uint64(n))[1:], errors.New("no such register") }, time.Minute, metric.MeterStale, metric.MeterPartial},
		"it does not say all any more":  {func(n int) ([]Value, error) { return reading(3600, uint64(n))[1:], nil }, time.Minute, metric.MeterStale, metric.MeterFailureKinds},
		"more than its rating":          {func(n int) ([]Value, error) { return reading(9e6, uint64(n)), nil }, time.Minute, metric.MeterImplausible, metric.MeterRefused},
		"its clock is far ahead": {func(n int) ([]Value, error) {
			v := reading(3600, uint64(n))
			v[0].At = time.Now().Add(time.Hour)
			return v, nil
		}, time.Minute, metric.MeterImplausible, metric.MeterTime},
		"its register stands still":       {func(n int) ([]Value, error) { return reading(3600, 12), nil }, time.Hour, metric.MeterFrozen, metric.MeterFailureKinds},
		"its register jumps by a million": {func(n int) ([]Value, error) { return reading(3600, 1e6+uint64(n)), nil }, 2 * time.Minute, metric.MeterQuarantined, metric.MeterRefused},
	} {
		t.Run(situation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, ill := 0, false
				i := always(func() ([]Value, error) {
					if n++; ill {
						return tc.ill(n)
					}
					return reading(3600, uint64(n)), nil
				}, Kind{Quantity: Power}, Kind{Quantity: Energy})
				under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleITInput, Rating: 10e3, Period: time.Second, Reader: i}}}, func(r *rig) {
					if got := r.after(10 * time.Second); got.of(metric.MeterState, "m") != metric.MeterOk || got.of(metric.MeterReadingAge, "m").Float() > 1 {
						t.Fatalf("before: state %d, %v s old", got.of(metric.MeterState, "m"), got.of(metric.MeterReadingAge, "m").Float())
					}
					change(func() { ill = true })
					got := r.after(tc.after)
					if state := got.of(metric.MeterState, "m"); state != tc.want {
						t.Errorf("state %d, want %d; %s", state, tc.want, r.s.Describe())
					}
					if tc.kind != metric.MeterFailureKinds && got.failures(tc.kind, "m") == 0 {
						t.Errorf("no failure of kind %d is counted", tc.kind)
					}
					if silent := got.of(metric.MeterReadingAge, "m").Float() > 30; silent != (tc.want == metric.MeterSilent) {
						t.Errorf("its reading is %v s old", got.of(metric.MeterReadingAge, "m").Float())
					}
					if tc.want == metric.MeterQuarantined {
						return // a person has to look
					}
					change(func() { ill = false })
					if state := r.after(30*time.Minute).of(metric.MeterState, "m"); state != metric.MeterOk {
						t.Errorf("after: state %d; %s", state, r.s.Describe())
					}
				})
			})
		})
	}
}

// A device that sends by itself is asked for what it said, and has stopped saying
// anything: its reading grows old though it is there to be read.
func TestTheAgeOfAReadingIsThatOfWhatWasSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := time.Now().Add(time.Minute)
		i := always(func() ([]Value, error) {
			at := time.Now()
			if at.After(stopped) {
				at = stopped
			}
			return []Value{{Quantity: Power, Number: 5, At: at}, {Quantity: Flow, Missing: true}}, nil
		}, Kind{Quantity: Power}, Kind{Quantity: Flow})
		under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleITInput, Period: time.Second, Reader: i}}}, func(r *rig) {
			if got := r.after(30 * time.Second); got.of(metric.MeterState, "m") != metric.MeterOk || got.of(metric.MeterReadingAge, "m").Float() > 1 {
				t.Errorf("state %d, %v s old", got.of(metric.MeterState, "m"), got.of(metric.MeterReadingAge, "m").Float())
			}
			if got := r.after(90 * time.Second); got.of(metric.MeterState, "m") != metric.MeterStale || got.of(metric.MeterReadingAge, "m").Float() != 60 {
				t.Errorf("when it has stopped: state %d, %v s old", got.of(metric.MeterState, "m"), got.of(metric.MeterReadingAge, "m").Float())
			}
		})
	})
}

// A meter that never answered has a state and no age.
func TestAMeterThatNeverAnsweredIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := always(func() ([]Value, error) { return nil, errors.New("no route") }, Kind{Quantity: Power})
		under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleITInput, Reader: i}}}, func(r *rig) {
			got := r.after(time.Minute)
			if s, age := got.of(metric.MeterState, "m"), got.of(metric.MeterReadingAge, "m"); s != metric.MeterSilent || age != metric.Missing {
				t.Errorf("state %d, age %v", s, age.Float())
			}
		})
	})
}

// Before a meter was asked nobody knows how it is.
func TestAMeterThatWasNotAskedYetIsNotSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := always(func() ([]Value, error) {
			time.Sleep(2 * time.Second)
			return []Value{{Quantity: Power, Number: 5}}, nil
		}, Kind{Quantity: Power})
		under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleITInput, Period: 10 * time.Second, Reader: i}}}, func(r *rig) {
			if s := r.after(time.Second).of(metric.MeterState, "m"); s != metric.Missing {
				t.Errorf("before its first answer: state %d", s)
			}
			if s := r.after(20*time.Second).of(metric.MeterState, "m"); s != metric.MeterOk {
				t.Errorf("after it: state %d", s)
			}
		})
	})
}

func TestStatesAndFailuresAreTheCatalogues(t *testing.T) {
	if n := len(metric.Lookup(metric.MeterState).Labels[0].Values); n != int(metric.MeterSilent)+1 {
		t.Errorf("%d states", n)
	}
	if n := len(metric.Lookup(metric.MeterFailures).Labels[0].Values); n != int(metric.MeterFailureKinds) {
		t.Errorf("%d kinds of failures", n)
	}
}

// What is read of a model as real meters are read stays marked.
func TestWhatIsReadOfAModelIsMarked(t *testing.T) {
	for _, simulated := range []bool{false, true} {
		s, err := New(Config{Simulated: simulated, Meters: []Meter{{Name: "m", Role: metric.RoleITInput, Reader: always(nil, Kind{Quantity: Power})}}})
		if err != nil || s.layout.Simulated != simulated {
			t.Errorf("%v, %v", s.layout.Simulated, err)
		}
	}
}
