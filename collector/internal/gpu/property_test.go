package gpu

import (
	"flag"
	"math"
	"testing"
	"testing/synctest"

	"github.com/gigawatch/gigawatch/collector/metric"
	"pgregory.net/rapid"
)

// rapid's own hundred sequences miss what one in thousands shows.
func init() { _ = flag.Set("rapid.checks", "300") }

// inBubble keeps rapid from asking for a deadline, which a bubble has not.
type inBubble struct{ *testing.T }

// truth is a register, and what an accountant who sees each of its readings that
// reach him knows of it: its moves between two of them; after it began anew all
// that it shows.
type truth struct {
	register metric.Raw
	seen     bool
	last     metric.Raw // reading that reached him
	anew     bool       // since then
	moved    metric.Raw
}

func (r *truth) arrives() {
	switch {
	case r.seen && r.anew:
		r.moved += r.register
	case r.seen:
		r.moved += r.register - r.last
	}
	r.seen, r.last, r.anew = true, r.register, false
}

// Whatever boards, engine and agent do: what is shown never falls within an
// epoch, and added up by epochs it is what the registers truly moved, to the
// millijoule.
func TestShownEnergyIsWhatTheRegistersMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(inBubble{t}, func(rt *rapid.T) {
			const n = 3
			const begin = 2_000_000_000_000 // a register that began anew does not come near it
			g := newStage(t, healthy(n))
			defer g.stop()
			var real [n]truth
			var book [n]books
			for i := range n {
				real[i].register = begin
			}
			var hidden [n]int // seconds for which a board says nothing yet
			hangs := 0
			for second := range rapid.IntRange(1, 80).Draw(rt, "seconds") {
				i := rapid.IntRange(0, n-1).Draw(rt, "board")
				switch rapid.SampledFrom([]string{"", "", "", "reset", "driver", "blank", "absent", "gone", "hang", "back", "restart"}).Draw(rt, "event") {
				case "reset":
					if real[i].last >= begin {
						real[i].register, real[i].anew = metric.Raw(rapid.IntRange(0, 1_000_000).Draw(rt, "mJ")), true
					}
				case "driver":
					real[i].register, real[i].anew = 0, true
					g.d.boards[i].Driver += "+"
				case "blank":
					hidden[i] = rapid.IntRange(1, 10).Draw(rt, "for")
				case "absent":
					g.d.boards[i].Absent = !g.d.boards[i].Absent
				case "gone":
					g.d.err, hangs = errGone, 0
				case "hang":
					g.d.err, hangs = ErrPending, rapid.IntRange(1, 10).Draw(rt, "for")
				case "back":
					g.d.err = nil
				case "restart":
					g.start()
				}
				if hangs--; hangs == 0 {
					g.d.err = nil
				}
				for i := range n {
					b, watts := &g.d.boards[i], rapid.IntRange(0, 700).Draw(rt, "W")
					real[i].register += metric.Raw(watts * 1000)
					b.Values[Power], b.Values[Energy] = metric.Of(float64(watts)), real[i].register
					if hidden[i]--; hidden[i] > 0 {
						b.Clear()
					}
				}
				got := g.tick()
				for i := range n {
					b := &g.d.boards[i]
					if g.d.err == nil && !b.Absent && b.Values[Energy] != metric.Missing {
						real[i].arrives()
						if got["gpu_state "+b.UUID] != "ok" || got["gpu_energy_joules_total "+b.UUID] == "missing" {
							rt.Fatalf("second %d: board %d says all, and is not shown", second, i)
						}
					}
					if fell := book[i].take(got["counter_epoch "+b.UUID+" gpu_energy_joules_total"], got["gpu_energy_joules_total "+b.UUID]); fell > 0 {
						rt.Fatalf("second %d: board %d fell by %v J", second, i, fell)
					}
					if shown := math.Round(book[i].joules * 1000); shown != float64(real[i].moved) {
						rt.Fatalf("second %d: board %d: %v mJ shown, %d moved", second, i, shown, real[i].moved)
					}
				}
			}
		})
	})
}

// With registers that stand still under load, or come and go: by whatever means
// energy is known, it never falls within an epoch, and nothing counts twice.
func TestNoEnergyCountsTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(inBubble{t}, func(rt *rapid.T) {
			g := newStage(t, healthy(1))
			defer g.stop()
			var book books
			works, there := true, rapid.Bool().Draw(rt, "register")
			b, register := &g.d.boards[0], metric.Raw(1_000_000_000)
			for second := range rapid.IntRange(1, 300).Draw(rt, "seconds") {
				switch rapid.IntRange(0, 60).Draw(rt, "event") {
				case 0:
					works = !works
				case 1:
					there = !there
				case 2:
					g.start()
				}
				if works {
					register += 100_000
				}
				b.Values[Power], b.Values[Energy] = metric.Of(100), metric.Missing
				if there {
					b.Values[Energy] = register
				}
				got := g.tick()
				if fell := book.take(got[epoch0], got[joules0]); fell > 0 {
					rt.Fatalf("second %d: fell by %v J", second, fell)
				}
				if drawn := 100 * float64(second); book.joules > drawn+0.5 {
					rt.Fatalf("second %d: %v J shown, %v drawn", second, book.joules, drawn)
				}
			}
		})
	})
}
