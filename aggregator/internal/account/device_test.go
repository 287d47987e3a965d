package account_test

import (
	"slices"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// The hazards of counting twice.

func TestMIGInstancesRepeatTheirBoardAndItCountsOnce(t *testing.T) {
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "n1", board("n1", "GPU-1", "GPU-1", "GPU-1"))
	p := watts(100)
	e.send(noon, 5e6, 5e6, 5e6, p, p, p, 1, 1, 1)
	e.send(noon+10*second, 6e6, 6e6, 6e6, p, p, p, 1, 1, 1)
	if counted, _ := booked(s, "GPU-1"); counted != 1e6 {
		t.Errorf("booked %d mJ, want 1000000", counted)
	}
	checkBooks(t, s)
}

func TestTwoAgentsReportOneBoardAndTheFirstIsBelieved(t *testing.T) {
	s := account.NewState(account.Config{})
	a, b := newEmitter(t, s, "n1", board("n1", "GPU-1")), newEmitter(t, s, "clone", board("n1", "GPU-1"))
	for i := range int64(6) {
		v := 1e9 + i*1e6
		if got := a.send(noon+i*10*second, v, watts(100), 1); len(got) > 0 {
			t.Errorf("the owner raises %v", got)
		}
		got := kinds(b.send(noon+i*10*second+second, v+1e5, watts(100), 1))
		if !slices.Equal(got, []account.AlarmKind{account.Conflict}) {
			t.Errorf("the other raises %v, want a conflict", got)
		}
	}
	if counted, _ := booked(s, "GPU-1"); counted != 5e6 {
		t.Errorf("booked %d mJ, want 5000000", counted)
	}
	if r := rows(s, noon/hour, "GPU-1"); len(r) != 1 || r[0].Flags&account.FlagConflict == 0 {
		t.Errorf("rows %+v do not show the conflict", r)
	}
	checkBooks(t, s)
}

func TestBoardMovesToAnotherHostAndCountsOnceWithARowForEachPlace(t *testing.T) {
	s := account.NewState(account.Config{})
	a, b := newEmitter(t, s, "n1", board("n1", "GPU-1")), newEmitter(t, s, "n2", board("n2", "GPU-9", "GPU-1"))
	a.send(noon, 1e9, watts(100), 41)
	a.send(noon+10*second, 1e9+1e6, watts(100), 41)
	p := watts(100)
	b.send(noon+600*second, 5, 3e6, p, p, 7, 7) // 30 s after its driver loaded
	b.send(noon+610*second, 5, 4e6, p, p, 7, 7)
	counted, estimated := booked(s, "GPU-1")
	if counted != 1e6+4e6 {
		t.Errorf("booked %d mJ, want 5000000", counted)
	}
	if estimated != 56_000_000 { // 560 s at 100 W until the driver loaded
		t.Errorf("estimated %d mJ", estimated)
	}
	q := account.Question{Site: "s1", By: account.ByGPU, Boundary: metric.GPUs, From: noon, To: noon + hour}
	tally := account.NewTally(&q, q.From, q.To, 0)
	s.Rows("s1", noon/hour, noon+700*second, tally.AddRow)
	var hosts []string
	var expected, covered int64
	for _, l := range tally.Lines() {
		if l.UUID == "GPU-1" {
			hosts = append(hosts, l.Host)
			expected += l.ExpectedMillis
			covered += l.CoveredMillis
			if e := l.Energy[metric.EstimatedProfile]; (e > 0) != (l.Host == "n1") {
				t.Errorf("%s is estimated to have drawn %d mJ", l.Host, e)
			}
		}
	}
	t.Log(`soak: {"row":14,"injected":1}`)
	if !slices.Equal(hosts, []string{"n1", "n2"}) || expected != 700*second || covered != 10*second+30*second+10*second {
		t.Errorf("lines of hosts %v, known for %d ms of %d; want n1 and n2, 50,000 of 700,000", hosts, covered, expected)
	}
	checkBooks(t, s)
}

