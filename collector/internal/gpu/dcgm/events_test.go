//go:build cgo && linux

package dcgm_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm/double"
)

func TestXIDsAreToldOnceWithTheDriversTime(t *testing.T) {
	e := newEngine(t, 8)
	e.XID(double.KindGPU, 3, 31, e.clock.Add(-time.Minute)) // before us
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	if len(r.Events) > 0 {
		t.Fatalf("XIDs from before: %v", r.Events)
	}
	first := e.clock.Add(300 * time.Millisecond)
	e.XID(double.KindGPU, 3, 48, first)
	e.XID(double.KindGPU, 3, 94, first.Add(time.Millisecond))
	e.next(d, &r)
	b := r.Boards[3]
	want := []gpu.Event{
		{UUID: b.UUID, PCI: b.PCI, Code: 48, Time: first.UnixMicro()},
		{UUID: b.UUID, PCI: b.PCI, Code: 94, Time: first.UnixMicro() + 1000},
	}
	if diff := cmp.Diff(want, r.Events); diff != "" {
		t.Errorf("XIDs (-want +got):\n%s", diff)
	}
	asked := e.Seen.Since
	for range 30 {
		if e.next(d, &r); len(r.Events) > 0 {
			t.Fatalf("XIDs again: %v", r.Events)
		}
	}
	if e.Seen.Since != asked {
		t.Errorf("the engine was asked %d times for what it keeps, and nothing had happened", e.Seen.Since-asked)
	}
	e.XID(double.KindGPU, 3, 94, e.clock.Add(time.Microsecond)) // the same code anew
	e.next(d, &r)
	if got := codes(r); !cmp.Equal(got, []uint32{94}) {
		t.Errorf("XIDs %v, want 94", got)
	}
}

func TestXIDsAfterALostConnection(t *testing.T) {
	for name, c := range map[string]struct {
		lose func(*engine)
		want []uint32
	}{
		"the engine kept them":                             {func(e *engine) { e.Cut++ }, []uint32{63, 64}},
		"the engine was restarted and knows only new ones": {func(e *engine) { e.kill(); e.up() }, []uint32{64}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, 2)
			d := e.open()
			var r gpu.Reading
			e.next(d, &r)
			e.XID(double.KindGPU, 0, 43, e.clock.Add(time.Millisecond))
			e.next(d, &r)
			if got := codes(r); !cmp.Equal(got, []uint32{43}) {
				t.Fatalf("XIDs %v, want 43", got)
			}
			e.XID(double.KindGPU, 0, 63, e.clock.Add(-time.Millisecond)) // not asked for before the end
			e.pass(time.Second)
			c.lose(e)
			if err := d.Read(context.Background(), e.clock, &r); err == nil || len(r.Events) > 0 {
				t.Fatalf("no error, or XIDs %v", r.Events)
			}
			e.XID(double.KindGPU, 0, 64, e.clock.Add(time.Millisecond))
			e.pass(2 * time.Millisecond)
			var got []uint32
			e.recover(d, &r)
			got = append(got, codes(r)...)
			for range 3 {
				e.next(d, &r)
				got = append(got, codes(r)...)
			}
			if !cmp.Equal(got, c.want) {
				t.Errorf("XIDs %v, want %v", got, c.want)
			}
		})
	}
}

func TestXIDsOfAReadingThatFailedAreToldByTheNext(t *testing.T) {
	e := newEngine(t, 2)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	e.XID(double.KindGPU, 0, 43, e.clock.Add(time.Millisecond))
	e.XID(double.KindGPU, 1, 45, e.clock.Add(time.Millisecond))
	e.Deaf = 2
	e.pass(time.Second)
	if err := d.Read(context.Background(), e.clock, &r); err == nil || len(r.Events) > 0 {
		t.Fatalf("no error, or XIDs %v", r.Events)
	}
	e.recover(d, &r)
	got := codes(r)
	for range 3 {
		e.next(d, &r)
		got = append(got, codes(r)...)
	}
	if !cmp.Equal(got, []uint32{43, 45}) {
		t.Errorf("XIDs %v, want 43 and 45", got)
	}
}

func TestXIDsByTheEnginesClock(t *testing.T) {
	e := newEngine(t, 1) // far from the host's
	d := e.open(func(c *dcgm.Config) { c.Since = time.Time{} })
	var r gpu.Reading
	e.next(d, &r)
	e.XID(double.KindGPU, 0, 45, e.clock.Add(time.Millisecond))
	e.next(d, &r)
	if got := codes(r); !cmp.Equal(got, []uint32{45}) {
		t.Errorf("XIDs %v, want 45", got)
	}
}

func TestXIDsKnownFromBefore(t *testing.T) {
	e := newEngine(t, 1)
	if err := e.open().Close(); err != nil { // a collector before this one
		t.Fatal(err)
	}
	e.XID(double.KindGPU, 0, 13, e.clock.Add(time.Second))
	e.XID(double.KindGPU, 0, 45, e.clock.Add(2*time.Second))
	e.pass(time.Minute)
	d := e.open(func(c *dcgm.Config) { c.Since = start.Add(time.Second) })
	var r gpu.Reading
	e.next(d, &r)
	if got := codes(r); !cmp.Equal(got, []uint32{45}) {
		t.Errorf("XIDs %v, want 45", got)
	}
}

func TestXIDsWhereTheEngineKeepsNone(t *testing.T) {
	e := newEngine(t, 2)
	e.Deaf = 1
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	e.XID(double.KindGPU, 1, 48, e.clock.Add(time.Millisecond))
	e.next(d, &r)
	if got := codes(r); !cmp.Equal(got, []uint32{48}) || missing(r.Boards[1]) {
		t.Errorf("XIDs %v, want 48", got)
	}
	for range 15 {
		if e.next(d, &r); len(r.Events) > 0 {
			t.Fatalf("XIDs again: %v", r.Events)
		}
	}
}

func TestAStormOfXIDs(t *testing.T) {
	e := newEngine(t, 2)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	const n = 3000
	for i := range n {
		e.XID(double.KindGPU, i%2, 31, e.clock.Add(time.Duration(i)*100*time.Microsecond))
	}
	told := map[gpu.Event]bool{}
	for range 6 {
		e.next(d, &r)
		if len(r.Events) > 1024 {
			t.Fatalf("%d XIDs in one reading", len(r.Events))
		}
		for _, x := range r.Events {
			if told[x] {
				t.Fatalf("%v is told twice", x)
			}
			told[x] = true
		}
	}
	if len(told) != n {
		t.Errorf("%d XIDs, want %d", len(told), n)
	}
}
