package ledger

import (
	"log/slog"
	"sync"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Questions are asked while records come in and hours are sealed: no answer is
// torn. Every host draws the same power all of the time, so whatever moment an
// answer is of, what is final is what an hour draws.
func TestQuestionsWhileTheBooksAreKept(t *testing.T) {
	w := newWorld(10, 3, 2)
	dir, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	l, err := Open(Config{Dir: dir, Logger: slog.New(slog.DiscardHandler), Cache: 1 << 16}) // files are read again and again
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b := &books{Ledger: l}
	done := make(chan struct{})
	var group sync.WaitGroup
	first := start - start%hourMs
	for _, by := range []account.Level{account.BySite, account.ByGPU, account.ByRack, account.ByJob} {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				lines, err := b.Energy(account.Question{Site: "s1", By: by, Boundary: metric.GPUs, From: first, To: first + 6*hourMs, Step: hourMs})
				if err != nil {
					t.Error(err)
					return
				}
				sums := map[int64]uint64{}
				for _, l := range lines {
					mj, _ := l.Energy.Total()
					if sums[l.From] += mj; !l.Final {
						sums[l.From] = 1 << 62
					}
				}
				var want uint64
				for _, h := range w.hosts {
					for _, x := range h.boards {
						want += x.perSecond * 3600
					}
				}
				for from, mj := range sums {
					if from > first && mj < 1<<62 && mj != want {
						t.Errorf("by %v, hour %d: %d mJ, want %d", by, (from-first)/hourMs, mj, want)
						return
					}
				}
				_, _ = b.KPI("s1", "pue", first, first+6*hourMs)
				b.Sites()
				b.Life("s1", metric.GPUs)
				b.Durable("s1", "n000")
				b.Position()
			}
		})
	}
	for range 6 * 75 {
		tick(t, w, b)
	}
	close(done)
	group.Wait()
}
