package spool

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A script is a spool together with the truth about it.
type script struct {
	t       testing.TB
	s       *Spool
	sent    map[uint64][]byte
	kept    map[uint64]bool
	durable uint64 // synced up to
	acked   uint64
}

func testGap(first, last uint64, near []byte) []byte {
	return fmt.Appendf(nil, "gap %d %d", first, last)
}

func config(d Disk, p Policy) Config {
	return Config{Dir: "/spool", SegmentBytes: 1000, SyncEvery: -1, Policy: p, Gap: testGap, Disk: d}
}

func start(t testing.TB, c Config) *script {
	t.Helper()
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return &script{t: t, s: s, sent: map[uint64][]byte{}, kept: map[uint64]bool{}}
}

// again is the same truth over another opening of the spool.
func (x *script) again(c Config) *script {
	x.t.Helper()
	y := start(x.t, c)
	y.sent, y.kept, y.durable, y.acked = maps.Clone(x.sent), maps.Clone(x.kept), x.durable, x.acked
	return y
}

func payload(seq, salt uint64) []byte {
	r := rand.New(rand.NewPCG(seq, salt))
	b := make([]byte, r.IntN(150))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// append adds n frames; every tenth is a Keep one.
func (x *script) append(n int, salt uint64) {
	x.t.Helper()
	for range n {
		last, _ := x.s.Last()
		seq, class := last+1, Ordinary
		if seq%10 == 0 {
			class = Keep
		}
		x.sent[seq], x.kept[seq] = payload(seq, salt), class == Keep
		if err := x.s.Append(seq, class, x.sent[seq]); err != nil {
			x.t.Fatal(err)
		}
	}
}

func (x *script) sync() {
	if x.s.Sync() == nil {
		x.durable, _ = x.s.Last()
	}
}

func (x *script) ack(seq uint64) {
	x.s.Ack(seq)
	x.acked = max(x.acked, seq)
}

// what the queue holds, as it says itself.
type contents struct {
	frames map[uint64]bool
	gaps   [][2]uint64
	first  uint64
}

// check reads the spool from its oldest frame on. Every payload must be the one
// that was appended, and every number between the oldest and the newest a frame
// or in a gap.
func (x *script) check() contents {
	x.t.Helper()
	h := contents{frames: map[uint64]bool{}}
	var buf []byte
	var after uint64
	for {
		seq, p, ok, err := x.s.Next(after, buf)
		if err != nil {
			x.t.Fatalf("next after %d: %v", after, err)
		}
		if !ok {
			break
		}
		if seq <= after {
			x.t.Fatalf("next after %d is %d", after, seq)
		}
		first := seq
		var last uint64
		if n, _ := fmt.Sscanf(string(p), "gap %d %d", &first, &last); n == 2 {
			if last != seq {
				x.t.Fatalf("gap %q comes as number %d", p, seq)
			}
			h.gaps = append(h.gaps, [2]uint64{first, last})
		} else if want, sent := x.sent[seq]; !sent || !bytes.Equal(p, want) {
			x.t.Fatalf("number %d is %x, want %x", seq, p, want)
		} else {
			h.frames[seq] = true
		}
		if after == 0 {
			h.first = first
		} else if first > after+1 {
			x.t.Fatalf("number %d follows %d, and nothing stands for what is between", first, after)
		}
		after, buf = seq, p
	}
	if last, _ := x.s.Last(); after != 0 && after != last {
		x.t.Fatalf("reading ends at %d, the last number is %d", after, last)
	}
	return h
}

func (x *script) close() {
	x.t.Helper()
	if err := x.s.Close(); err != nil {
		x.t.Fatal(err)
	}
}

func TestFramesComeBackInOrderAndAfterARestart(t *testing.T) {
	c := config(nil, DropOldest)
	c.Dir = t.TempDir() + "/a/b"
	c.Disk = nil
	x := start(t, c)
	if last, ok := x.s.Last(); ok || last != 0 {
		t.Errorf("a new spool remembers %d", last)
	}
	x.append(100, 1)
	if h := x.check(); len(h.frames) != 100 || len(h.gaps) != 0 {
		t.Errorf("holds %d frames and gaps %v, want 100 frames", len(h.frames), h.gaps)
	}
	if _, err := Open(c); !errors.Is(err, ErrLocked) {
		t.Errorf("a second opening: %v, want %v", err, ErrLocked)
	}
	x.close()
	if err := x.s.Append(101, Ordinary, nil); err != ErrClosed {
		t.Errorf("append to a closed spool: %v", err)
	}
	y := x.again(c)
	y.append(50, 2)
	if h := y.check(); len(h.frames) != 150 || h.first != 1 {
		t.Errorf("holds %d frames from %d on, want 150 from 1", len(h.frames), h.first)
	}
	if a, b := x.s.Incarnation(), y.s.Incarnation(); b <= a || int64(a) < time.Now().Add(-time.Hour).Unix() {
		t.Errorf("incarnations %d, then %d", a, b)
	}
	y.close()
	if err := y.s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestSequenceIsContiguous(t *testing.T) {
	x := start(t, config(newDisk(), DropOldest))
	if err := x.s.Append(0, Ordinary, nil); !errors.Is(err, ErrSequence) {
		t.Errorf("append 0: %v", err)
	}
	if err := x.s.Append(7, Ordinary, []byte("a")); err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{1, 7, 9} {
		if err := x.s.Append(seq, Ordinary, nil); !errors.Is(err, ErrSequence) {
			t.Errorf("append %d after 7: %v", seq, err)
		}
	}
	if err := x.s.Append(8, Ordinary, make([]byte, MaxPayload+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("append of too much: %v", err)
	}
	if err := x.s.Append(8, Ordinary, make([]byte, MaxPayload)); err != nil {
		t.Errorf("append of the most there may be: %v", err)
	}
}

func TestAckDeletesWholeSegmentsAndTheLastNumberStays(t *testing.T) {
	d := newDisk()
	x := start(t, config(d, Thin))
	x.append(100, 1)
	x.sync()
	before := x.s.Stats()
	if before.Waiting != 100 || before.Bytes != before.Disk || before.Oldest < 0 {
		t.Errorf("before: %+v", before)
	}
	x.ack(50)
	st := x.s.Stats()
	if h := x.check(); h.first > 51 || h.first < 30 || st.Waiting != 50 || st.Bytes >= st.Disk || st.Disk >= before.Disk {
		t.Errorf("holds from %d on after 50 was acknowledged: %+v", h.first, st)
	}
	if seq, _, _, _ := x.s.Next(50, nil); seq != 51 {
		t.Errorf("after 50 comes %d", seq)
	}
	x.ack(1 << 60)
	if st := x.s.Stats(); st.Waiting != 0 || st.Bytes != 0 {
		t.Errorf("all acknowledged, yet %+v", st)
	}
	if seq, _, ok, _ := x.s.Next(100, nil); ok {
		t.Errorf("after all comes %d", seq)
	}
	x.close()
	y := x.again(config(d, Thin))
	if last, ok := y.s.Last(); !ok || last != 100 {
		t.Errorf("a restart remembers %d, %v; want 100", last, ok)
	}
	if n := y.s.Recovered().Segments; n != 1 {
		t.Errorf("%d segments are left, want 1", n)
	}
	y.append(20, 3)
	y.check()
}

func TestIncarnationGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		var last uint64
		for i, situation := range []string{"first start", "same second", "same second", "after a day", "file damaged", "file lost", "directory read-only"} {
			switch situation {
			case "after a day":
				time.Sleep(24 * time.Hour)
			case "file damaged":
				time.Sleep(time.Second * 10)
				d.now["/spool/incarnation"].data[0] ^= 1
			case "file lost":
				time.Sleep(time.Second)
				d = newDisk()
			case "directory read-only":
				time.Sleep(time.Second)
				d.fault = failing(errReadOnly, "create", "rename", "remove", "syncdir", "write", "truncate")
			}
			x := start(t, config(d, DropOldest))
			if got := x.s.Incarnation(); got <= last || int64(got) < time.Now().Unix() {
				t.Errorf("start %d, %s: %d after %d", i, situation, got, last)
			} else {
				last = got
			}
			if got, want := x.s.Degraded(), situation == "directory read-only"; got != want {
				t.Errorf("start %d, %s: degraded is %v", i, situation, got)
			}
			x.s.Close()
		}
	})
}

