package secret_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/secret"
)

func TestRead(t *testing.T) {
	for name, x := range map[string]struct{ text, want, says string }{
		"a line":               {"hunter2\n", "hunter2", ""},
		"without its end":      {"hunter2", "hunter2", ""},
		"as Windows writes it": {"hunter2\r\n", "hunter2", ""},
		"spaces are its own":   {" hunter 2 \nnotes\n", " hunter 2 ", ""},
		"nothing":              {"", "", "is empty"},
		"an empty line":        {"\nhunter2\n", "", "is empty"},
		"the longest line":     {strings.Repeat("x", 4096) + "\r\nhunter2", strings.Repeat("x", 4096), ""},
		"a longer line":        {strings.Repeat("hunter2", 1000), "", "more than 4096 bytes"},
	} {
		path := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(path, []byte(x.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := secret.Read(path)
		if got.Reveal() != x.want || (err == nil) != (x.says == "") || err != nil && (!strings.Contains(err.Error(), x.says) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %q, %v", name, got.Reveal(), err)
		}
	}
	if _, err := secret.Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g secret.Gate
		if err := g.Check("root", secret.Of("hunter1"), "f"); err != nil {
			t.Error(err)
		}
		why := errors.New("401")
		g.Shut("root", secret.Of("hunter1"), why)
		if err := g.Check("root", secret.Of("hunter1"), "f"); !errors.Is(err, why) || !strings.Contains(err.Error(), "when f changes") {
			t.Error(err)
		}
		if g.Check("root", secret.Of("hunter2"), "f") != nil || g.Check("admin", secret.Of("hunter1"), "f") != nil {
			t.Error("others are shut out too")
		}
		time.Sleep(secret.Pardon)
		if err := g.Check("root", secret.Of("hunter1"), "f"); err != nil {
			t.Error(err)
		}
	})
}
