package meter

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A herald is a device that sends by itself.
type herald struct {
	*instrument
	sent chan struct{}
}

func (h *herald) Sent() <-chan struct{} { return h.sent }

// sends is a device that has sent what f says of it, and nothing since.
func sends(f func() ([]Value, error), kinds ...Kind) *herald {
	return &herald{always(f, kinds...), make(chan struct{}, 1)}
}

func (h *herald) send() {
	select {
	case h.sent <- struct{}{}:
	default:
	}
}

func TestWhatIsSentIsReadSoonAndNotTooOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := 100.
		h := sends(func() ([]Value, error) { return []Value{{Quantity: Power, Number: w}}, nil }, watts)
		under(t, Config{Meters: []Meter{{Name: "pdu", Role: metric.RolePDUOutput, Period: time.Hour, Reader: h}}}, func(r *rig) {
			h.send()
			if got := r.after(time.Millisecond).watts("pdu"); got != 100 {
				t.Errorf("%g W at once, want 100", got)
			}
			change(func() { w = 200 })
			for range 10 {
				h.send()
				r.after(100 * time.Millisecond)
			}
			if got := r.after(time.Second).watts("pdu"); got != 200 || h.times() > 3 {
				t.Errorf("%g W, read %d times in 2 s", got, h.times())
			}
			n := h.times()
			if r.after(90 * time.Minute); h.times() == n {
				t.Error("it is not read any more when it sends nothing")
			}
		})
	})
}

// What a device has said stands for hours where it says only what changes, unless
// it says that it does not know it any more.
func TestWhatIsNotKnownAnyMoreIsMissingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := time.Now()
		gone := false
		f := func() ([]Value, error) {
			power := Value{Quantity: Power, Number: 1000, At: sent, Missing: gone}
			register := Value{Quantity: Energy, At: sent, Register: Register{Steps: 1000, Size: Size{wh, 1}}, Missing: gone}
			if gone {
				return []Value{power, register}, errors.New("its gateway is offline")
			}
			return []Value{power, register}, nil
		}
		meters := []Meter{
			{Name: "both", Role: metric.RolePDUOutput, Hold: time.Hour, Reader: always(f, watts, Kind{Quantity: Energy})},
			{Name: "gauge", Role: metric.RolePDUOutput, Hold: time.Hour, Reader: always(func() ([]Value, error) {
				v, err := f()
				return v[:1], err
			}, watts)},
		}
		under(t, Config{Meters: meters}, func(r *rig) {
			r.after(time.Minute)
			before := r.after(10 * time.Minute)
			v, epoch, _ := before.counter(metric.MeterEnergyJoules, "gauge")
			if before.watts("gauge") != 1000 || v < 600_000_000 {
				t.Errorf("%g W, %d mJ while nothing changes", before.watts("gauge"), v)
			}
			change(func() { gone = true })
			s := r.after(10 * time.Second)
			for _, m := range []string{"both", "gauge"} {
				if e, _, _ := s.counter(metric.MeterEnergyJoules, m); s.of(metric.MeterPowerWatts, m) != metric.Missing || e != metric.Missing {
					t.Errorf("%s still shows what it said: %v, %v", m, s.of(metric.MeterPowerWatts, m), e)
				}
			}
			if d := r.s.Describe(); !strings.Contains(d, "0 of 2 meters answer") || !strings.Contains(d, "both: reading: its gateway is offline") {
				t.Error(d)
			}
			r.after(10 * time.Minute)
			change(func() { gone, sent = false, time.Now() })
			s = r.after(5 * time.Minute)
			if e, anew, _ := s.counter(metric.MeterEnergyJoules, "gauge"); anew == epoch || e > 301_000_000 || s.watts("gauge") != 1000 {
				t.Errorf("%d mJ, in the epoch before: %v", e, anew == epoch)
			}
			if e, _, _ := s.counter(metric.MeterEnergyJoules, "both"); e != 1000*metric.Raw(wh) {
				t.Errorf("%d mJ by the register", e)
			}
		})
	})
}

// A register that says only what changes has counted nothing in between.
func TestARegisterThatIsSentWhenItChangesIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		i := &instrument{gives: []Kind{{Quantity: Energy}}, read: func(context.Context) ([]Value, error) {
			n := time.Since(began).Truncate(5 * time.Minute)
			return []Value{{Quantity: Energy, At: began.Add(n), Register: Register{Steps: uint64(n / time.Minute), Size: Size{wh, 1}}}}, nil
		}}
		under(t, Config{Meters: []Meter{{Name: "pdu", Role: metric.RolePDUOutput, Hold: time.Hour, Reader: i}}}, func(r *rig) {
			if v, _, q := r.after(31*time.Minute).counter(metric.MeterEnergyJoules, "pdu"); v != 30*metric.Raw(wh) || q != metric.Measured {
				t.Errorf("%d mJ, %s", v, q)
			}
		})
	})
}
