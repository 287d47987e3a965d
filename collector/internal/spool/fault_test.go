package spool

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// work is the scripted life of a spool: appends, syncs, acknowledgements,
// thinning and damage of all kinds.
func (x *script) work() {
	for i := range 12 {
		x.append(7, 1)
		if i%2 == 1 {
			x.sync()
		}
		if i == 5 || i == 9 {
			x.ack(uint64(i) * 3)
		}
	}
}

// whole checks what a spool must hold after a fault: everything that was synced
// and not acknowledged, save ordinary frames that gaps stand for.
func (x *script) whole(situation string) {
	x.t.Helper()
	h := x.check()
	last, _ := x.s.Last()
	if last < x.durable {
		x.t.Fatalf("%s: the last number is %d, and %d was durable", situation, last, x.durable)
	}
	if h.first > x.acked+1 && last > 0 {
		x.t.Fatalf("%s: begins at %d, acknowledged is %d", situation, h.first, x.acked)
	}
	for seq := x.acked + 1; seq <= x.durable; seq++ {
		if x.sent[seq] != nil && x.kept[seq] && !h.frames[seq] {
			x.t.Fatalf("%s: number %d was durable and to be kept; gaps %v", situation, seq, h.gaps)
		}
	}
	if x.s.c.MaxBytes > 1<<20 { // nothing is thinned
		for seq := x.acked + 1; seq <= x.durable; seq++ {
			if x.sent[seq] != nil && !h.frames[seq] {
				x.t.Fatalf("%s: number %d was durable; gaps %v", situation, seq, h.gaps)
			}
		}
	}
}

// forgive takes what was not durable and did not survive out of the truth.
func (x *script) forgive() {
	h := x.check()
	for seq := range x.sent {
		if seq > x.durable && !h.frames[seq] {
			delete(x.sent, seq)
		}
	}
}

func TestCrashAtEveryOperation(t *testing.T) {
	for name, bytes := range map[string]int64{"with room": 0, "thinning": 4000} {
		t.Run(name, func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			for op := 1; ; op++ {
				r := rand.New(rand.NewPCG(seed, uint64(op)))
				d := newDisk()
				crashed := false
				d.fault = func(string, string) error {
					if d.ops > op {
						crashed = true
						return errCrashed
					}
					return nil
				}
				c := config(d, Thin)
				c.MaxBytes = bytes
				x := start(t, c)
				before := x.s.Incarnation()
				x.work()
				if !crashed {
					t.Logf("%d operations", op-1)
					break
				}
				// What the process that crashed numbered and never made durable is numbered
				// again with other frames, so they must not come back.
				for turn := range 3 {
					situation := fmt.Sprintf("crash at operation %d, %d times", op, turn+1)
					d = d.crash(r)
					c.Disk = d
					x = x.again(c)
					x.whole(situation)
					x.forgive()
					if got := x.s.Incarnation(); got < before {
						t.Fatalf("%s: incarnation %d, once %d", situation, got, before)
					} else {
						before = got
					}
					x.append(5, uint64(100+turn))
					x.sync()
					x.append(2, uint64(200+turn))
					x.whole(situation + ", after appending")
					if x.s.Degraded() {
						t.Fatalf("%s: degraded", situation)
					}
				}
			}
		})
	}
}

// Whatever fails once, nothing that was appended is lost while the process
// lives, and a sync that reports success is one.
func TestOneFailureAtEveryOperation(t *testing.T) {
	for _, why := range []error{errIO, errFull, errReadOnly} {
		for op := 4; ; op++ { // past making, locking and listing the directory
			d := newDisk()
			failed := ""
			d.fault = func(what, name string) error {
				if d.ops == op {
					failed = what + " " + name
					return why
				}
				return nil
			}
			x := start(t, config(d, Thin))
			for i := range 60 {
				x.append(1, 1)
				if i%7 == 0 {
					x.sync()
				}
			}
			if failed == "" {
				break
			}
			situation := fmt.Sprintf("%v at operation %d, %s", why, op, failed)
			d.fault = nil
			x.sync()
			if x.durable != 60 || x.s.Degraded() {
				t.Fatalf("%s: durable up to %d, degraded is %v", situation, x.durable, x.s.Degraded())
			}
			if h := x.check(); len(h.frames) != 60 {
				t.Fatalf("%s: %d frames, gaps %v", situation, len(h.frames), h.gaps)
			}
			y := x.again(config(d.crash(rand.New(rand.NewPCG(uint64(op), 1))), Thin))
			if h := y.check(); len(h.frames) != 60 || y.s.Recovered().Lost != 0 {
				t.Fatalf("%s: %d frames after a crash, gaps %v", situation, len(h.frames), h.gaps)
			}
		}
	}
}

