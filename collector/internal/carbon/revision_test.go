package carbon

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A grid is a source whose one provider of tier 1 says what value says.
func grid(t *testing.T, w *world, state string, value func(at time.Time) (any, bool), more ...Provider) *Source {
	t.Helper()
	w.maps("FR", value)
	return open(t, w, Config{Zone: "FR", State: state, Providers: append([]Provider{{Name: "electricitymaps", Period: 5 * time.Minute, Key: keyFile(t, theKey)}}, more...)})
}

// live reads s every few seconds for a while.
func live(t *testing.T, s *Source, d time.Duration) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); sleep(10 * time.Second) {
		seen(t, s)
	}
}

// onlyLifecycle leaves the rest out.
func onlyLifecycle(list []string) (kept []string) {
	for _, l := range list {
		if strings.HasPrefix(l, "lifecycle") {
			kept = append(kept, l)
		}
	}
	return kept
}

func TestCorrectionsOfPastHoursAreRevisions(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		first, second := 100.0, 200.0
		s := grid(t, w, "", func(at time.Time) (any, bool) {
			switch at.Hour() {
			case 12:
				return first, false
			case 13:
				return second, false
			}
			return 300, at.Hour() >= 15
		})
		run(t, s)
		live(t, s, 3*time.Hour)
		if got := revised(s, 0); got != nil {
			t.Errorf("nothing was corrected, and yet %q", got)
		}
		w.change(func() { first = 100.04 }) // less than is printed
		w.change(func() { second = 210 })
		live(t, s, 20*time.Minute)
		if diff := cmp.Diff([]string{"lifecycle 13:00-14:00 200 electricitymaps 1 -> 210 electricitymaps 1 consumed"}, onlyLifecycle(revised(s, 0))); diff != "" {
			t.Error(diff)
		}
		all := s.Revisions(0, 1000)
		last := all[len(all)-1].Sequence
		if r := all[0]; !r.From.Equal(r.From.UTC()) || r.At.IsZero() || r.Word.Set != "electricitymaps-lifecycle" || r.Word.Fetched.IsZero() || r.Word.Published.IsZero() || r.Was.Fetched.After(r.Word.Fetched) {
			t.Errorf("provenance of %+v", r)
		}
		w.change(func() { second = 190 })
		live(t, s, 20*time.Minute)
		if diff := cmp.Diff([]string{"lifecycle 13:00-14:00 210 electricitymaps 1 -> 190 electricitymaps 1 consumed"}, onlyLifecycle(revised(s, last))); diff != "" {
			t.Error(diff)
		}
		if n := len(s.Revisions(0, 1)); n != 1 {
			t.Errorf("%d where one was asked for", n)
		}
		if got := s.Revisions(1<<60, 10); len(got) != 0 {
			t.Errorf("after the last: %v", got)
		}
	})
}

func TestEstimatesAreReplacedByWhatWasMeasured(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		measured, takenBack := false, false
		s := grid(t, w, "", func(at time.Time) (any, bool) {
			if at.Hour() == 12 && measured {
				return 60, takenBack
			}
			return 50, true
		})
		run(t, s)
		live(t, s, 2*time.Hour)
		w.change(func() { measured = true })
		live(t, s, 20*time.Minute)
		w.change(func() { takenBack = true }) // it was wrong to call it measured
		live(t, s, 20*time.Minute)
		if diff := cmp.Diff([]string{
			"lifecycle 12:00-13:00 50 electricitymaps 3 -> 60 electricitymaps 1 consumed",
			"lifecycle 12:00-13:00 60 electricitymaps 1 -> 60 electricitymaps 3 estimated",
		}, onlyLifecycle(revised(s, 0))); diff != "" {
			t.Error(diff)
		}
	})
}

// TestHoursInWhichNothingWasReadAreFilled has the agent away from 12:30 to 14:00,
// and the provider say nothing of 13:00 to 14:00, ever.
func TestHoursInWhichNothingWasReadAreFilled(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		state := t.TempDir()
		value := func(at time.Time) (any, bool) {
			if at.Day() == 15 && at.Hour() == 13 {
				return "null", false
			}
			return 100, false
		}
		s := grid(t, w, state, value, Provider{Name: "yearly"})
		stop := run(t, s)
		live(t, s, 30*time.Minute)
		stop()
		sleep(90 * time.Minute)
		s = grid(t, w, state, value, Provider{Name: "yearly"})
		run(t, s)
		live(t, s, time.Hour)
		if diff := cmp.Diff([]string{"lifecycle 12:30-13:00 nothing -> 100 electricitymaps 1 consumed"}, onlyLifecycle(revised(s, 0))); diff != "" {
			t.Error(diff)
		}
		live(t, s, 6*time.Hour)
		got := onlyLifecycle(revised(s, 0))
		if len(got) < 2 || !strings.HasSuffix(got[len(got)-1], "-14:00 nothing -> 44 ember 5 yearly") {
			t.Errorf("%q", got)
		}
		from := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
		if diff := cmp.Diff([]string{"12:00-12:30 100 electricitymaps 1 consumed", "12:30-13:00 100 electricitymaps 1 consumed revised"}, uses(s, Lifecycle, from, from.Add(time.Hour))); diff != "" {
			t.Error(diff)
		}
	})
}

