package spool

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// filled is a disk with a closed spool of n frames in several segments.
func filled(t testing.TB, n int) (*script, *testDisk) {
	d := newDisk()
	x := start(t, config(d, Thin))
	x.append(n, 1)
	x.close()
	return x, d
}

// newest is the name of the segment written last.
func (d *testDisk) newest() (name string) {
	for n := range d.now {
		if _, ok := segmentName(n[len("/spool/"):]); ok && n > name {
			name = n
		}
	}
	return name
}

func TestNewestSegmentCutAtEveryByte(t *testing.T) {
	x, d := filled(t, 40)
	name := d.newest()
	first, _ := segmentName(name[len("/spool/"):])
	whole := d.now[name].data
	for size := range whole {
		c := d.files()
		c.now[name].data = bytes.Clone(whole[:size])
		left := first - 1 // how many frames survive in front of the cut
		for off := 0; ; left++ {
			n, err := frameSize(whole[off:])
			if err != nil || off+n > size {
				break
			}
			off += n
		}
		y := x.again(config(c, Thin))
		if last, ok := y.s.Last(); !ok || last != left {
			t.Fatalf("cut at %d: the last number is %d, want %d", size, last, left)
		}
		if h := y.check(); len(h.frames) != int(left) || len(h.gaps) != 0 {
			t.Fatalf("cut at %d: %d frames and gaps %v, want %d frames", size, len(h.frames), h.gaps, left)
		}
		y.append(3, 2)
		y.close()
		y = y.again(config(c, Thin))
		if r := y.s.Recovered(); r.Damaged != 0 || r.Cut != 0 {
			t.Fatalf("cut at %d: damage is still there after appending: %+v", size, r)
		}
		if h := y.check(); len(h.frames) != int(left)+3 || len(h.gaps) != 0 {
			t.Fatalf("cut at %d: %d frames and gaps %v after appending, want %d", size, len(h.frames), h.gaps, left+3)
		}
		y.close()
	}
}

func TestFlippedBitsAreFoundAndTheRestIsKept(t *testing.T) {
	x, d := filled(t, 60)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	var names []string
	for name := range d.now {
		if name != "/spool/incarnation" {
			names = append(names, name)
		}
	}
	flips := 10_000
	if testing.Short() {
		flips = 1000
	}
	for range flips {
		c := d.files()
		name := names[r.IntN(len(names))]
		data := c.now[name].data
		at := r.IntN(len(data))
		if r.IntN(2) == 0 {
			data[at] ^= 1 << r.IntN(8)
		} else {
			data[at] ^= byte(1 + r.IntN(255))
		}
		y := x.again(config(c, Thin))
		rec := y.s.Recovered()
		if rec.Damaged != 1 {
			t.Fatalf("byte %d of %s: %+v, want one damaged place", at, name, rec)
		}
		h := y.check() // no wrong payload, and whole
		last, _ := y.s.Last()
		if len(h.frames) != 59 || last == 60 && len(h.gaps) != 1 || last != 60 && (last != 59 || rec.Cut == 0) {
			t.Fatalf("byte %d of %s: %d frames, gaps %v, last %d, %+v", at, name, len(h.frames), h.gaps, last, rec)
		}
		y.append(2, 1)
		y.close()
		z := y.again(config(c, Thin))
		if h := z.check(); len(h.frames) != 59+2 {
			t.Fatalf("byte %d of %s: %d frames after appending two", at, name, len(h.frames))
		}
		z.close()
	}
}

func TestDamageWhileOpenBecomesAGap(t *testing.T) {
	d := newDisk()
	x := start(t, config(d, Thin))
	x.append(60, 1)
	x.sync()
	for name, n := range d.now {
		if _, ok := segmentName(name[len("/spool/"):]); ok {
			n.data[len(n.data)/2] ^= 0x10
		}
	}
	if h := x.check(); len(h.gaps) == 0 || len(h.frames)+len(h.gaps) != 60 {
		t.Errorf("%d frames and gaps %v of 60", len(h.frames), h.gaps)
	}
}

