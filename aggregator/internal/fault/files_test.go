package fault

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// An image is what a site left: the disk of its aggregator, its bus, and what all of it says.
type image struct {
	*run
	disk *device
	want map[string]string
}

// imageOf is a site of some hours, one of which was restated, as a machine that stopped left it.
func imageOf(t *testing.T) *image {
	o := options{Seed: 7, Hosts: 2, GPUs: 2, Interval: 30 * time.Second, Hours: 4}
	r := newRun(t, o)
	r.lane = newLane()
	steps := int(time.Hour / o.Interval)
	for i := range 5 * steps {
		if i == steps/2 {
			r.collectors[1].cut = 3 * steps // past the grace
		}
		r.live()
	}
	r.kill(false)
	x := &image{run: r, disk: r.device.kill()}
	var err error
	if x.want, err = x.says(x.disk.kill()); err != nil {
		t.Fatal(err)
	}
	if sum, err := ledger.CheckDisk(shelf{x.disk.kill()}); err != nil || sum.Hours < 2 || sum.Restatements == 0 {
		t.Fatalf("%v, %v", sum, err)
	}
	return x
}

// says starts an aggregator on a disk, lets it read what the bus has, and asks it everything. What
// it refuses to answer is an error's text.
func (x *image) says(d *device) (map[string]string, error) {
	x.device = d
	if err := x.start(); err != nil {
		return nil, err
	}
	x.deliver(1 << 30)
	x.reading.Hurry()
	synctest.Wait()
	x.said = nil
	if x.gone() {
		return nil, errors.New("the commit fails")
	}
	defer x.kill(false)
	l := x.ledger
	says := map[string]string{}
	first, end := x.began.UnixMilli(), time.Now().Truncate(time.Hour).UnixMilli()+3_600_000
	for h := first; h < end; h += 3_600_000 {
		for _, b := range []metric.Boundary{metric.GPUs, metric.Hosts, metric.Facility} {
			by := account.ByGPU
			if b != metric.GPUs {
				by = account.BySite
			}
			lines, err := l.Energy(account.Question{Site: siteName, By: by, Boundary: b, From: h, To: h + 3_600_000})
			key := fmt.Sprintf("%v at %v", b, time.UnixMilli(h).UTC())
			if err != nil {
				says[key] = "error"
				continue
			}
			for i := range lines {
				lines[i].Final = false // it may have to be sealed yet
			}
			says[key] = fmt.Sprint(lines)
		}
	}
	for _, b := range l.Balances(siteName) {
		says["account "+name(keyOf(&b.Device))] = fmt.Sprint(b.Counted, b.Estimated)
	}
	return says, nil
}

// verdicts count what damage does.
type verdicts struct{ tried, harmless, healed, refused, stopped, silent int }

func (v verdicts) String() string {
	return fmt.Sprintf("%d tried: %d harmless, %d noticed and healed, %d noticed and not answered from, %d did not start, %d silently wrong",
		v.tried, v.harmless, v.healed, v.refused, v.stopped, v.silent)
}

// judge damages a file, and says what came of it.
func (x *image) judge(t *testing.T, v *verdicts, file, what string, damage func([]byte) []byte) {
	d := x.disk.kill()
	f := d.names[file]
	was := slices.Clone(f.data)
	f.data = damage(f.data)
	f.synced = slices.Clone(f.data)
	if slices.Equal(f.data, was) {
		return
	}
	v.tried++
	_, check := ledger.CheckDisk(shelf{d.kill()})
	says, err := x.says(d)
	if err != nil {
		v.stopped++
		t.Errorf("%s %s: it does not start: %v", file, what, err)
		return
	}
	refused := false
	for _, key := range slices.Sorted(maps.Keys(x.want)) {
		switch got := says[key]; {
		case got == x.want[key]:
		case got == "error":
			refused = true
		default:
			v.silent++
			t.Errorf("%s %s: %s is %.200s, and was %.200s; check says %v", file, what, key, got, x.want[key], check)
			return
		}
	}
	switch {
	case refused && check == nil:
		v.silent++
		t.Errorf("%s %s: an hour is not answered, and check says nothing", file, what)
	case refused:
		v.refused++
	case check != nil:
		v.healed++
	default:
		v.harmless++
	}
}

// TestFilesOfTheLedgerCannotLie cuts every file of a ledger at its bytes and flips its bits. FAULT_FLIPS
// says how many, and FAULT_CUTS=1 that each file is cut at every byte.
func TestFilesOfTheLedgerCannotLie(t *testing.T) {
	flips, every := int(number("FAULT_FLIPS", 300)), number("FAULT_CUTS", 0) == 1
	seed := number("FAULT_SEED", uint64(time.Now().UnixNano()))
	t.Logf("FAULT_SEED=%d", seed)
	virtual(t, func(t *testing.T) {
		x := imageOf(t)
		rng := rand.New(rand.NewPCG(seed, 3))
		kinds := map[string]*verdicts{}
		of := func(file string) *verdicts {
			kind := "hour files"
			switch {
			case strings.Contains(file, "state."):
				kind = "slots of the state"
			case strings.HasSuffix(file, "leaves"):
				kind = "lines of the log"
			case strings.HasSuffix(file, "hashes"):
				kind = "hashes of the log"
			}
			if kinds[kind] == nil {
				kinds[kind] = &verdicts{}
			}
			return kinds[kind]
		}
		files := slices.DeleteFunc(slices.Sorted(maps.Keys(x.disk.names)), func(n string) bool { return strings.HasSuffix(n, ".tmp") })
		for _, file := range files {
			size := len(x.disk.names[file].data)
			step := 1 + size/20
			if every {
				step = 1
			}
			for n := 0; n < size && !t.Failed(); n += step {
				x.judge(t, of(file), file, fmt.Sprintf("cut to %d of %d bytes", n, size), func(b []byte) []byte { return b[:n] })
			}
		}
		cuts := told(t, 16, kinds, verdicts{})
		for range flips {
			file := pick(rng, files)
			bit := rng.IntN(8 * len(x.disk.names[file].data))
			x.judge(t, of(file), file, fmt.Sprintf("with bit %d flipped", bit), func(b []byte) []byte { b[bit/8] ^= 1 << (bit % 8); return b })
			if t.Failed() {
				break
			}
		}
		told(t, 17, kinds, cuts)
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			t.Logf("%-20s %v", kind, kinds[kind])
		}
	})
}

// TestADiskOfTheLedgerThatFails lets each operation of a commit that seals an hour fail once, and all
// of them: nothing is told that is not so, and what was read is read again.
func TestADiskOfTheLedgerThatFails(t *testing.T) {
	virtual(t, func(t *testing.T) {
		x := imageOf(t)
		tried, failed := 0, 0
		for _, why := range []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS} {
			for op := 0; ; op++ {
				d := x.disk.kill()
				hit := false
				d.fault = func(what, _ string) error {
					if what == "read" || what == "list" || d.ops <= op || hit && why == syscall.EIO {
						return nil
					}
					hit = true
					return why
				}
				_, err := x.says(d)
				if !hit {
					break
				}
				tried++
				if err != nil {
					failed++
				}
				after := x.device.kill()
				after.fault = nil
				says, err := x.says(after)
				if err != nil {
					t.Fatalf("%v at operation %d, and then it does not start: %v", why, op, err)
				}
				if !maps.Equal(says, x.want) {
					t.Fatalf("%v at operation %d: it does not say the same", why, op)
				}
			}
		}
		t.Logf(`soak: {"row":19,"injected":%d}`, tried)
		t.Logf("%d operations failed, %d of them ended the process; wrong afterwards: 0", tried, failed)
	})
}
