package statement

import (
	"os"
	"path/filepath"
	"testing"
)

// Neither a name nor a link leads out of the folder of statements.
func TestNothingOutsideOfTheFolderOfStatementsIsRead(t *testing.T) {
	data := t.TempDir()
	f := NewFolder(data)
	if err := f.Add("ams1", Line{Action: ActSign}, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if lines, files, err := f.Check("ams1"); lines != 1 || files != 1 || err != nil {
		t.Fatal(lines, files, err)
	}
	log, err := os.ReadFile(filepath.Join(f.dir("ams1"), "log"))
	if err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(data, "outside")
	if err = os.Mkdir(outside, 0o750); err == nil {
		err = os.WriteFile(filepath.Join(outside, "log"), log, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, f.dir("fra1")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(f.dir("lon1"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "log"), filepath.Join(f.dir("lon1"), "log")); err != nil {
		t.Fatal(err)
	}
	for _, site := range []string{"fra1", "lon1", "../outside", "..", "ams1/../../outside", "ams1\x00"} {
		if lines, err := f.Log(site); err == nil {
			t.Errorf("%q has %d lines", site, len(lines))
		}
	}
	if b, err := f.read("ams1", "log", 3); err == nil {
		t.Errorf("more than 3 bytes are read: %q", b)
	}
}
