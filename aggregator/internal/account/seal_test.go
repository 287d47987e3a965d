package account_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

func TestHourIsSealedWhenItsAgentsHavePassedItOrTheGraceEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		slow   int64 // s after noon that the slower agent has come to
		now    int64 // s after one
		opened int64 // s before one since when the process is up
		sealed int
	}{
		"all are past it":                       {3600, 1, 9000, 1},
		"it is not over":                        {3600, -1, 9000, 0},
		"one is behind":                         {3590, 60, 9000, 0},
		"one is behind, and the grace is over":  {3590, 7200, 9000, 1},
		"one is behind, and the process is new": {3590, 7200, -7100, 0},
		"one has been silent for long":          {-7201, 1, 9000, 1},
		"one has been silent for two hours":     {-7199, 1, 9000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(account.Config{})
			a, b := newEmitter(t, s, "n1", board("n1", "GPU-1")), newEmitter(t, s, "n2", board("n2", "GPU-2"))
			b.send(noon-3*hour, 0, watts(100), 1)
			b.send(noon+tc.slow*second, 1e6, watts(100), 1)
			a.send(noon, 0, watts(100), 1)
			a.send(noon+3600*second, 360e6, watts(100), 1)
			s.Freeze(noon+3*hour, 0, 3) // the hours before
			for _, r := range s.Closing() {
				s.Drop(r)
			}
			if s.Next("s1") > noon/hour {
				t.Skip("sealed with the hours before")
			}
			got := s.Freeze(noon+hour+tc.now*second, noon+hour-tc.opened*second, 9)
			if len(got) != tc.sealed {
				t.Errorf("sealed %v, want %d", got, tc.sealed)
			}
		})
	}
}

func TestWhatIsFrozenStaysAndWhatComesLateIsApart(t *testing.T) {
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "n1", board("n1", "GPU-1", "GPU-2"))
	p := watts(100)
	e.send(noon, 0, 0, p, p, 1, 1)
	e.send(noon+1800*second, 180e6, 180e6, p, p, 1, 1)
	e.send(noon+3600*second, 360e6, missed, p, p, 1, 1)
	frozen := s.Freeze(noon+hour, noon, 1)
	if want := []account.Ref{{Site: "s1", Number: noon / hour}}; !slices.Equal(frozen, want) {
		t.Fatalf("frozen %v, want %v", frozen, want)
	}
	before := fmt.Sprint(s.Content(frozen[0]))
	e.send(noon+3610*second, 361e6, 361e6, p, p, 1, 1) // the second board was not read for half an hour
	if after := fmt.Sprint(s.Content(frozen[0])); after != before {
		t.Error("what is frozen has changed")
	}
	if got := s.Freeze(noon+2*hour, noon, 9); slices.ContainsFunc(got, func(r account.Ref) bool { return r.Late }) {
		t.Error("the restatement is frozen before its hour is dropped")
	}
	checkBooks(t, s)
	s.Drop(frozen[0])
	late := s.Freeze(noon+2*hour, noon, 9)
	if want := []account.Ref{{Site: "s1", Number: noon / hour, Late: true}}; !slices.Equal(late, want) {
		t.Fatalf("then frozen %v, want %v", late, want)
	}
	h := s.Content(late[0])
	if len(h.Rows) != 1 || h.Devices[0].Name != "GPU-2" || h.Rows[0].Amount != 180e6 || h.Rows[0].Covered != 1800*1000 || h.Rows[0].Expected != 0 {
		t.Errorf("restated %+v %+v", h.Devices, h.Rows)
	}
}

func TestAnAbsentDeviceHasARowThatSaysSo(t *testing.T) {
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "n1", board("n1", "GPU-1", "GPU-2"))
	p := watts(100)
	e.send(noon, 0, 0, p, p, 1, 1)
	for at := noon + 600*second; at <= noon+2*hour; at += 600 * second {
		e.send(at, (at-noon)*100, missed, p, missed, 1, missed)
	}
	refs := s.Freeze(noon+2*hour, noon, 2)
	h := s.Content(refs[1])
	if len(h.Rows) != 2 || h.Rows[1].Flags != account.FlagAbsent || h.Rows[1].Expected != uint32(hour) || h.Rows[1].Covered != 0 {
		t.Errorf("rows %+v", h.Rows)
	}
	if u := h.Summary; u.Expected[account.GPUEnergy][30] != 120_000 || u.Covered[account.GPUEnergy][30] != 60_000 {
		t.Errorf("a minute covers %d ms of %d", u.Covered[account.GPUEnergy][30], u.Expected[account.GPUEnergy][30])
	}
}
