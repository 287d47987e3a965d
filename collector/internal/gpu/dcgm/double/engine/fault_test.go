package main

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm/double"
)

func TestEveryFaultThatHelpListsIsKnown(t *testing.T) {
	dir := t.TempDir()
	w, err := double.Create(filepath.Join(dir, "world"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for range 4 {
		w.AddGPU(time.Now())
	}
	e := &engine{World: w, socket: filepath.Join(dir, "s"), load: newLoad(1, 4)}
	defer e.close()
	arguments := strings.NewReplacer("N", "3", "CODE", "79", "PARTS", "2", "A", "48", "B", "94", "F...", "1523 1507")
	known := 0
	for _, s := range regexp.MustCompile(`  +|, |\n`).Split(help, -1) {
		if err := e.do(arguments.Replace(s), time.Now()); err == nil || errors.Is(err, errQuit) {
			known++
		}
		e.load.move(w, time.Now())
	}
	if known != 21 {
		t.Errorf("%d faults are known, want 21", known)
	}
	for _, s := range []string{"lose", "lose 4", "lose x", "xid 1", "explode"} {
		if e.do(s, time.Now()) == nil {
			t.Errorf("%q is taken", s)
		}
	}
}
