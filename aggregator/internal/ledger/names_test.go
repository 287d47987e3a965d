package ledger

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/names"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// hiding opens the books of a folder whose sealed hours name nobody.
func hiding(t *testing.T, path string) (l *Ledger, done func()) {
	t.Helper()
	dir, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	l, err = Open(Config{Dir: dir, Logger: slog.New(slog.DiscardHandler), Names: names.NewKeeper(path, time.Now), Hide: true})
	if err != nil {
		t.Fatal(err)
	}
	return l, func() {
		t.Helper()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := dir.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Sealed hours name nobody, answers do; once a tenant is forgotten its energy is
// still there, under a key, and the log holds.
func TestSealedHoursNameNobody(t *testing.T) {
	silence := func(l *Ledger) *replay {
		r := newReplay(t, sim.Config{Seed: 3, Hosts: 4, GPUs: 4}, l)
		r.run(70 * time.Minute)
		for range 30 { // until all is sealed
			r.now = r.now.Add(time.Hour)
			r.commit()
		}
		return r
	}
	openly, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer openly.Close()
	plain, err := Open(Config{Dir: openly, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	r := silence(plain)
	jobs, tenants := given(t, plain, account.ByJob, r.began.UnixMilli()), given(t, plain, account.ByTenant, r.began.UnixMilli())
	path := t.TempDir()
	l, done := hiding(t, path)
	silence(l)
	check := func(l *Ledger, by account.Level, want map[string][2]int64) {
		t.Helper()
		got := given(t, l, by, r.began.UnixMilli())
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-by name +by key)\n%s", by, diff)
		}
	}
	check(l, account.ByJob, jobs)
	check(l, account.ByTenant, tenants)
	done()

	sealed := 0
	raw, err := View(path, Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for number := r.began.UnixMilli() / hourMs; number <= r.now.UnixMilli()/hourMs; number++ {
		v := raw.lookAtJobs("fra1", number)
		for i := range v.leaves {
			h, err := raw.sealedHour(v.leaves[i], v.files[i], v.index[i], true)
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range h.Jobs {
				if j.Allocation != account.Allocated {
					continue
				}
				sealed++
				_, job := jobs[j.Name]
				_, tenant := tenants[j.Tenant]
				if job || j.Tenant != "" && tenant || !strings.HasPrefix(j.Name, "job-") {
					t.Errorf("a sealed hour has %+v", j)
				}
			}
		}
	}
	if err := raw.Close(); err != nil || sealed == 0 {
		t.Fatalf("%d jobs are sealed, %v", sealed, err)
	}

	gone := ""
	for name := range tenants {
		if name != "" && name != "unknown" {
			gone = max(gone, name)
		}
	}
	book, err := names.Open(path, "fra1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := book.Forget(func(n names.Name) bool { return n.Name == gone })
	if err != nil || len(keys) != 1 {
		t.Fatalf("%q: %v, %v", gone, keys, err)
	}
	l, done = hiding(t, path)
	want := map[string][2]int64{}
	for name, x := range tenants {
		if name == gone {
			name = keys[0]
		}
		want[name] = x
	}
	check(l, account.ByTenant, want)
	done()
	if _, err := Check(path); err != nil {
		t.Error(err)
	}
}
