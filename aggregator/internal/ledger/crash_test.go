package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// tick records, reads and commits once, without faults.
func tick(t testing.TB, w *world, b *books) {
	t.Helper()
	w.spend(10 * second)
	for _, h := range w.hosts {
		if h.down > 0 {
			h.down--
			continue
		}
		w.record(h)
		for _, x := range h.spool {
			w.publish(x)
		}
	}
	for b.read(w) {
	}
	if _, err := b.Commit(time.UnixMilli(w.now)); err != nil {
		t.Fatal(err)
	}
	for _, h := range w.hosts {
		if d, ok := b.Durable("s1", h.name); ok {
			h.acknowledge(d.Sequence)
		}
	}
}

// clone is a copy of the disk as it is.
func (m *memory) clone() *memory {
	n := newMemory(m.rng)
	for name, f := range m.files {
		x := &inode{slices.Clone(f.data), slices.Clone(f.synced)}
		n.files[name] = x
		if m.stored[name] == f {
			n.stored[name] = x
		}
	}
	for name, f := range m.stored {
		if m.files[name] != f {
			n.stored[name] = &inode{slices.Clone(f.data), slices.Clone(f.synced)}
		}
	}
	return n
}

// The power goes at every single step of the commit that seals an hour, wholly
// and in part, several times, for what is not synced survives by chance: the hour
// is sealed once, to the same bytes, and the books are in order.
func TestPowerCutAtEveryStepOfSealing(t *testing.T) {
	w := newWorld(3, 2, 2)
	d := newMemory(w.rng)
	b := openBooks(t, w, d)
	for w.now+10*second < start+600*second {
		tick(t, w, b)
	}
	before := b.disk.clone()
	position := b.at
	tick(t, w, b) // reads past the hour, and seals it
	want := sealed(b.disk)
	if len(want) != 1 {
		t.Fatalf("sealed %v", want)
	}
	steps := 0
	for cut := 0; ; cut++ {
		done := false
		for try := range 8 {
			d := before.clone()
			x := openBooks(t, w, d)
			x.at = position
			for x.read(w) {
			}
			d.left, d.torn = cut, try%2 == 1
			_, err := x.Commit(time.UnixMilli(w.now))
			if err == nil {
				done = true
				break
			}
			if !errors.Is(err, errCrash) {
				t.Fatalf("step %d: %v", cut, err)
			}
			if again, err := x.Commit(time.UnixMilli(w.now)); err == nil || again != nil {
				t.Fatalf("step %d: it goes on as if nothing had been", cut)
			}
			d = d.restart()
			y := openBooks(t, w, d)
			if _, err := check(d); err != nil {
				t.Errorf("step %d, try %d: %v", cut, try, err)
			}
			for y.read(w) {
			}
			if _, err := y.Commit(time.UnixMilli(w.now)); err != nil {
				t.Fatal(err)
			}
			if _, err := check(d); err != nil {
				t.Errorf("step %d, try %d, and the commit after: %v", cut, try, err)
			}
			if got := sealed(d); len(got) != 1 || got[0] != want[0] {
				t.Errorf("step %d, try %d: sealed %v, want %v", cut, try, got, want)
			}
			w.verify(t, y, true)
		}
		if done {
			break
		}
		steps++
	}
	if steps < 12 {
		t.Errorf("the commit took %d steps: some are not seen", steps)
	}
}

