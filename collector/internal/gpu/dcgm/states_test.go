//go:build cgo && linux

package dcgm_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm/double"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestALostGPU(t *testing.T) {
	e := newEngine(t, 4)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	before := r.Boards[2]

	// It falls off the bus, and the engine writes blanks over the XID that says
	// so, all as fresh as ever.
	e.XID(double.KindGPU, 2, 79, e.clock.Add(100*time.Millisecond))
	e.GPU(2).Status = double.Lost
	e.next(d, &r)
	if got := codes(r); !cmp.Equal(got, []uint32{79}) {
		t.Errorf("XIDs %v, want 79", got)
	}
	for range 90 {
		b := r.Boards[2]
		if !b.Absent || !missing(b) || b.Time != e.Now {
			t.Fatalf("after %v: absent %t, missing %t, time %d of %d", e.clock.Sub(start), b.Absent, missing(b), b.Time, e.Now)
		}
		if b.UUID != before.UUID || b.PCI != before.PCI || b.Model != before.Model || b.Serial != before.Serial || b.Index != 2 {
			t.Fatalf("identity %+v, was %+v", b, before)
		}
		for _, n := range []int{0, 1, 3} {
			if b := r.Boards[n]; b.Absent || value(b, gpu.Power) == 0 || value(b, gpu.PowerLimit) != 700 {
				t.Fatalf("its neighbour %d is no longer read", n)
			}
		}
		if e.next(d, &r); len(r.Events) > 0 {
			t.Fatalf("XIDs again: %v", r.Events)
		}
	}

	e.GPU(2).Status = double.OK
	e.next(d, &r)
	if b := r.Boards[2]; b.Absent || value(b, gpu.Power) != 72 || value(b, gpu.PowerLimit) != 700 {
		t.Errorf("it came back, and is absent %t, %v", b.Absent, value(b, gpu.Power))
	}
}

func TestAGPUThatWasLostBeforeItWasKnown(t *testing.T) {
	e := newEngine(t, 3)
	e.GPU(1).Status = double.Lost
	e.Module = 1
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	if len(r.Boards) != 2 || r.Boards[1].Index != 2 {
		t.Fatalf("%d boards", len(r.Boards))
	}
	says(t, r, "GPU 1 of the engine is lost and was never identified.")
	e.GPU(1).Status = double.OK
	for range 65 {
		e.next(d, &r)
	}
	if len(r.Boards) != 3 || r.Boards[1].Index != 1 || missing(r.Boards[1]) {
		t.Fatalf("it came back, and there are %d boards", len(r.Boards))
	}
	says(t, r, "")
}

func TestADetachedGPUIsWatchedAgainWhenItIsBack(t *testing.T) {
	e := newEngine(t, 2)
	e.GPU(1).Status = double.Detached
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	says(t, r, "GPU 1 of the engine is detached and was never identified.")
	e.GPU(1).Status = double.OK
	for range 6 {
		e.next(d, &r)
	}
	if len(r.Boards) != 2 || r.Boards[1].Absent || value(r.Boards[1], gpu.Power) != 71 {
		t.Errorf("it is back, and is not read: %d boards", len(r.Boards))
	}
}

func TestAnUnsupportedGPUIsNamedAndNotRead(t *testing.T) {
	e := newEngine(t, 2)
	e.GPU(0).Status = double.Foreign
	var r gpu.Reading
	e.read(e.open(), &r)
	if len(r.Boards) != 1 || r.Boards[0].Index != 1 {
		t.Errorf("boards %+v", r.Boards)
	}
	says(t, r, "1 GPU not read")
}

func TestAfterXID119AllIsMissingAndNothingFails(t *testing.T) {
	e := newEngine(t, 8)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	e.XID(double.KindGPU, 5, 119, e.clock.Add(time.Millisecond))
	e.Stopped = 1
	e.next(d, &r)
	if got := codes(r); !cmp.Equal(got, []uint32{119}) || r.Events[0].UUID != e.GPU(5).UUID() {
		t.Errorf("XIDs %v", r.Events)
	}
	for range 70 {
		e.next(d, &r)
		for _, b := range r.Boards {
			if b.Absent || !missing(b) || b.Time != e.Now || b.UUID == "" {
				t.Fatalf("board %d: absent %t, missing %t", b.Index, b.Absent, missing(b))
			}
		}
	}
	connects := e.Seen.Connects
	e.Stopped = 0
	e.next(d, &r)
	if missing(r.Boards[0]) || value(r.Boards[0], gpu.PowerLimit) != 700 || e.Seen.Connects != connects {
		t.Error("the engine goes on, and its values are not told, or it was left meanwhile")
	}
}