func TestOneWriterOneReader(t *testing.T) {
	c := config(nil, Thin)
	c.Dir, c.Disk, c.SyncEvery, c.MemoryBytes = t.TempDir(), nil, time.Millisecond, 4000
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	const n = 2000
	var wg sync.WaitGroup
	wg.Go(func() {
		for seq := uint64(1); seq <= n; seq++ {
			if err := s.Append(seq, Ordinary, payload(seq, 1)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	var after uint64
	var buf []byte
	for after < n && !t.Failed() {
		seq, p, ok, err := s.Next(after, buf)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			time.Sleep(10 * time.Microsecond)
			continue
		}
		if seq != after+1 || !bytes.Equal(p, payload(seq, 1)) {
			t.Fatalf("after %d comes %d: %x", after, seq, p)
		}
		after, buf = seq, p
		if seq%64 == 0 {
			s.Ack(seq - 32)
		}
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestConfigThatCannotBeMeant(t *testing.T) {
	for name, c := range map[string]Config{
		"no directory":   {},
		"unknown policy": {Dir: "/spool", Policy: 9, Disk: newDisk()},
		"no gaps":        {Dir: "/spool", Policy: Thin, Disk: newDisk()},
		"negative":       {Dir: "/spool", MaxBytes: -1, Disk: newDisk()},
	} {
		if _, err := Open(c); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}
