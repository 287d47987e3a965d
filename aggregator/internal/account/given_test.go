package account_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// rapid's own hundred sequences miss what one in thousands shows.
func init() { _ = flag.Set("rapid.checks", "2000") }

func TestMoreJobsThanAreToldApart(t *testing.T) {
	for name, tc := range map[string]struct {
		c    account.Config
		jobs int
	}{
		"on a host in an hour": {account.Config{JobsOfHost: 100}, 110},
		"of a site in an hour": {account.Config{JobRows: 100}, 110},
		"at one time":          {account.Config{JobNames: 100}, 110},
		"or nearly":            {account.Config{JobsOfHost: 100}, 90},
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(tc.c)
			var e *emitter
			var raised []account.AlarmKind
			for i := range tc.jobs {
				c := claim{0, fmt.Sprint("job", i), "", 1e6}
				if e == nil {
					e = newEmitter(t, s, "n1", node("n1", 1, c))
				}
				e.layout = node("n1", 1, c)
				raised = append(raised, kinds(e.send(noon+int64(i)*10*second, values([]int64{int64(i) * 100}, int64(i)*150, c)...))...)
			}
			got := drawn(s)
			full := tc.jobs > 100
			if slices.Contains(raised, account.Full) != full || (got["unknown"][0] > 0) != full {
				t.Errorf("raises %d alarms; unknown jobs drew %v", len(raised), got["unknown"])
			}
			if n := len(got); n < min(tc.jobs-1, 90) || n > 102 {
				t.Errorf("%d jobs are told apart", n)
			}
			checkJobs(t, s)
		})
	}
}

// However claims, readings and holes fall, jobs are given what boards and hosts
// drew, to the millijoule, and a state that is read again goes on alike.
func TestJobsAreGivenWhatWasDrawn(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := account.NewState(account.Config{JobsOfHost: rapid.SampledFrom([]int{3, 4096}).Draw(r, "jobs")})
		boards := rapid.IntRange(0, 4).Draw(r, "boards")
		e := newEmitter(t, s, "n1", node("n1", boards))
		gpus := make([]int64, boards)
		var host int64
		var claims []claim
		at := noon - 20*second
		for range rapid.IntRange(2, 40).Draw(r, "records") {
			if rapid.IntRange(0, 2).Draw(r, "change") == 0 {
				claims = nil
				for range rapid.IntRange(0, 6).Draw(r, "claims") {
					claims = append(claims, claim{rapid.IntRange(-1, boards-1).Draw(r, "board"), rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(r, "job"),
						rapid.SampledFrom([]string{"", "t"}).Draw(r, "tenant"), rapid.SampledFrom([]int64{0, 1, 142_857, 500_000, 999_999, 1e6, 2e6, missed}).Draw(r, "share")})
				}
				e.layout = node("n1", boards, claims...)
			}
			at += rapid.SampledFrom([]int64{0, 1, 10_000, 10_007, 60_000, hour}).Draw(r, "step")
			drew := int64(0)
			shown := slices.Clone(gpus)
			for g := range gpus {
				d := rapid.Int64Range(0, 1_000).Draw(r, "drew")
				gpus[g] += d
				drew += d
				if shown[g] = gpus[g]; rapid.IntRange(0, 5).Draw(r, "unread") == 0 {
					shown[g] = missed
				}
			}
			host += drew + rapid.Int64Range(-100, 500).Draw(r, "rest")
			host = max(host, 0)
			h := host
			if rapid.IntRange(0, 5).Draw(r, "unread host") == 0 {
				h = missed
			}
			switch rapid.IntRange(0, 12).Draw(r, "hole") {
			case 0:
				e.incarnation++
			case 1:
				e.sequence += 2
				s.Apply(&metric.Batch{Site: "s1", Agent: e.name, Lane: metric.Ledger, Flags: metric.Gap, Incarnation: e.incarnation, Sequence: e.sequence, Skipped: 2, Time: at, Ticks: 1, Layout: &metric.Layout{}}, at)
			}
			b := e.batch(at, values(shown, h, claims...)...)
			if o := s.Apply(b, at); o.Verdict != account.Accepted {
				r.Fatalf("%v: %s", o.Verdict, o.Reason)
			}
			checkJobs(r, s)
			if rapid.IntRange(0, 9).Draw(r, "seal") == 0 {
				for _, ref := range s.Freeze(at, 0, 1) {
					if err := shared(s.Content(ref)); err != nil {
						r.Fatal(err)
					}
					s.Drop(ref)
				}
			}
			if rapid.IntRange(0, 9).Draw(r, "restart") == 0 {
				was := s.Append(nil)
				back, err := account.Decode(was, account.Config{JobsOfHost: 4096})
				if err != nil || !slices.Equal(back.Append(nil), was) {
					r.Fatalf("it does not come back: %v", err)
				}
				s, e.s = back, back
			}
		}
	})
}

// shared says what is wrong with the jobs of an hour.
func shared(h *account.Hour) error {
	sums := map[string][2]uint64{}
	for _, r := range h.Rows {
		host := h.Places[r.Place].Host
		x := sums[host]
		switch h.Devices[r.Device].Quantity {
		case account.GPUEnergy:
			x[0] += r.Amount
		case account.HostEnergy:
			x[1] += r.Amount
		}
		sums[host] = x
	}
	for _, r := range h.Shares {
		x := sums[h.Hosts[r.Host]]
		x[0] -= r.GPU
		if h.Jobs[r.Job].Allocation == account.Beyond {
			x[1] += r.Node
		} else {
			x[1] -= r.Node
		}
		sums[h.Hosts[r.Host]] = x
	}
	for host, x := range sums {
		if x != [2]uint64{} {
			return fmt.Errorf("host %s: %d and %d mJ were not given", host, int64(x[0]), int64(x[1]))
		}
	}
	return nil
}

func TestNamesOfJobsAreBounded(t *testing.T) {
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "n1", node("n1", 1))
	long := claim{0, strings.Repeat("j", metric.MaxText), strings.Repeat("t", metric.MaxText), 1e6}
	e.layout = node("n1", 1, long)
	e.send(noon, values([]int64{0}, 0, long)...)
	e.send(noon+10*second, values([]int64{100}, 100, long)...)
	if got := drawn(s)[long.job+"/"+long.tenant]; got[0] != 100 {
		t.Errorf("given %v", drawn(s))
	}
	long.job += "j"
	e.layout = node("n1", 1, long)
	if o := s.Apply(e.batch(noon+20*second, values([]int64{100}, 100, long)...), noon); o.Verdict != account.Invalid {
		t.Errorf("a longer name is %v", o.Verdict)
	}
}