func TestNodeIsCountedByOneOfItsMeters(t *testing.T) {
	for name, tc := range map[string]struct {
		points []uint32
		want   uint64 // mJ that the node drew
	}{
		"by its BMC, and not by what is inside":      {[]uint32{0, 1, 2}, 100},
		"by its BMC, and not by its module besides":  {[]uint32{0, 3}, 100},
		"by its module where it has no BMC":          {[]uint32{1, 3}, 103},
		"by nothing, if only packages are counted":   {[]uint32{1, 2}, 0},
		"by nothing, if the agent only estimates it": {[]uint32{4}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := &metric.Layout{Entities: metric.Place{Rack: "r1", Host: "n1"}.Entities()}
			var first, then []int64
			for _, p := range tc.points {
				l.Columns = append(l.Columns, metric.Column{Metric: metric.HostEnergyJoules, Form: metric.Int, Point: p, First: 1, Count: 1})
				first, then = append(first, 1000), append(then, 1100+int64(p))
			}
			s := account.NewState(account.Config{})
			e := newEmitter(t, s, "n1", l)
			e.send(noon, first...)
			e.send(noon+10*second, then...)
			u := s.Summarize("s1", noon/hour, noon+10*second)
			if got := u.Amount[account.HostEnergy][0]; got != tc.want {
				t.Errorf("the node drew %d mJ, want %d", got, tc.want)
			}
			checkBooks(t, s)
		})
	}
}

func TestFeedsOfOneRoleAddUp(t *testing.T) {
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "plant", meters("grid_input-a", "grid_input-b", "generator_output", "onsite_generation", "export", "ups_output-1", "ups_output-2"))
	e.send(noon, 100, 200, 300, 400, 500, 600, 700)
	e.send(noon+60*second, 100+11, 200+22, 300, 400+44, 500+5, 600+30, 700+31)
	for b, want := range map[metric.Boundary]uint64{metric.Facility: 11 + 22 + 44 - 5, metric.IT: 61} {
		q := account.Question{Site: "s1", Boundary: b, From: noon, To: noon + hour}
		tally := account.NewTally(&q, q.From, q.To, 1)
		tally.AddDigest(account.NewDigest(s.Summarize("s1", noon/hour, noon+60*second), nil))
		l := tally.Lines()[0]
		if got, _ := l.Energy.Total(); got != want || l.Reason != "" || l.CoveredMillis != l.ExpectedMillis {
			t.Errorf("%v: %+v, want %d mJ", b, l, want)
		}
	}
	checkBooks(t, s)
}

func TestAQualityThatTheAgentStatesIsKept(t *testing.T) {
	l := meters("ups_output")
	l.Columns = append(l.Columns, metric.Column{Metric: metric.CounterQuality, Form: metric.Int,
		Point: metric.EpochPoint(metric.MeterEnergyJoules, 0), First: 0, Count: 1})
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "plant", l)
	e.send(noon, 100, int64(metric.Integrated))
	e.send(noon+10*second, 110, int64(metric.Integrated))
	e.send(noon+110*second, 210, int64(metric.Integrated))
	e.send(noon+120*second, 220, int64(metric.QualityMissing)) // as good as missing
	e.send(noon+130*second, 230, missed)
	got := map[metric.Quality]uint64{}
	for _, r := range rows(s, noon/hour, "ups_output") {
		got[r.Quality] += r.Amount
	}
	if got[metric.Integrated] != 110 || got[metric.Measured] != 20 {
		t.Errorf("booked %v, want 110 integrated and 20 measured", got)
	}
	checkBooks(t, s)
}

