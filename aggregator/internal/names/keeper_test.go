package names_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/names"
)

func keeper(dir string) *names.Keeper {
	return names.NewKeeper(dir, func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) })
}

func TestWhatIsHiddenIsShownUntilItIsForgotten(t *testing.T) {
	dir := t.TempDir()
	jobs := []names.Job{{"train-7", "acme"}, {"train-7", "beta"}, {"train-8", "acme"}, {"stray", ""}, {strings.Repeat("é", 127), "acme"}, {"job-abc", "tenant-abc"}}
	writer, reader := keeper(dir), keeper(dir)
	hidden, err := writer.Hide("s1", jobs)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[names.Job]bool{}
	for i, j := range hidden {
		if seen[j] || !strings.HasPrefix(j.Name, "job-") || (j.Tenant == "") != (jobs[i].Tenant == "") || strings.Contains(j.Name+j.Tenant, "train") || strings.Contains(j.Tenant, "acme") {
			t.Errorf("%+v is called %+v", jobs[i], j)
		}
		seen[j] = true
	}
	if again, err := keeper(dir).Hide("s1", jobs); err != nil || !slices.Equal(again, hidden) {
		t.Errorf("after a restart they are called %v, %v", again, err)
	}
	if shown, err := reader.Show("s1", hidden); err != nil || !slices.Equal(shown, jobs) {
		t.Errorf("shown as %v, %v", shown, err)
	}
	if shown, err := reader.Show("s1", jobs); err != nil || !slices.Equal(shown, jobs) {
		t.Errorf("what was never hidden is shown as %v, %v", shown, err)
	}
	// Another process forgets acme; who has the books open sees it.
	if _, err := open(t, dir, 22).Forget(func(n names.Name) bool { return n.Name == "acme" }); err != nil {
		t.Fatal(err)
	}
	shown, err := reader.Show("s1", hidden)
	if err != nil {
		t.Fatal(err)
	}
	for i := range jobs {
		want := jobs[i]
		if want.Tenant == "acme" {
			want = hidden[i]
		}
		if shown[i] != want {
			t.Errorf("%+v is shown as %+v, want %+v", hidden[i], shown[i], want)
		}
	}
	after, err := writer.Hide("s1", jobs[:1])
	if err != nil || after[0].Tenant == hidden[0].Tenant || after[0].Name == hidden[0].Name {
		t.Errorf("who was forgotten is called as before: %v, %v", after, err)
	}
}

func FuzzShow(f *testing.F) {
	dir := f.TempDir()
	k := keeper(dir)
	hidden, err := k.Hide("s1", []names.Job{{"train-7", "acme"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(hidden[0].Name)
	f.Add("job-")
	f.Fuzz(func(t *testing.T, name string) {
		shown, err := k.Show("s1", []names.Job{{name, hidden[0].Tenant}})
		if err != nil || shown[0].Tenant != "acme" || shown[0].Name == "train-7" && name != hidden[0].Name && name != "train-7" {
			t.Errorf("%q is shown as %+v, %v", name, shown, err)
		}
	})
}
