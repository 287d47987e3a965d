package spool

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"
)

// class of frame seq in a script of lives: many ordinary frames, and now and
// then a Turn, at times two in a row.
func lifeClass(seq uint64) Class {
	switch {
	case seq%37 == 1, seq%111 == 2:
		return Turn
	case seq%50 == 0:
		return Keep
	}
	return Ordinary
}

func (x *script) live(n int) {
	x.t.Helper()
	for range n {
		last, _ := x.s.Last()
		seq := last + 1
		x.sent[seq] = payload(seq, 1)
		if err := x.s.Append(seq, lifeClass(seq), x.sent[seq]); err != nil {
			x.t.Fatal(err)
		}
	}
}

// turns checks that the first and the last frame of every life up to last are
// there, and how many others are up to before.
func (x *script) turns(situation string, h contents, last, before uint64) (others int) {
	x.t.Helper()
	for seq := uint64(1); seq <= last; seq++ {
		of := lifeClass(seq) != Ordinary || seq < last && lifeClass(seq+1) == Turn
		if of && !h.frames[seq] {
			x.t.Fatalf("%s: number %d, class %d before class %d, is gone; gaps %v", situation, seq, lifeClass(seq), lifeClass(seq+1), h.gaps)
		}
		if !of && h.frames[seq] && seq <= before {
			others++
		}
	}
	return others
}

func TestTheFirstAndTheLastOfALifeSurviveThinning(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for range 20 {
		d := newDisk()
		c := config(d, Thin)
		c.SegmentBytes = int64(600 + r.IntN(1500)) // so that a turn lies at either end of a segment now and then
		c.MaxBytes = 45_000
		x := start(t, c)
		for range 200 {
			x.live(1 + r.IntN(20))
			x.sync()
			if r.IntN(20) == 0 { // another process goes on
				x.close()
				x = x.again(c)
			}
		}
		last, _ := x.s.Last()
		h := x.check()
		others := x.turns("on disk", h, last, last/2)
		if h.first != 1 || others > int(last/20) || x.s.Stats().Dropped != 0 {
			t.Errorf("begins at %d, %d others are held in the older half, %+v", h.first, others, x.s.Stats())
		}
		x.close()
	}
}

func TestTheFirstAndTheLastOfALifeSurviveInTheRing(t *testing.T) {
	for op := range 40 {
		d := newDisk()
		c := config(d, Thin)
		c.MemoryBytes = 20_000
		x := start(t, c)
		x.live(30 + op)
		x.sync()
		d.fault = failing(errIO, "write")
		x.live(500)
		last, _ := x.s.Last()
		x.turns("in the ring", x.check(), last, 0)
		if st := x.s.Stats(); st.Thinned == 0 || st.Memory > 20_000 {
			t.Errorf("%+v", st)
		}
		d.fault = nil
		x.sync()
		y := x.again(config(d.files(), Thin))
		y.turns("from the ring to disk", y.check(), last, 0)
	}
}

// ordinary adds n frames of one class only.
func (x *script) ordinary(n int) {
	x.t.Helper()
	for range n {
		last, _ := x.s.Last()
		x.sent[last+1] = payload(last+1, 1)
		if err := x.s.Append(last+1, Ordinary, x.sent[last+1]); err != nil {
			x.t.Fatal(err)
		}
	}
}

// What cannot be read ahead may begin with a Turn.
func TestTheFrameBeforeWhatCannotBeReadIsKept(t *testing.T) {
	d := newDisk()
	c := config(d, Thin)
	c.MaxBytes = 8000
	x := start(t, c)
	x.ordinary(60)
	x.sync()
	first, second := x.s.segs[0], x.s.segs[1]
	d.fault = func(op, name string) error {
		if op == "open" && "/spool/"+name == x.s.path(second.name) {
			return errIO
		}
		return nil
	}
	edge := first.last
	if err := x.s.thin(0, 1, false); err != nil {
		t.Fatal(err)
	}
	d.fault = nil
	if h := x.check(); !h.frames[edge] || len(h.gaps) != 1 || h.gaps[0] != [2]uint64{1, edge - 1} {
		t.Errorf("number %d is held: %t; gaps %v", edge, h.frames[edge], h.gaps)
	}
}

// Damage may have been a Turn: the frame before it may be the last of its life.
func TestTheFrameBeforeDamageIsKept(t *testing.T) {
	for name, damaged := range map[string]func(g *segment) uint64{
		"within a segment":          func(g *segment) uint64 { return (g.name + g.last) / 2 },
		"at a segment's end":        func(g *segment) uint64 { return g.last },
		"where the next one begins": func(g *segment) uint64 { return g.last + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk()
			c := config(d, Thin)
			c.MaxBytes = 20_000
			x := start(t, c)
			x.ordinary(60)
			x.sync()
			bad := damaged(x.s.segs[0])
			g := x.s.segs[x.s.holding(bad)]
			data := d.now[x.s.path(g.name)].data
			if at := bytes.Index(data, x.sent[bad]); bad > g.name && at > 0 {
				data[at] ^= 1
			} else { // it is as if it had never been there
				n, err := frameSize(data)
				if err != nil {
					t.Fatal(err)
				}
				g.size -= int64(n)
				d.now[x.s.path(g.name)].data = data[n:]
			}
			if err := x.s.thin(0, 1, false); err != nil {
				t.Fatal(err)
			}
			if h := x.check(); !h.frames[bad-1] || h.frames[bad-2] {
				t.Errorf("number %d before the damage is held: %t; gaps %v", bad-1, h.frames[bad-1], h.gaps)
			}
		})
	}
}
