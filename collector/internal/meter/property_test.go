package meter

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"pgregory.net/rapid"
)

// rapid's own hundred sequences miss what one in thousands shows.
func init() { _ = flag.Set("rapid.checks", "20000") }

// A ledger books what a counter shows, as the aggregator does: what came on top
// in an epoch, and all that a new one shows.
type ledger struct {
	epoch  metric.Raw
	value  int64
	booked int64
	opened bool
}

func (l *ledger) book(t *rapid.T, n count) {
	v := int64(n.value)
	switch {
	case v < 0:
		t.Fatalf("a count of %d", v)
	case !l.opened:
	case n.epoch != l.epoch:
		l.booked += v
	case v < l.value:
		t.Fatalf("fell from %d to %d within an epoch", l.value, v)
	default:
		l.booked += v - l.value
	}
	l.opened, l.epoch, l.value = true, n.epoch, v
}

// A plant is a register of a device that misbehaves, and the truth.
type plant struct {
	true   float64 // Wh that flowed
	shows  float64 // the register, before rounding down
	stuck  bool
	lost   bool // while it is stuck nothing is counted
	behind float64
	watts  float64
	life   int
	since  time.Time // that began, if it is told
}

func (p *plant) run(watts float64, in time.Duration) {
	wh := (p.watts + watts) / 2 * in.Hours()
	p.watts = watts
	p.true += wh
	switch {
	case p.stuck && !p.lost:
		p.behind += wh
	case !p.stuck:
		p.shows += wh
	}
}

// What may happen before a reading.
const (
	reset     = iota // by a person
	exchanged        // by another device
	garbled          // a reading of the register
	stuck            // the register; what flows meanwhile is lost, or shown at once later
	loose            // again
	silent           // for a while
	slow             // fewer readings
	restart          // of the collector
	fine             // and so is all beyond
)

// Whatever a register does, and whenever the collector is restarted, no joule
// is counted twice and no counter falls within an epoch.
func TestNoJouleIsCountedTwice(t *testing.T) {
	const (
		period = 10 * time.Second
		rating = 1e5 // W
	)
	rapid.Check(t, func(t *rapid.T) {
		gauge := rapid.Bool().Draw(t, "gauge")
		tells := rapid.Bool().Draw(t, "tells its life")
		modulus := uint64(rapid.SampledFrom([]int{0, 0, 1_000_000}).Draw(t, "modulus"))
		forgets := rapid.IntRange(0, 9).Draw(t, "forgets") == 0
		b := bench{rate: rating}
		runs := 0
		begin := func() {
			b.counter(period, gauge)
			runs++
			if forgets {
				b.c.nonce = fmt.Sprint(runs)
			}
		}
		begin()
		p := &plant{shows: rapid.Float64Range(0, 999_999).Draw(t, "shows")}
		if modulus == 0 {
			p.shows *= 50
		}
		var kept life
		var l ledger
		at, first, top, events, calm := start, 0., 1e8, 0, 0
		for range rapid.IntRange(1, 120).Draw(t, "readings") {
			in := period
			watts := rapid.Float64Range(0, rating).Draw(t, "watts")
			glitch := -1.
			event := rapid.IntRange(0, 2*fine).Draw(t, "event")
			if (event == reset || event == exchanged) && modulus > 0 && !tells {
				event = fine // a register that rolls over and is reset as well has to say so
			}
			if calm++; event == stuck && (calm < 4 || p.stuck || b.c.life.Fault != sound || b.c.life.Aside != nil) {
				event = fine // what is filled in while the register lags behind is counted again when it catches up
			}
			if event == garbled && calm < 2 || event == restart && p.stuck && !p.lost {
				event = fine // two glitches that agree are none; and as above
			}
			if event <= garbled || event == restart {
				calm = 0
			}
			switch event {
			case reset:
				p.shows, p.stuck, p.behind, p.since = 0, false, 0, time.Time{}
				if rapid.Bool().Draw(t, "tells when") {
					p.since = at
				}
				p.life++
				events++
			case exchanged:
				top += 1e8 // more than it could have counted unseen, and other than any before
				p.shows = top + rapid.Float64Range(0, 1e5).Draw(t, "more")
				if modulus > 0 {
					p.shows = rapid.Float64Range(0, 100).Draw(t, "shows")
				}
				p.stuck, p.behind, p.since = false, 0, time.Time{}
				p.life++
				events++
			case garbled:
				glitch = rapid.SampledFrom([]float64{0, 3e11}).Draw(t, "glitch")
			case stuck:
				p.stuck, p.lost = true, rapid.Bool().Draw(t, "lost")
				events++
			case loose:
				p.stuck = false
				p.shows, p.behind = p.shows+p.behind, 0
			case silent:
				in = time.Duration(rapid.IntRange(20, 36000).Draw(t, "gap")) * time.Second
			case slow:
				in = 6 * time.Minute
			case restart:
				begin()
				if !forgets && kept.Epoch != 0 {
					b.c.resume(kept)
				}
				events++
			}
			p.run(watts, in)
			at = at.Add(in)
			if modulus > 0 {
				for p.shows >= float64(modulus) {
					p.shows -= float64(modulus)
				}
			}
			if gauge {
				b.flow.add(watts, at)
			}
			r := Register{Steps: uint64(p.shows), Modulus: modulus, Size: Size{wh, 1}}
			if glitch >= 0 && modulus == 0 && p.shows > 3e6 { // else it may be right
				r.Steps = uint64(glitch)
			}
			if tells {
				r.Life, r.Since = fmt.Sprint(p.life), p.since
			}
			n, shown, e := b.c.take(r, at, at)
			if shown {
				if !l.opened {
					first = p.true - p.behind
				}
				l.book(t, n)
			}
			if e != none || rapid.Bool().Draw(t, "saved") {
				kept = b.c.life
				if a := kept.Aside; a != nil {
					c := *a
					kept.Aside = &c
				}
			}
			t.Logf("%d in %v: %.2f W, true %.3f, behind %.3f, shows %.3f, booked %.3f, %q %v %+v %v %q", event, in, watts, p.true-first, p.behind, p.shows, float64(l.booked)/wh, b.c.life.Fault, b.c.life.Aside, n, shown, e)
			if most := p.true - first + float64(2*events+4); float64(l.booked)/wh > most {
				t.Fatalf("booked %.3f Wh, at most %.3f flowed", float64(l.booked)/wh, most)
			}
		}
	})
}

func TestSizesAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Size{rapid.Uint64Range(1, maxSize).Draw(t, "num"), rapid.Uint64Range(1, maxSize).Draw(t, "den")}
		a, b := rapid.Uint64Range(0, 1<<62).Draw(t, "a"), rapid.Uint64Range(0, 1<<62).Draw(t, "b")
		ha, ra, oa := s.whole(a, 0)
		hb, rb, ob := s.whole(b, oa)
		h, r, o := s.whole(a+b, 0)
		sum := uint64(ra) + uint64(rb)
		if ha+hb+sum>>61 != h || int64(sum&(turn-1)) != r || ob != o {
			t.Fatalf("%d and %d steps of %v make %d:%d, together %d:%d", a, b, s, ha+hb, sum, h, r)
		}
	})
}