// The process is killed at every single step of the commit that seals an hour, and
// started again; then the power goes, before or after its first commit. What it said
// to be durable in between is there: agents have forgotten it.
func TestPowerCutAfterAKillAtEveryStepOfSealing(t *testing.T) {
	for _, first := range []bool{true, false} {
		w := newWorld(6, 3, 2)
		b := openBooks(t, w, newMemory(w.rng))
		end := int64(600 * second)
		if !first { // another hour of the same log
			end += 3600 * second
		}
		for w.now+10*second < start+end {
			tick(t, w, b)
		}
		before, position := b.disk.clone(), b.at
		tick(t, w, b)
		for cut := 0; ; cut++ {
			done := false
			for try := range 8 {
				d := before.clone()
				x := openBooks(t, w, d)
				x.at = position
				for x.read(w) {
				}
				d.left = cut
				if _, err := x.Commit(time.UnixMilli(w.now)); err == nil {
					done = true
					break
				}
				d.left = -1 // the kernel has all of it
				y := openBooks(t, w, d)
				if try%2 == 1 {
					if _, err := y.Commit(time.UnixMilli(w.now)); err != nil {
						t.Fatal(err)
					}
				}
				said, leaves := map[string]uint64{}, len(sealed(d))
				for _, h := range w.hosts {
					if m, ok := y.Durable("s1", h.name); ok {
						said[h.name] = m.Sequence
					}
				}
				d = d.restart()
				z := openBooks(t, w, d)
				for _, h := range w.hosts {
					if m, _ := z.Durable("s1", h.name); m.Sequence < said[h.name] {
						t.Errorf("killed at step %d, try %d: record %d of %s was said to be durable, and %d is", cut, try, said[h.name], h.name, m.Sequence)
					}
				}
				if n := len(sealed(d)); n < leaves {
					t.Errorf("killed at step %d, try %d: the log had %d leaves, and has %d", cut, try, leaves, n)
				}
				if _, err := check(d); err != nil {
					t.Errorf("killed at step %d, try %d: %v", cut, try, err)
				}
				for z.read(w) {
				}
				if _, err := z.Commit(time.UnixMilli(w.now)); err != nil {
					t.Fatal(err)
				}
				w.verify(t, z, true)
			}
			if done {
				break
			}
		}
	}
}

