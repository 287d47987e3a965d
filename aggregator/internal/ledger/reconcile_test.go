package ledger

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// What is said of some stages is what is said of them among all, the first time and
// when it is known what all machines drew.
func TestStagesAreReconciledAlikeHoweverTheyAreAsked(t *testing.T) {
	l, err := open(config(), newMemory(nil))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	r := newReplay(t, sim.Config{Site: "fra1", Hosts: 20, GPUs: 2, Seed: 5, Start: began, Faults: sim.Faults{Every: 3 * time.Minute}}, l)
	r.run(3*time.Hour + 2*time.Minute) // one is over and not sealed yet
	r.commit()
	from, to := began.UnixMilli(), began.UnixMilli()+4*hourMs
	ask := func(of ...account.Stage) []account.Gap {
		gaps, err := l.Reconcile("fra1", from, to, of)
		if err != nil {
			t.Fatal(err)
		}
		return gaps
	}
	all := ask()
	for _, of := range [][]account.Stage{
		{account.StageHosts}, {account.StageHosts, account.StageGPUs}, {account.StageGPUs}, {account.StageHost}, {account.StageRack}, {account.StageFacility, account.StageMeter},
		{account.StageHosts, account.StageRack, account.StageHost, account.StageGPUs},
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(g account.Gap) bool { return !slices.Contains(of, g.Stage) })
		for range 2 {
			if d := cmp.Diff(want, ask(of...)); d != "" {
				t.Errorf("%v: among all (-), and by themselves (+):\n%s", of, d)
			}
		}
	}
	if len(l.cache.summed) < 2 {
		t.Errorf("of %d hours it is kept what all machines drew", len(l.cache.summed))
	}
	if len(all) < 20 {
		t.Errorf("only %d gaps: the test proves little", len(all))
	}
}

// After a start the newest hours are read ahead, once, and say what they said before.
func TestHoursAreReadAheadAfterAStart(t *testing.T) {
	disk := newMemory(nil)
	l, err := open(config(), disk)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	r := newReplay(t, sim.Config{Site: "fra1", Hosts: 5, GPUs: 2, Seed: 5, Start: began}, l)
	r.run(3*time.Hour + 20*time.Minute)
	r.commit()
	stages := []account.Stage{account.StageHosts, account.StageGPUs}
	want, err := l.Reconcile("fra1", began.UnixMilli(), began.UnixMilli()+3*hourMs, stages)
	if err != nil {
		t.Fatal(err)
	}
	again, err := open(config(), disk)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		for range 2 {
			if err := again.Warm(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
	if n, kept := again.tally.warmed.Get(), len(again.cache.summed); n < 2 || int(n) != kept {
		t.Errorf("%d hours were read ahead, and of %d it is kept what all machines drew", n, kept)
	}
	got, err := again.Reconcile("fra1", began.UnixMilli(), began.UnixMilli()+3*hourMs, stages)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-before the start +after):\n%s", d)
	}
}
