//go:build cgo && linux

package dcgm_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm/double"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestDividedGPUs(t *testing.T) {
	e := newEngine(t, 2)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	first := r.Boards[0]
	e.Divide(e.GPU(0), 1, 3)
	_, ci := e.Divide(e.GPU(0), 2, 4)
	for range 61 {
		e.next(d, &r)
	}
	b := r.Boards[0]
	if diff := cmp.Diff([]gpu.Instance{{UUID: double.MIG(e.GPU(0), 1, 0), Index: 1, Parts: 3, Of: 7}, {UUID: double.MIG(e.GPU(0), 2, 0), Index: 2, Parts: 4, Of: 7}}, b.Instances); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
	if b.Values[gpu.Partitions] != 2 || r.Boards[1].Values[gpu.Partitions] != 0 || len(r.Boards) != 2 {
		t.Errorf("%d and %d partitions on %d boards", b.Values[gpu.Partitions], r.Boards[1].Values[gpu.Partitions], len(r.Boards))
	}
	// Two instances and two compute instances say it again, each for itself.
	if value(b, gpu.Power) != value(first, gpu.Power) || int64(b.Values[gpu.Energy]) != e.GPU(0).Energy(e.clock) {
		t.Errorf("power %v, energy %d", value(b, gpu.Power), b.Values[gpu.Energy])
	}
	e.XID(double.KindComputeInstance, ci, 94, e.clock.Add(time.Millisecond))
	e.XID(double.KindGPUInstance, 1, 94, e.clock.Add(time.Millisecond))
	e.next(d, &r)
	if got := codes(r); !cmp.Equal(got, []uint32{94, 94}) || r.Events[0].UUID != b.UUID || r.Events[1].PCI != b.PCI {
		t.Errorf("XIDs %v", r.Events)
	}
	e.Undivide()
	for range 61 {
		if e.next(d, &r); len(r.Events) > 0 {
			t.Fatalf("XIDs %v", r.Events)
		}
	}
	if b := r.Boards[0]; b.Instances != nil || b.Values[gpu.Partitions] != 0 {
		t.Errorf("it is whole again, with %v and %d partitions", b.Instances, b.Values[gpu.Partitions])
	}
	if e.Seen.Groups > 8 || e.Seen.FieldGroups > 8 {
		t.Errorf("%d groups and %d field groups stay", e.Seen.Groups, e.Seen.FieldGroups)
	}
}

// A GPU instance that is divided itself has a MIG device for each of its compute
// instances; one without any has none that a job could hold.
func TestADividedInstance(t *testing.T) {
	e := newEngine(t, 2)
	e.Divide(e.GPU(1), 1, 3, 1, 2)
	e.Divide(e.GPU(1), 2, 2, []int32{}...)
	e.Divide(e.GPU(1), 5, 1)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	want := []gpu.Instance{
		{UUID: double.MIG(e.GPU(1), 1, 0), Index: 1, Compute: 0, Parts: 1, Of: 7},
		{UUID: double.MIG(e.GPU(1), 1, 1), Index: 1, Compute: 1, Parts: 2, Of: 7},
		{UUID: double.MIG(e.GPU(1), 5, 0), Index: 5, Compute: 0, Parts: 1, Of: 7},
	}
	if diff := cmp.Diff(want, r.Boards[1].Instances); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
	if n := r.Boards[1].Values[gpu.Partitions]; n != 3 || r.Boards[0].Instances != nil {
		t.Errorf("%d partitions, and of a whole GPU %v", n, r.Boards[0].Instances)
	}
}

func TestNamesOfInstancesThatComeLate(t *testing.T) {
	e := newEngine(t, 1)
	e.Divide(e.GPU(0), 1, 3)
	e.Unname()
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	if diff := cmp.Diff([]gpu.Instance{{Index: 1, Parts: 3, Of: 7}}, r.Boards[0].Instances); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
	e.Undivide()
	e.Divide(e.GPU(0), 1, 3)
	e.next(d, &r)
	want := []gpu.Instance{{UUID: double.MIG(e.GPU(0), 1, 0), Index: 1, Parts: 3, Of: 7}}
	if diff := cmp.Diff(want, r.Boards[0].Instances); diff != "" {
		t.Errorf("a second later (-want +got):\n%s", diff)
	}
	e.Unname() // it was known, and stays
	for range 61 {
		e.next(d, &r)
	}
	if diff := cmp.Diff(want, r.Boards[0].Instances); diff != "" {
		t.Errorf("without a name again (-want +got):\n%s", diff)
	}
}

// A name that does not come is not asked for at each tick for ever, and yet found.
func TestNamesOfInstancesThatDoNotCome(t *testing.T) {
	e := newEngine(t, 1)
	e.Divide(e.GPU(0), 1, 3)
	e.Unname()
	d := e.open()
	var r gpu.Reading
	for range 15 {
		e.next(d, &r)
	}
	values := e.Seen.Values
	e.next(d, &r)
	without := e.Seen.Values - values
	e.Undivide()
	e.Divide(e.GPU(0), 1, 3)
	for range 61 {
		e.next(d, &r)
	}
	want := []gpu.Instance{{UUID: double.MIG(e.GPU(0), 1, 0), Index: 1, Parts: 3, Of: 7}}
	if diff := cmp.Diff(want, r.Boards[0].Instances); diff != "" {
		t.Errorf("a minute later (-want +got):\n%s", diff)
	}
	values = e.Seen.Values
	if e.next(d, &r); e.Seen.Values-values != without {
		t.Errorf("%d values are asked for when it is known, %d when it had not come for long", e.Seen.Values-values, without)
	}
}

// An engine that does not run as root shows no instances, and that is not that
// there are none.
func TestInstancesThatAreHidden(t *testing.T) {
	e := newEngine(t, 2)
	e.Divide(e.GPU(0), 1, 3)
	e.Guest = 1
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	if diff := cmp.Diff([]gpu.Instance{{Index: gpu.Unlisted}}, r.Boards[0].Instances); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
	if b := r.Boards[1]; r.Boards[0].Values[gpu.Partitions] != metric.Missing || b.Values[gpu.Partitions] != 0 || b.Instances != nil {
		t.Errorf("%d partitions, and of a whole GPU %d", r.Boards[0].Values[gpu.Partitions], b.Values[gpu.Partitions])
	}
	e.Guest = 0
	for range 61 {
		e.next(d, &r)
	}
	want := []gpu.Instance{{UUID: double.MIG(e.GPU(0), 1, 0), Index: 1, Parts: 3, Of: 7}}
	if diff := cmp.Diff(want, r.Boards[0].Instances); diff != "" {
		t.Errorf("as root (-want +got):\n%s", diff)
	}
	e.Guest = 1
	for range 61 {
		e.next(d, &r)
	}
	if diff := cmp.Diff(want, r.Boards[0].Instances); diff != "" || r.Boards[0].Values[gpu.Partitions] != metric.Missing {
		t.Errorf("it forgets what it knew (-want +got):\n%s", diff)
	}
}