func TestJunkInTheDirectory(t *testing.T) {
	x, d := filled(t, 40)
	junk := bytes.Repeat([]byte{magic0, magic1, version, 0, 10, 0, 0, 0}, 200)
	for _, name := range []string{"00000000000000000007.spool.tmp", "core", "7.spool", "00000000000000000000.spool"} {
		d.now["/spool/"+name] = &inode{data: junk}
	}
	second := "/spool/" + fmt.Sprintf("%020d.spool", 7) // a name between others, and nothing right in it
	d.now[second] = &inode{data: junk}
	y := x.again(config(d, Thin))
	if h := y.check(); len(h.frames) != 40 || len(h.gaps) != 0 {
		t.Errorf("%d frames and gaps %v", len(h.frames), h.gaps)
	}
	if _, ok := d.now["/spool/00000000000000000007.spool.tmp"]; ok {
		t.Error("a half-written segment was left lying")
	}
	y.ack(40)
	if _, ok := d.now[second]; ok {
		t.Error("a segment of junk outlived the acknowledgement")
	}
}

func TestEmptyAndWhollyBadNewestSegment(t *testing.T) {
	for name, data := range map[string][]byte{"empty": nil, "zeros": make([]byte, 3000), "junk": bytes.Repeat(magic, 500)} {
		t.Run(name, func(t *testing.T) {
			x, d := filled(t, 40)
			d.now["/spool/"+fmt.Sprintf("%020d.spool", 41)] = &inode{data: data}
			y := x.again(config(d, Thin))
			if last, _ := y.s.Last(); last != 40 {
				t.Errorf("last is %d", last)
			}
			y.append(20, 2)
			y.close()
			z := y.again(config(d, Thin))
			if h := z.check(); len(h.frames) != 60 || len(h.gaps) != 0 || z.s.Recovered().Damaged != 0 {
				t.Errorf("%d frames, gaps %v", len(h.frames), h.gaps)
			}
		})
	}
}

// FuzzRecover opens a spool over any bytes: it must open, be whole, take frames,
// and be whole again.
func FuzzRecover(f *testing.F) {
	_, d := filled(f, 12)
	whole := d.now["/spool/"+fmt.Sprintf("%020d.spool", 1)].data
	f.Add(whole, whole, uint64(1), uint64(9))
	f.Add(whole[:len(whole)-3], []byte{}, uint64(1), uint64(13))
	g := frame{class: gap, first: 3, seq: 1 << 63, payload: []byte("gap")}
	f.Add(g.append(nil), whole, uint64(3), uint64(1<<63))
	f.Fuzz(func(t *testing.T, a, b []byte, first, second uint64) {
		d := newDisk()
		for name, data := range map[uint64][]byte{first: a, second: b} {
			if name != 0 && name != ^uint64(0) {
				d.now["/spool/"+fmt.Sprintf("%020d.spool", name)] = &inode{data: data}
			}
		}
		for range 2 {
			s, err := Open(config(d, Thin))
			if err != nil {
				t.Fatal(err)
			}
			var after uint64
			for n := 0; ; n++ {
				seq, _, ok, err := s.Next(after, nil)
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				if seq <= after || n > len(a)+len(b)+10 {
					t.Fatalf("next after %d is %d", after, seq)
				}
				after = seq
			}
			last, _ := s.Last()
			if after != last && s.Recovered().Frames > 0 {
				t.Fatalf("reading ends at %d, the last number is %d", after, last)
			}
			if last < ^uint64(0)-10 {
				if err := s.Append(last+1, Keep, []byte("x")); err != nil {
					t.Fatal(err)
				}
				if seq, p, ok, err := s.Next(last, nil); !ok || err != nil || seq != last+1 || string(p) != "x" {
					t.Fatalf("appended %d, got %d %q %v", last+1, seq, p, err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
