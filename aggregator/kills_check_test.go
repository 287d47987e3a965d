package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// checkDisk holds a copy of what is on the disk against the truth, as the next
// process would find it.
func (w *killWorld) checkDisk(when string) {
	w.t.Helper()
	dir := w.t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "ledger"), os.DirFS(filepath.Join(w.data(), "ledger"))); err != nil {
		w.t.Fatal(err)
	}
	version, err := os.ReadFile(filepath.Join(w.data(), "VERSION"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "VERSION"), version, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	defer os.RemoveAll(dir) // hundreds would fill the disk
	d, err := ledger.OpenDir(dir)
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := ledger.Open(ledger.Config{Dir: d, Logger: quietly(), Metrics: metrics.NewSet()})
	if err != nil {
		w.t.Fatalf("killed %s: the ledger does not open: %v", when, err)
	}
	w.checkLedger(when, l)
	if err := l.Close(); err != nil {
		w.t.Error(err)
	}
	if err := d.Close(); err != nil {
		w.t.Error(err)
	}
	if s, err := runVerify(w.t, dir); err != nil {
		w.t.Errorf("killed %s: verify: %v: %s", when, err, s)
	}
}

// checkLedger holds every board's joules against what was true at the record that
// is durable. What was estimated across restarts of counters is the same at the same
// record.
func (w *killWorld) checkLedger(when string, l *ledger.Ledger) {
	w.t.Helper()
	want, at := map[string]uint64{}, map[string]uint64{}
	for _, a := range w.agents {
		mark, ok := l.Durable("s1", a.name)
		switch {
		case mark.Sequence < a.acked:
			w.t.Errorf("killed %s: record %d of %s was acknowledged, and the disk has %d", when, a.acked, a.name, mark.Sequence)
		case !ok:
		case mark.Sequence > uint64(len(a.spent)):
			w.t.Errorf("killed %s: the disk has record %d of %s, and there are %d", when, mark.Sequence, a.name, len(a.spent))
		default:
			maps.Copy(want, a.spent[mark.Sequence-1])
			at[a.name] = mark.Sequence
		}
	}
	lines, err := l.Energy(account.Question{Site: "s1", By: account.ByGPU, Boundary: metric.GPUs,
		From: w.began.Truncate(time.Hour).UnixMilli(), To: w.now.Truncate(time.Hour).Add(time.Hour).UnixMilli()})
	if err != nil {
		w.t.Fatal(err)
	}
	got, beside := map[string]uint64{}, map[string]uint64{}
	for _, x := range lines {
		read := x.Energy[metric.Measured] + x.Energy[metric.CounterBridged]
		all, err := x.Energy.Total()
		if err != nil {
			w.t.Errorf("killed %s: the energy of %s: %v", when, x.UUID, err)
		}
		got[x.UUID] += read
		beside[x.UUID] += all - read
	}
	for board, of := range w.boards {
		if got[board] != want[board] {
			w.t.Errorf("killed %s: the disk says %d mJ of %s, and until the record that it names it is %d (%+d)", when, got[board], board, want[board], int64(got[board]-want[board]))
		}
		key := fmt.Sprint(board, " at record ", at[of])
		if known, ok := w.beside[key]; ok && known != beside[board] {
			w.t.Errorf("killed %s: of %s %d mJ are estimated, and were %d", when, key, beside[board], known)
		}
		w.beside[key] = beside[board]
	}
}