func TestASumThatDoesNotFitIsRefused(t *testing.T) {
	s := account.NewState(account.Config{MeterPower: 1 << 63})
	e := newEmitter(t, s, "plant", meters("grid_input-a", "grid_input-b"))
	const huge = 1<<63 - 1
	e.send(noon, 0, 0)
	e.send(noon+1800*second, huge, 5)
	got := kinds(e.send(noon+1810*second, 0, huge)) // a restart, and the second meter past what an hour holds
	if !slices.Contains(got, account.Quarantined) {
		t.Errorf("a fall raises %v", got)
	}
	if got := kinds(e.send(noon+1820*second, huge, huge)); slices.Contains(got, account.Overflow) {
		t.Errorf("two halves of the range raise %v", got)
	}
	e2 := newEmitter(t, s, "more", meters("grid_input-c"))
	e2.send(noon, 0)
	if got := kinds(e2.send(noon+1800*second, huge)); !slices.Contains(got, account.Overflow) {
		t.Errorf("a third half of the range raises %v", got)
	}
	checkBooks(t, s)
}

// What a meter adds up to is fixed by its first reading: neither another agent's
// word nor an edited role moves joules from one sum of the site to another.
func TestRoleOfAMeterStaysWhatItWasAtItsFirstReading(t *testing.T) {
	s := account.NewState(account.Config{})
	roles := func(role string) *metric.Layout {
		l := meters("m1")
		for i := range l.Entities {
			for j, p := range l.Entities[i].Labels {
				if p.Name == "role" {
					l.Entities[i].Labels[j].Value = role
				}
			}
		}
		return l
	}
	a, b := newEmitter(t, s, "a", roles(metric.RoleGridInput)), newEmitter(t, s, "b", roles(metric.RolePDUOutput))
	width := a.layout.Width()
	read := func(v int64) []int64 { return append([]int64{v}, make([]int64, width-1)...) }
	for i := range int64(12) {
		at := noon + i*10*second
		a.send(at, read(1e9+i*1e6)...)
		if i == 5 {
			b.send(at+second, read(7)...)
			a.layout = roles(metric.RolePDUOutput)
		}
	}
	if counted, _ := booked(s, "m1"); counted != 11e6 {
		t.Errorf("booked %d mJ, want 11000000", counted)
	}
	life := s.Life("s1", account.GridInput)
	if got := life[metric.Measured].Lo; got != 11e6 {
		t.Errorf("the grid supplied %d mJ, want all 11000000", got)
	}
	checkBooks(t, s)
}

func TestModelNeverBooksUnderARealSitesName(t *testing.T) {
	for _, simulated := range []bool{false, true} {
		s := account.NewState(account.Config{})
		own, other := board("n1", "GPU-1"), board("n2", "GPU-2")
		own.Simulated, other.Simulated = simulated, !simulated
		a, b := newEmitter(t, s, "n1", own), newEmitter(t, s, "n2", other)
		a.send(noon, 1e9, watts(100), 1)
		if o := s.Apply(b.batch(noon, 5e9, watts(100), 1), noon); o.Verdict != account.Invalid {
			t.Errorf("simulated %t: the other kind is %v", simulated, o.Verdict)
		}
		if _, ok := s.Durable("s1", "n2"); ok {
			t.Error("it was taken on all the same")
		}
		// What is given up is of neither kind.
		gap := &metric.Batch{Site: "s1", Agent: "n1", Lane: metric.Ledger, Flags: metric.Gap, Incarnation: 1, Sequence: 3, Skipped: 2, Time: noon, Ticks: 1, Layout: &metric.Layout{}}
		if o := s.Apply(gap, noon); o.Verdict != account.Accepted {
			t.Errorf("simulated %t: a gap is %v: %s", simulated, o.Verdict, o.Reason)
		}
		a.sequence = 3
		a.send(noon+40*second, 1e9+4e6, watts(100), 1)
		if counted, _ := booked(s, "GPU-1"); counted != 4e6 {
			t.Errorf("booked %d mJ, want 4000000", counted)
		}
		checkBooks(t, s)
	}
}