// sealed are the sealed files with their content's leaf.
func sealed(d *memory) (out []string) {
	b, _ := d.ReadFile(logDir("s1") + "/leaves")
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

// Every bit of the newer slot is found out, or the slot cut at any length, and
// the older one serves.
func TestDamageToASlotIsNeverSilent(t *testing.T) {
	w := newWorld(4, 1, 2)
	b := openBooks(t, w, newMemory(w.rng))
	for range 30 {
		tick(t, w, b)
	}
	want := b.state.Append(nil)
	name := ledgerDir + "/" + slotName(b.slot)
	size := len(b.disk.files[name].data)
	spoil := func(what string, f func([]byte) []byte) {
		d := b.disk.clone()
		d.files[name].data = f(d.files[name].data)
		if _, err := check(d); err == nil || !strings.Contains(err.Error(), name) {
			t.Fatalf("%s: check says %v", what, err)
		}
		x := openBooks(t, w, d)
		if x.generation != b.generation-1 {
			t.Fatalf("%s: it goes on from generation %d of %d", what, x.generation, b.generation)
		}
		for x.read(w) {
		}
		if got := x.state.Append(nil); string(got) != string(want) {
			t.Fatalf("%s: the books are not the same", what)
		}
		if _, err := x.Commit(time.UnixMilli(w.now)); err != nil {
			t.Fatal(err)
		}
		if _, err := check(d); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for i := range 10 * size {
		if i%(size/40) == 0 || testing.Verbose() && i < 8*size {
			spoil(fmt.Sprintf("bit %d", i), func(b []byte) []byte { b[i/8%size] ^= 1 << (i % 8); return b })
		}
	}
	for n := 0; n < size; n += 1 + size/50 {
		spoil(fmt.Sprintf("cut to %d", n), func(b []byte) []byte { return b[:n] })
	}
	newer := func(b []byte) []byte { b[4]++; return resum(b) }
	d := b.disk.clone()
	d.files[name].data = newer(d.files[name].data)
	if _, err := open(config(), d); !errors.Is(err, errSlotVersion) {
		t.Errorf("a slot of a newer program: %v", err)
	}
}

// Every sealed file, and every file of the log, is held to the tree: the entry
// that was changed is named.
func TestCheckNamesWhatWasChanged(t *testing.T) {
	w := newWorld(5, 2, 2)
	b := openBooks(t, w, newMemory(w.rng))
	for range 6 * 60 * 3 {
		tick(t, w, b)
	}
	rng := rand.New(rand.NewPCG(5, 5))
	tested := 0
	for name := range b.disk.files {
		if !strings.HasSuffix(name, ".hour") && !strings.Contains(name, "/log/") {
			continue
		}
		for range 60 {
			d := b.disk.clone()
			f := d.files[name]
			switch rng.IntN(10) {
			case 0:
				f.data = f.data[:rng.IntN(len(f.data))]
			case 1:
				f.data = append(f.data, 0)
			default:
				f.data[rng.IntN(len(f.data))] ^= 1 << rng.IntN(8)
			}
			if slices.Equal(f.data, b.disk.files[name].data) {
				continue
			}
			_, err := check(d)
			cut := strings.HasSuffix(name, "hashes") && len(f.data) < len(b.disk.files[name].data) // follows from the lines
			stray := strings.HasSuffix(name, "leaves") && f.data[len(f.data)-1] == 0               // a line without its end
			if err == nil && !cut && !stray {
				t.Fatalf("%s was changed, and nothing is said", name)
			}
			if err != nil && strings.HasSuffix(name, ".hour") && !strings.Contains(err.Error(), name) {
				t.Errorf("%s was changed, and check says %v", name, err)
			}
			tested++
		}
		d := b.disk.clone()
		delete(d.files, name)
		if _, err := check(d); err == nil && !strings.HasSuffix(name, "hashes") {
			t.Errorf("%s is gone, and nothing is said", name)
		}
	}
	if tested < 200 {
		t.Errorf("%d changes tried", tested)
	}
	d := b.disk.clone()
	d.files[hoursDir("s1")+"/2020-01-01T00Z.hour"] = &inode{}
	if _, err := check(d); err == nil || !strings.Contains(err.Error(), "2020-01-01T00Z") {
		t.Errorf("a file without a leaf: %v", err)
	}
	for i := range 2 {
		delete(d.files, ledgerDir+"/"+slotName(i))
	}
	if _, err := check(d); err == nil {
		t.Error("the state is gone, and nothing is said")
	}
}

// Both slots are lost: what is sealed stands, nothing is booked into it again,
// and the books go on.
func TestBothSlotsLost(t *testing.T) {
	w := newWorld(6, 2, 2)
	b := openBooks(t, w, newMemory(w.rng))
	for range 6 * 100 {
		tick(t, w, b)
	}
	q := account.Question{Site: "s1", By: account.ByGPU, Boundary: metric.GPUs, From: start - 50*60*second, To: start + 70*60*second}
	before, err := b.Energy(q)
	if err != nil {
		t.Fatal(err)
	}
	d := b.disk.clone()
	for i := range 2 {
		d.files[ledgerDir+"/"+slotName(i)].data[20] ^= 1
	}
	b = openBooks(t, w, d)
	b.at = 100 // what the bus still has
	for range 6 * 100 {
		tick(t, w, b)
	}
	if _, err := check(d); err != nil {
		t.Error(err)
	}
	after, err := b.Energy(q)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("sealed hours were\n%v and are\n%v", before, after)
	}
	if b.state.Discarded("s1") == (account.Wide{}) {
		t.Error("what was read again was not discarded")
	}
	all, err := b.Energy(account.Question{Site: "s1", Boundary: metric.GPUs, From: 0, To: start + 1000*60*60*second - start%(3600*second) - 3600*second})
	if err != nil {
		t.Fatal(err)
	}
	var most uint64
	for _, h := range w.hosts {
		for _, x := range h.boards {
			most += x.truth
		}
	}
	if got, _ := all[0].Energy.Total(); got > most || got < most*9/10 {
		t.Errorf("booked %d mJ of %d", got, most)
	}
}