func TestAPollerThatIsBehindShowsInTheTime(t *testing.T) {
	e := newEngine(t, 2)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	e.Held = e.Now
	for range 5 {
		e.next(d, &r)
	}
	if b := r.Boards[0]; b.Time != e.Held || b.EnergyTime != e.Held {
		t.Errorf("time %d and %d, want %d", b.Time, b.EnergyTime, e.Held)
	}
}

func TestIndexesStayWhenTheEngineComesBackWithout(t *testing.T) {
	e := newEngine(t, 4)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	uuid := e.GPU(1).UUID()
	e.kill()
	e.RemoveGPU(1)
	for n := range e.GPUs() { // ids and indexes move up
		e.GPU(n).ID, e.GPU(n).Index = int32(n), int32(n)
	}
	e.up()
	e.recover(d, &r)
	var got []string
	for i, b := range r.Boards {
		got = append(got, b.UUID)
		if b.Index != i || b.Absent != (i == 1) || missing(b) != (i == 1) {
			t.Errorf("board %d: index %d, absent %t, missing %t", i, b.Index, b.Absent, missing(b))
		}
	}
	if !slices.Contains(got, uuid) || len(got) != 4 {
		t.Errorf("boards %v", got)
	}
}

func TestAGPUThatIsAdded(t *testing.T) {
	e := newEngine(t, 1)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	e.AddGPU(e.clock)
	for range 61 {
		e.next(d, &r)
	}
	if len(r.Boards) != 2 || missing(r.Boards[1]) || value(r.Boards[1], gpu.PowerLimit) != 700 {
		t.Errorf("%d boards", len(r.Boards))
	}
}

func TestNoGPU(t *testing.T) {
	e := newEngine(t, 0)
	var r gpu.Reading
	d := e.open()
	e.next(d, &r)
	if want := "DCGM 4.6.0 host engine at unix://" + e.socket + ": 0 GPUs"; r.Found != want {
		t.Errorf("found %q, want %q", r.Found, want)
	}
}

func TestAnEngineWithoutADriver(t *testing.T) {
	e := newEngine(t, 2)
	e.NVML = 0
	var r gpu.Reading
	d := e.open()
	e.next(d, &r)
	if len(r.Boards) != 0 {
		t.Errorf("boards %+v", r.Boards)
	}
	says(t, r, "The engine does not watch fields", "NVML doesn't exist on this system")
}

func TestSwitchesAndSuperchips(t *testing.T) {
	e := newEngine(t, 2)
	s := e.AddSwitch()
	s.Set(858, 47)
	s.Set(856, 0x7ffffffffffffff0)
	s.Set(857, 24007) // there before us
	for n := range 2 {
		p := e.AddSocket()
		p.SetFloat(1130, 210.5)
		p.SetFloat(1132, 30)
		p.SetFloat(1133, 900+float64(n))
	}
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	want := []gpu.Socket{
		{Source: "module", Index: 0, Power: metric.Of(900)}, {Source: "grace", Index: 0, Power: metric.Of(240.5)},
		{Source: "module", Index: 1, Power: metric.Of(901)}, {Source: "grace", Index: 1, Power: metric.Of(240.5)},
	}
	if diff := cmp.Diff(want, r.Sockets); diff != "" {
		t.Errorf("sockets (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]gpu.Switch{{Name: "nvswitch0", Temperature: metric.Of(47)}}, r.Switches); diff != "" {
		t.Errorf("switches (-want +got):\n%s", diff)
	}
	if want := ": 2 GPUs, 1 NVSwitch, 2 processors"; !cmp.Equal(r.Found[len(r.Found)-len(want):], want) {
		t.Errorf("found %q", r.Found)
	}

	s.Set(856, 20034)
	e.next(d, &r)
	e.next(d, &r) // and it stays
	s.Set(857, 20001)
	e.next(d, &r)
	if n := r.Switches[0]; n.Fatal != 1 || n.NonFatal != 1 {
		t.Errorf("%d fatal and %d other errors, want one of each", n.Fatal, n.NonFatal)
	}

	// A sensor that cannot be read says 0; an engine that stands still repeats.
	e.World.SetSocket(0, 1132, 0)
	e.World.SetSocket(1, 1133, 0)
	e.next(d, &r)
	want = []gpu.Socket{{Source: "module", Index: 0, Power: metric.Of(900)}, {Source: "grace", Index: 1, Power: metric.Of(240.5)}}
	if diff := cmp.Diff(want, r.Sockets); diff != "" {
		t.Errorf("sockets (-want +got):\n%s", diff)
	}
	e.Held = e.Now
	for range 4 {
		e.next(d, &r)
	}
	if len(r.Sockets) > 0 || r.Switches[0].Temperature != metric.Missing {
		t.Errorf("after 4 s of old readings: %v, %v", r.Sockets, r.Switches)
	}
}
