package spool

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestThinningKeepsWhatMustBeKept(t *testing.T) {
	d := newDisk()
	c := config(d, Thin)
	c.MaxBytes = 40_000
	x := start(t, c)
	for range 100 {
		x.append(20, 1)
		x.sync()
		if st := x.s.Stats(); st.Disk > 41_000 {
			t.Fatalf("%+v", st)
		}
	}
	see := func(x *script) {
		t.Helper()
		h := x.check()
		for seq := uint64(10); seq <= 2000; seq += 10 {
			if !h.frames[seq] {
				t.Fatalf("number %d was to be kept; gaps %v", seq, h.gaps)
			}
		}
		if h.first != 1 {
			t.Errorf("begins at %d", h.first)
		}
		var gone uint64
		for _, g := range h.gaps {
			gone += g[1] - g[0] + 1
		}
		if st := x.s.Stats(); gone+uint64(len(h.frames)) != 2000 || gone == 0 || st.Thinned != 0 && st.Thinned != gone || st.Dropped != 0 {
			t.Errorf("%d numbers in gaps, %d frames, %+v", gone, len(h.frames), st)
		}
		for seq := uint64(1950); seq <= 2000; seq++ {
			if !h.frames[seq] {
				t.Errorf("number %d is gone, and it is the newest that should stay", seq)
			}
		}
	}
	see(x)
	x.close()
	see(x.again(c))
}

func TestKeepFramesGoWhenNothingElseIsLeft(t *testing.T) {
	c := config(newDisk(), Thin)
	c.MaxBytes = 8000
	x := start(t, c)
	for range 1000 {
		last, _ := x.s.Last()
		x.sent[last+1] = payload(last+1, 1)
		if err := x.s.Append(last+1, Keep, x.sent[last+1]); err != nil {
			t.Fatal(err)
		}
		if last%10 == 9 {
			x.sync()
		}
	}
	h := x.check()
	if st := x.s.Stats(); h.first != 1 || len(h.gaps) != 1 || st.Dropped != h.gaps[0][1] || st.Disk > 10_000 {
		t.Errorf("from %d on, gaps %v, %+v", h.first, h.gaps, st)
	}
}

func TestDropOldestKeepsTheNewest(t *testing.T) {
	c := config(newDisk(), DropOldest)
	c.MaxBytes = 8000
	x := start(t, c)
	x.append(500, 1)
	h := x.check()
	if st := x.s.Stats(); st.Disk > 8000 || st.Dropped+st.Waiting != 500 || st.Waiting != uint64(len(h.frames)) || len(h.gaps) != 0 || len(h.frames) < 40 {
		t.Errorf("%d frames, gaps %v, %+v", len(h.frames), h.gaps, st)
	}
}

func TestFullDiskEvictsTheOldest(t *testing.T) {
	d := newDisk()
	x := start(t, config(d, DropOldest))
	x.append(100, 1)
	x.sync()
	before := x.s.Stats()
	d.fault = func(op, name string) error {
		if size := 0; op == "write" {
			for _, n := range d.now {
				size += len(n.data)
			}
			if size > int(before.Disk) {
				return errFull
			}
		}
		return nil
	}
	x.append(100, 1)
	h := x.check()
	if st := x.s.Stats(); st.Degraded || !h.frames[200] || st.Dropped == 0 || st.Dropped+st.Waiting != 200 {
		t.Errorf("%d frames, gaps %v, %+v", len(h.frames), h.gaps, st)
	}
}

func TestAgeBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, p := range []Policy{DropOldest, Thin} {
			c := config(newDisk(), p)
			c.MaxAge, c.SegmentBytes, c.SyncEvery = time.Minute, 1<<20, time.Second
			x := start(t, c)
			for range 200 {
				x.append(1, 1)
				time.Sleep(time.Second)
			}
			h := x.check()
			st := x.s.Stats()
			oldest := uint64(1)
			for !h.frames[oldest] || oldest%10 == 0 {
				oldest++
			}
			if age := 200 - oldest; age < 60 || age > 60+9 {
				t.Errorf("policy %d: oldest ordinary frame is %d s old, want 60 to 69", p, age)
			}
			if p == DropOldest && (h.first != oldest || st.Dropped != oldest-1 || st.Oldest > 70*time.Second) {
				t.Errorf("dropping: begins at %d, %+v", h.first, st)
			}
			if p == Thin && (h.first != 1 || !h.frames[10] || st.Thinned == 0 || st.Dropped != 0) {
				t.Errorf("thinning: begins at %d, gaps %v, %+v", h.first, h.gaps, st)
			}
			x.close()
		}
	})
}

func TestRingThinsToo(t *testing.T) {
	d := newDisk()
	c := config(d, Thin)
	c.MemoryBytes = 10_000
	x := start(t, c)
	x.append(30, 1)
	x.sync()
	d.fault = failing(errIO, "write")
	x.append(500, 1)
	st := x.s.Stats()
	if h := x.check(); h.first != 1 || !h.frames[500] || !st.Degraded || st.Memory > 10_000 || st.Thinned == 0 {
		t.Errorf("from %d on, gaps %v, %+v", h.first, h.gaps, st)
	}
	d.fault = nil
	x.sync()
	h := x.check()
	y := x.again(config(d.files(), Thin))
	if g := y.check(); len(g.frames) != len(h.frames) || len(g.gaps) != len(h.gaps) || y.s.Recovered().Lost != 0 {
		t.Errorf("on disk %d frames and %d gaps, in memory it was %d and %d", len(g.frames), len(g.gaps), len(h.frames), len(h.gaps))
	}
}

// With what the far end acknowledges in the meantime nothing piles up.
func TestDroppedCountsOnlyWhatWasNotAcknowledged(t *testing.T) {
	c := config(newDisk(), DropOldest)
	c.MaxBytes = 8000
	x := start(t, c)
	for range 500 {
		x.append(1, 1)
		last, _ := x.s.Last()
		x.ack(last)
	}
	if st := x.s.Stats(); st.Dropped != 0 || st.Disk > 2000 {
		t.Errorf("%+v", st)
	}
}

// A crash after thinning may bring back a segment that was joined to another.
func TestJoinedSegmentComesBack(t *testing.T) {
	d := newDisk()
	c := config(d, Thin)
	c.MaxBytes = 30_000
	x := start(t, c)
	seen := map[string]*inode{}
	for range 40 {
		x.append(20, 1)
		x.sync()
		for name, n := range d.files().now {
			if seen[name] == nil {
				seen[name] = n
			}
		}
	}
	x.close()
	back := 0
	for name, n := range seen {
		if d.now[name] == nil && len(n.data) > 0 {
			d.now[name] = n
			back++
		}
	}
	y := x.again(c)
	r := y.s.Recovered()
	y.append(200, 1)
	y.sync()
	h := y.check()
	for seq := uint64(10); seq <= 1000; seq += 10 {
		if !h.frames[seq] {
			t.Fatalf("number %d was to be kept; gaps %v", seq, h.gaps)
		}
	}
	if back == 0 || r.Lost != 0 || y.s.Stats().Disk > 31_000 {
		t.Errorf("%d segments came back, %+v, %+v", back, r, y.s.Stats())
	}
}