func TestFailedFsyncWritesTheFramesAgain(t *testing.T) {
	d := newDisk()
	c := config(d, Thin)
	c.SegmentBytes = 1 << 20
	x := start(t, c)
	x.append(5, 1)
	x.sync()
	x.append(5, 1)
	name := d.newest()
	d.fault = once(t, errIO, "sync")
	x.sync()
	if x.s.Degraded() || x.durable != 10 {
		t.Errorf("durable up to %d, degraded is %v", x.durable, x.s.Degraded())
	}
	if d.newest() == name {
		t.Error("the file whose sync failed is still written to")
	}
	d.now[name].synced = d.now[name].synced[:len(d.now[name].synced)/2] // its pages were lost, old and new
	d.now[name].data = d.now[name].synced
	if h := x.check(); !h.frames[6] || !h.frames[10] {
		t.Errorf("holds %v and gaps %v", h.frames, h.gaps)
	}
}

func TestDiskGoesAwayAndComesBack(t *testing.T) {
	for name, fault := range map[string]func(string, string) error{
		"full":        failing(errFull, "create", "write"),
		"read-only":   failing(errReadOnly, "create", "write", "rename", "remove", "truncate", "sync", "syncdir"),
		"dead":        failing(errIO, "create", "write", "rename", "remove", "truncate", "sync", "syncdir", "open", "read"),
		"never syncs": failing(errIO, "sync"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDisk()
				c := config(d, Thin)
				c.SyncEvery = 5 * time.Second
				x := start(t, c)
				defer x.s.Close()
				x.append(20, 1)
				time.Sleep(6 * time.Second)
				d.mu.Lock()
				d.fault = fault
				d.mu.Unlock()
				x.append(20, 1)
				time.Sleep(6 * time.Second)
				if st := x.s.Stats(); !st.Degraded || st.Waiting != 40 || st.Memory == 0 {
					t.Errorf("%+v", st)
				}
				if name != "dead" {
					if h := x.check(); len(h.frames) != 40 {
						t.Errorf("%d frames while degraded, gaps %v", len(h.frames), h.gaps)
					}
				}
				x.ack(25)
				x.append(1, 1)
				d.mu.Lock()
				d.fault = nil
				d.mu.Unlock()
				time.Sleep(6 * time.Second)
				if st := x.s.Stats(); st.Degraded || st.Memory != 0 {
					t.Errorf("after it came back: %+v", st)
				}
				x.acked = 0
				if h := x.check(); !h.frames[26] || !h.frames[41] {
					t.Errorf("holds %v and gaps %v", h.frames, h.gaps)
				}
				x.close()
				y := x.again(config(d, Thin))
				if h := y.check(); !h.frames[26] || !h.frames[41] {
					t.Errorf("after a restart: holds %v and gaps %v", h.frames, h.gaps)
				}
			})
		})
	}
}

func TestNoDirectoryAtAll(t *testing.T) {
	for _, p := range []Policy{DropOldest, Thin} {
		d := newDisk()
		d.fault = failing(errReadOnly, "mkdir", "create", "list")
		c := config(d, p)
		c.MemoryBytes = 2000
		x := start(t, c)
		if !x.s.Degraded() {
			t.Error("not degraded")
		}
		x.append(200, 1)
		h := x.check()
		st := x.s.Stats()
		if !h.frames[200] || st.Memory > 2000 || p == Thin && h.first != 1 || p == DropOldest && st.Dropped+st.Waiting != 200 || p == Thin && st.Thinned == 0 {
			t.Errorf("policy %d: from %d on, %d frames, gaps %v, %+v", p, h.first, len(h.frames), h.gaps, st)
		}
		if err := x.s.Close(); err == nil {
			t.Error("frames are lost, and Close does not say so")
		}
	}
}

func TestReadErrorDoesNotStopTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, d := filled(t, 60)
		y := x.again(config(d, Thin))
		fault := once(t, errIO, "read")
		d.fault = fault
		if _, _, _, err := y.s.Next(0, nil); err == nil {
			t.Fatal("no error")
		}
		if h := y.check(); len(h.frames) != 60 {
			t.Errorf("after one error %d frames, gaps %v", len(h.frames), h.gaps)
		}
		y.s.cur.reset()
		d.fault = func(op, name string) error {
			if op == "read" && name == fmt.Sprintf("%020d.spool", 1) {
				return errIO
			}
			return nil
		}
		for range 3 { // whoever asks again at once
			if _, _, _, err := y.s.Next(0, nil); err == nil {
				t.Fatal("no error")
			}
		}
		time.Sleep(better)
		if h := y.check(); len(h.gaps) != 1 || h.gaps[0][0] != 1 || len(h.frames)+int(h.gaps[0][1]) != 60 {
			t.Errorf("with an unreadable segment %d frames, gaps %v", len(h.frames), h.gaps)
		}
		z := y.again(config(d.files(), Thin))
		if h := z.check(); len(h.frames) != 60 {
			t.Errorf("on a disk that reads again %d frames, gaps %v", len(h.frames), h.gaps)
		}
	})
}

func TestSlowSyncHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		c := config(d, Thin)
		c.SyncEvery, c.MemoryBytes = 5*time.Second, 3000
		x := start(t, c)
		d.mu.Lock()
		d.slow = 30 * time.Second
		d.mu.Unlock()
		for range 300 {
			from := time.Now()
			x.append(1, 1)
			if took := time.Since(from); took != 0 {
				t.Fatalf("append took %v", took)
			}
			if st := x.s.Stats(); st.Memory > 3000 {
				t.Fatalf("%+v", st)
			}
			time.Sleep(time.Second)
		}
		if h := x.check(); len(h.frames) != 300 {
			t.Errorf("%d frames, gaps %v", len(h.frames), h.gaps)
		}
		x.close()
		t.Log(`soak: {"row":20,"injected":1}`)
	})
}

// After a rescue two files hold the same frames, if the failed sync reached the
// disk after all.
func TestFramesHeldTwice(t *testing.T) {
	d := newDisk()
	c := config(d, Thin)
	c.SegmentBytes = 1 << 20
	x := start(t, c)
	for range 5 {
		x.append(40, 1)
		d.fault = once(t, errIO, "sync")
		x.sync()
	}
	for _, room := range []int64{0, 15_000} {
		c := config(d.files(), Thin)
		c.MaxBytes = room
		y := x.again(c)
		if r := y.s.Recovered(); r.Frames != 200 || r.Lost != 0 {
			t.Errorf("%+v", r)
		}
		y.append(100, 1)
		y.sync()
		h := y.check()
		for seq := uint64(10); seq <= 300; seq += 10 {
			if !h.frames[seq] {
				t.Fatalf("number %d is gone; gaps %v", seq, h.gaps)
			}
		}
		if (len(h.gaps) != 0) != (room != 0) {
			t.Errorf("room for %d: gaps %v", room, h.gaps)
		}
	}
}

func TestWriteFailsDuringASync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		x := start(t, config(d, Thin))
		x.append(5, 1)
		d.slow = 30 * time.Second
		go x.s.Sync()
		time.Sleep(time.Second)
		d.mu.Lock()
		d.fault = failing(errIO, "write")
		d.mu.Unlock()
		x.append(5, 1)
		time.Sleep(time.Minute)
		if h := x.check(); len(h.frames) != 10 || !x.s.Degraded() {
			t.Errorf("%d frames, gaps %v", len(h.frames), h.gaps)
		}
		d.fault = nil
		x.sync()
		y := x.again(config(d.crash(rand.New(rand.NewPCG(1, 1))), Thin))
		if h := y.check(); len(h.frames) != 10 {
			t.Errorf("%d frames after a crash, gaps %v", len(h.frames), h.gaps)
		}
	})
}

// What a process was told it could not sync, the next one reads all the same: from the
// system's memory, of which no sync tells any more. It writes that again.
func TestWhatAnotherProcessCouldNotSyncIsWrittenAgain(t *testing.T) {
	for name, segment := range map[string]int64{"in one file": 1 << 20, "in two": 700} {
		t.Run(name, func(t *testing.T) {
			d := newDisk()
			c := config(d, Thin)
			c.SegmentBytes = segment
			x := start(t, c)
			x.append(20, 1)
			x.sync()
			x.append(5, 1)
			d.fault = failing(errIO, "sync")
			x.sync()
			if !x.s.Degraded() {
				t.Fatal("it takes no note of its disk")
			}
			last, _ := x.s.Last()
			left := maps.Clone(d.now)
			d.fault, d.held = nil, false // it is killed, and the disk has come to itself
			y := x.again(c)
			if h := y.check(); !h.frames[last] {
				t.Fatalf("the next process does not read number %d", last)
			}
			y.append(3, 1)
			d.fault = once(t, errIO, "create")
			if err := y.s.Sync(); err == nil {
				t.Error("a sync that could not write it again says nothing of it")
			}
			if err := y.s.Sync(); err != nil {
				t.Fatal(err)
			}
			for _, n := range left { // pages that were given up are not on disk
				n.data = n.synced
			}
			h := y.check()
			for seq := uint64(1); seq <= last+3; seq++ {
				if !h.frames[seq] {
					t.Errorf("number %d is gone; gaps %v", seq, h.gaps)
				}
			}
		})
	}
}