// TestWhatWasUsedIsRememberedAcrossRestarts compares all that is known before and
// after.
func TestWhatWasUsedIsRememberedAcrossRestarts(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		state := t.TempDir()
		value := 100.0
		say := func(at time.Time) (any, bool) { return value + float64(at.Hour()), false }
		s := grid(t, w, state, say)
		stop := run(t, s)
		live(t, s, 3*time.Hour+7*time.Minute)
		w.change(func() { value = 110 })
		live(t, s, 10*time.Minute)
		shown := seen(t, s)
		stop()

		again := grid(t, w, state, say)
		if diff := cmp.Diff(s.Revisions(0, 100), again.Revisions(0, 100)); diff != "" || len(s.Revisions(0, 100)) == 0 {
			t.Errorf("revisions, before and after: %s", diff)
		}
		day := time.Now().Truncate(24 * time.Hour)
		for q := range Quantity(quantities) {
			if diff := cmp.Diff(s.Uses(q, day, day.AddDate(0, 0, 1)), again.Uses(q, day, day.AddDate(0, 0, 1))); diff != "" {
				t.Errorf("uses of %s, before and after: %s", q, diff)
			}
			if diff := cmp.Diff(s.vendors[0].shelves[q].figures, again.vendors[0].shelves[q].figures, cmp.AllowUnexported(figure{})); diff != "" {
				t.Errorf("figures of %s, before and after: %s", q, diff)
			}
		}
		// The quarter that began before goes on as it was.
		if got := seen(t, again); got != shown {
			t.Errorf("%s after the restart, %s before", got, shown)
		}
		// And so it is when the journal was written anew.
		again.mu.Lock()
		again.anew = true
		again.mu.Unlock()
		again.save()
		third := grid(t, w, state, say)
		if diff := cmp.Diff(s.Revisions(0, 100), third.Revisions(0, 100)); diff != "" {
			t.Errorf("revisions, before and after writing anew: %s", diff)
		}
		if diff := cmp.Diff(again.everything(), third.everything()); diff != "" {
			t.Errorf("all, before and after writing anew: %s", diff)
		}
		files, err := os.ReadDir(state)
		if err != nil || len(files) != 1 {
			t.Errorf("%v, %v", files, err)
		}
		b, err := os.ReadFile(filepath.Join(state, "grid-FR.journal"))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(theKey)) {
			t.Error("the journal has the key in it")
		}
		if i, _ := os.Stat(filepath.Join(state, "grid-FR.journal")); i.Mode().Perm() != 0o600 {
			t.Errorf("mode %v", i.Mode())
		}
	})
}

func TestDamagedJournals(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		state := t.TempDir()
		path := filepath.Join(state, "grid-FR.journal")
		say := func(at time.Time) (any, bool) { return 100 + at.Hour(), false }
		s := grid(t, w, state, say)
		stop := run(t, s)
		live(t, s, 2*time.Hour)
		stop()
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Count(whole, []byte("\n"))
		for name, tc := range map[string]struct {
			b    []byte
			lost int
		}{
			"cut off":            {whole[:len(whole)-20], 1},
			"a bit":              {bytes.Replace(whole, []byte(`"v":112`), []byte(`"v":113`), 1), 1},
			"zeros at the end":   {append(bytes.Clone(whole), make([]byte, 4096)...), 0},
			"an endless line":    {append(bytes.Clone(whole), bytes.Repeat([]byte("x"), 200_000)...), 0},
			"another's":          {[]byte("hello\nworld\n"), lines},
			"nothing":            {nil, lines},
			"a line from nobody": {append(bytes.Clone(whole), "00000000 {}\n"...), 0},
		} {
			if err := os.WriteFile(path, tc.b, 0o600); err != nil {
				t.Fatal(err)
			}
			again := grid(t, w, state, say)
			if got, want := len(again.everything()), len(s.everything())-tc.lost; got < want-1 || name != "another's" && name != "nothing" && got == 0 {
				t.Errorf("%s: %d entries are left of %d, %d may be lost", name, got, len(s.everything()), tc.lost)
			}
			if again.book.next < s.book.next {
				t.Errorf("%s: sequence %d would be used again", name, again.book.next)
			}
			again.save() // and what is left is written so that it can be read
			var third []entry
			damaged, err := readJournal(path, func(e *entry) { third = append(third, *e) })
			if damaged > 0 || err != nil {
				t.Errorf("%s: still %d damaged lines, %v", name, damaged, err)
			}
		}
	})
}

