package spool

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

func resuming(d Disk) Config {
	c := config(d, DropOldest)
	c.Resume = true
	return c
}

// rest is what a reader gets that goes on where the spool says it was.
func (x *script) rest() (list []uint64) {
	x.t.Helper()
	for at := x.s.Acked(); ; {
		seq, _, ok, err := x.s.Next(at, nil)
		if err != nil {
			x.t.Fatal(err)
		}
		if !ok {
			return list
		}
		list, at = append(list, seq), seq
	}
}

func TestWhatIsAcknowledgedIsNotSentAgainAfterARestart(t *testing.T) {
	for name, tc := range map[string]struct {
		acked []uint64 // a sync after each but the last
		crash bool
		want  uint64 // acknowledged, as the next process knows
	}{
		"nothing acknowledged":               {nil, false, 0},
		"all, and closed":                    {[]uint64{60}, false, 60},
		"some, and closed":                   {[]uint64{10, 33}, false, 33},
		"some, and a crash after a sync":     {[]uint64{33, 33}, true, 33},
		"more since the sync, and a crash":   {[]uint64{33, 50}, true, 33},
		"all in one segment, and it is kept": {[]uint64{59, 59}, true, 59},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk()
			x := start(t, resuming(d))
			x.append(60, 1)
			x.sync()
			for i, n := range tc.acked {
				x.ack(n)
				if i < len(tc.acked)-1 {
					x.sync()
				}
			}
			if tc.crash {
				d = d.crash(rand.New(rand.NewPCG(1, 2)))
			} else {
				x.close()
			}
			y := x.again(resuming(d))
			if got := y.s.Acked(); got != tc.want {
				t.Fatalf("acknowledged is %d, want %d", got, tc.want)
			}
			rest := y.rest() // less what whole segments took along
			if n := len(rest); n < 60-int(x.acked) || n > 60-int(tc.want) || n > 0 && rest[n-1] != 60 {
				t.Errorf("%v come again, want those from %d to 60", rest, tc.want+1)
			}
			if st := y.s.Stats(); int(st.Waiting) != len(rest) {
				t.Errorf("%d wait, and %d come", st.Waiting, len(rest))
			}
			y.append(5, 1)
			if got := y.rest(); len(got) != len(rest)+5 {
				t.Errorf("with five more, %v come", got)
			}
		})
	}
}

// The acknowledged number outlives frames that a crash takes; the numbers are
// given again, to frames that are not acknowledged.
func TestANumberGivenAgainIsNotAcknowledged(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for op := 1; ; op++ {
		r := rand.New(rand.NewPCG(seed, uint64(op)))
		d := newDisk()
		crashed := false
		d.fault = func(string, string) error {
			crashed = crashed || d.ops > op
			if crashed {
				return errCrashed
			}
			return nil
		}
		x := start(t, resuming(d))
		for range 8 {
			x.append(7, 1)
			last, _ := x.s.Last()
			x.ack(last - uint64(r.IntN(3)))
			x.sync()
			x.append(3, 1)
		}
		if !crashed {
			break
		}
		for turn := range 3 {
			d = d.crash(r)
			y := start(t, resuming(d))
			last, _ := y.s.Last()
			if a := y.s.Acked(); a > last || a > x.acked {
				t.Fatalf("crash at operation %d: %d is acknowledged, the last is %d, the truth %d", op, a, last, x.acked)
			}
			y.append(4, uint64(turn))
			rest := y.rest()
			if len(rest) < 4 || rest[len(rest)-4] != last+1 {
				t.Fatalf("crash at operation %d: of the new frames after %d come %v", op, last, rest)
			}
			y.sync()
		}
	}
}

func TestTheAcknowledgedNumberIsSavedAsOftenAsFramesAreSynced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		c := resuming(d)
		c.SyncEvery = 5 * time.Second
		x := start(t, c)
		x.append(100, 1)
		saves := 0
		d.mu.Lock()
		d.fault = func(op, name string) error {
			if op == "rename" && name == incarnationFile {
				saves++
			}
			return nil
		}
		d.mu.Unlock()
		for n := range uint64(60) { // seconds
			x.ack(n)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute) // nothing moves
		d.mu.Lock()
		files, n := d.files(), saves
		d.mu.Unlock()
		y := start(t, resuming(files))
		if got := y.s.Acked(); got != 59 || n < 10 || n > 13 {
			t.Errorf("acknowledged is %d, saved %d times", got, n)
		}
		if err := x.s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAnAcknowledgedNumberThatIsDamagedIsNone(t *testing.T) {
	d := newDisk()
	x := start(t, resuming(d))
	x.append(60, 1)
	x.ack(40)
	x.close()
	data := d.now["/spool/"+incarnationFile].data
	for at := range data[:len(data)-1] {
		c := d.files()
		c.now["/spool/"+incarnationFile].data[at] ^= 1
		y := x.again(resuming(c))
		if got := y.s.Acked(); got != 0 || y.s.Incarnation() < uint64(time.Now().Unix())-60 {
			t.Errorf("byte %d of %q is flipped: acknowledged %d, incarnation %d", at, data, got, y.s.Incarnation())
		}
	}
	c := d.files()
	c.now["/spool/"+incarnationFile].data = fmt.Appendf(nil, "7 %08x\n", 0)
	if y := x.again(resuming(c)); y.s.Acked() != 0 {
		t.Errorf("acknowledged %d", y.s.Acked())
	}
}
