package desk

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Whoever may put links into the folder of reports, or names a site or file as a path,
// reads nothing that lies outside.
func TestNothingOutsideOfTheFolderOfReportsIsRead(t *testing.T) {
	data := t.TempDir()
	k := NewFolder(data)
	dir := k.dir("ams1", 2025)
	secret := filepath.Join(data, "secret")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(secret, "secret")
	write(filepath.Join(dir, "steps"), "steps")
	for name, to := range map[string]string{"absolute": secret, "relative": "../../../secret", "twice": "absolute", "folder": data} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(data, filepath.Join(k.path, "linked")); err != nil {
		t.Fatal(err)
	}
	if b, err := k.read("ams1", 2025, "steps", 100); string(b) != "steps" || err != nil {
		t.Fatalf("%q, %v", b, err)
	}
	for _, x := range []struct{ site, name string }{
		{"ams1", "absolute"}, {"ams1", "relative"}, {"ams1", "twice"}, {"ams1", "folder/secret"}, {"ams1", "../../../secret"}, {"ams1", "/" + secret},
		{"ams1", "steps\x00"}, {"ams1", "steps\x00/../../../../secret"}, {"ams1", "..%2f..%2f..%2fsecret"}, {"ams1", "."}, {"ams1", ".."},
		{"..", "../secret"}, {"../..", "secret"}, {"fra1/../ams1", "steps"}, {"ams1/.", "steps"}, {"ams1\x00", "steps"}, {"", "steps"}, {"linked", "../secret"}, {"%2e%2e", "steps"},
	} {
		if b, err := k.read(x.site, 2025, x.name, 100); err == nil {
			t.Errorf("%q of %q is read: %q", x.name, x.site, b)
		}
	}
	if _, err := k.read("ams1", 2025, "steps", 4); err == nil || !strings.Contains(err.Error(), "more than 4 bytes") {
		t.Error(err)
	}

	// The link is put there between a look and a read, or so is tried.
	stop := make(chan struct{})
	var racing sync.WaitGroup
	racing.Go(func() {
		good, link := filepath.Join(dir, "good"), filepath.Join(dir, "link")
		for {
			select {
			case <-stop:
				return
			default:
			}
			// Errors are the race's own.
			_ = os.WriteFile(good, []byte("steps"), 0o600)
			_ = os.Rename(good, filepath.Join(dir, "steps"))
			_ = os.Symlink(secret, link)
			_ = os.Rename(link, filepath.Join(dir, "steps"))
		}
	})
	seen := 0
	for range 3000 {
		b, err := k.read("ams1", 2025, "steps", 100)
		if strings.Contains(string(b), "secret") {
			t.Error("what lies outside is read")
			break
		}
		if err == nil {
			seen++
		}
	}
	close(stop)
	racing.Wait()
	t.Logf("%d of 3000 reads met the file, the others the link", seen)
}