func TestADiskThatFails(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		state := t.TempDir()
		var log logged
		say := func(time.Time) (any, bool) { return 100, false }
		s := grid(t, w, state, say)
		s.log = log.logger()
		path := filepath.Join(state, "grid-FR.journal")
		if err := os.Mkdir(path, 0o700); err != nil { // nothing can be written there
			t.Fatal(err)
		}
		run(t, s)
		live(t, s, time.Hour+time.Minute)
		if got := seen(t, s); got != "electricitymaps 1 = 100" {
			t.Error(got)
		}
		if n := strings.Count(log.String(), "will not be remembered"); n != 1 {
			t.Errorf("said %d times: %s", n, log.String())
		}
		if d := s.Describe(); !strings.Contains(d, "not remembered") {
			t.Error(d)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		live(t, s, time.Minute)
		if !strings.Contains(log.String(), "are remembered again") {
			t.Error(log.String())
		}
		if again := grid(t, w, state, say); len(again.Uses(Lifecycle, time.Now().Add(-2*time.Hour), time.Now())) == 0 {
			t.Error("what was used while the disk failed is lost")
		}
	})
}

// TestSequencesAreNeverUsedAgain even after the folder was lost.
func TestSequencesAreNeverUsedAgain(t *testing.T) {
	virtual(t, func(t *testing.T) {
		newest := uint64(0)
		for _, state := range []string{t.TempDir(), t.TempDir(), "", ""} {
			w := newWorld()
			value := 100.0
			s := grid(t, w, state, func(time.Time) (any, bool) { return value, false })
			stop := run(t, s)
			live(t, s, time.Hour)
			w.change(func() { value += 7 })
			live(t, s, time.Hour)
			stop()
			list := s.Revisions(newest, 100)
			if len(list) == 0 || len(list) != len(s.Revisions(0, 100)) {
				t.Fatalf("of %d revisions %d are newer than those of before", len(s.Revisions(0, 100)), len(list))
			}
			newest = list[len(list)-1].Sequence
		}
	})
}

// TestOtherFactorsHoldFromTheirDay: the past is not restated because the operator
// chose another set.
func TestOtherFactorsHoldFromTheirDay(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := open(t, newWorld(), Config{Zone: "FR", Providers: []Provider{{Name: "energycharts"}}})
		at := slotOf(time.Now())
		put := func(i slot, v float64, set string) {
			s.vendors[0].shelves[0].set(i, figure{from: i.start(), to: (i + 1).start(), value: v, basis: Generated, set: set})
		}
		s.book.since = at - 8
		for i := at - 8; i < at; i++ {
			put(i, 50, "old-1")
			s.use(Lifecycle, i, i.start())
			put(i, 60, "new-1")
		}
		put(at-1, 55, "old-1")
		s.restate(at, time.Now())
		if got := revised(s, 0); len(got) != 1 || !strings.HasSuffix(got[0], "50 energycharts 2 -> 55 energycharts 2 generated") {
			t.Errorf("%q", got)
		}
	})
}

func TestABookIsBounded(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := open(t, newWorld(), Config{Zone: "FR", State: t.TempDir(), Providers: []Provider{{Name: "energycharts"}}})
		at := slotOf(time.Now())
		s.book.since = at - 100*aDay
		for round := range 12 {
			for i := at - 100*aDay; i < at; i++ {
				s.vendors[0].shelves[0].set(i, figure{from: i.start(), to: (i + 1).start(), value: 50 + float64(round) + float64(i%2), basis: Generated})
			}
			s.restate(at, time.Now())
			s.save()
		}
		if n := len(s.book.revisions); n != mostRevisions || s.book.dropped == 0 {
			t.Errorf("%d revisions are kept, %d were dropped", n, s.book.dropped)
		}
		list := s.Revisions(0, 1<<30)
		for i := range list[1:] {
			if list[i+1].Sequence != list[i].Sequence+1 {
				t.Fatalf("sequence %d follows %d", list[i+1].Sequence, list[i].Sequence)
			}
		}
		s.prune(at + 60*aDay)
		if n := len(s.book.slots[0]) + len(s.vendors[0].shelves[0].figures); n != int(6*aDay) {
			t.Errorf("%d slots and figures are left after two months", n)
		}
		if err := s.journal.close(); err != nil {
			t.Error(err)
		}
		if s.journal.lines > 3*s.journal.base+40_000 {
			t.Errorf("%d lines where %d would do", s.journal.lines, s.journal.base)
		}
	})
}
