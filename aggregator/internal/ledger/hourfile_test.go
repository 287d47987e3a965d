package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// anHour is a sealed hour, or a restatement, with everything in it.
func anHour(late bool) *account.Hour { return hourThat(late, true) }

// hourThat is one with or without what boards showed to jobs.
func hourThat(late, shown bool) *account.Hour {
	h := &account.Hour{Site: "s1", Number: start / hourMs, Late: late, Simulated: true, Expected: 3, Seen: 2}
	for i := range 9000 { // more than two blocks
		d := account.Device{Kind: metric.GPU, Name: uuid(i), Metric: metric.GPUEnergyJoules, Quantity: account.GPUEnergy,
			Trait: account.Trait{Index: fmt.Sprint(i % 8), Model: "H200"}}
		if i >= 8990 {
			d = account.Device{Kind: metric.Meter, Name: fmt.Sprintf("ups-%d", i), Metric: metric.MeterEnergyJoules, Quantity: account.UPSOutput, Trait: account.Trait{Role: "ups_output"}}
		}
		h.Devices = append(h.Devices, d)
		r := account.Row{Device: uint32(i), Place: uint32(i % 2), Amount: uint64(i) * 1e6, Covered: uint32(i % hourMs), Expected: hourMs, Flags: account.Flags(i % 200)}
		if late && i%2 == 1 { // taken away
			r.Amount, r.Covered, r.Expected = -r.Amount, -r.Covered, 0
		}
		h.Rows = append(h.Rows, r)
		h.Summary.Sums[d.Quantity][metric.Measured] += r.Amount
		h.Summary.Amount[d.Quantity][i%60] += r.Amount
		h.Summary.Covered[d.Quantity][i%60] += uint64(r.Covered)
		h.Summary.Expected[d.Quantity][i%60] += uint64(r.Expected)
		h.Summary.Grams[i%60] = uint32(i)
	}
	h.Places = []account.Place{{Hall: "h1", Rack: "r1", Host: "n1"}, {Hall: "h1", Rack: "r2", Host: "n2"}}
	h.Hosts = []string{"n1", "n2"}
	h.Jobs = []account.Job{{Name: "17"}, {Name: "4711", Tenant: "physics"}, {Allocation: account.Unallocated}, {Allocation: account.Unattributed}, {Allocation: account.Beyond}}
	var boards [2]uint64
	for _, r := range h.Rows {
		if h.Devices[r.Device].Quantity == account.GPUEnergy {
			boards[r.Place] += r.Amount
		}
	}
	share := func(host, job uint32, gpu, more, held uint64) {
		r := account.JobRow{Host: host, Job: job, GPU: gpu, Node: gpu + more, Held: held}
		switch {
		case !shown:
		case job == 0:
			r.Means = [account.Gauges]account.Mean{{Sum: 812 * held / 1e6, Known: held / 1e6}, {}, {Sum: 700 * 5, Known: 5}}
		case job == 1 && late: // taken away
			r.Means[account.TensorActive] = account.Mean{Sum: ^uint64(6), Known: ^uint64(1)}
		}
		h.Shares = append(h.Shares, r)
		s := &h.Summary.Shares[h.Jobs[job].Allocation]
		s.GPU += gpu
		s.Node += gpu + more
	}
	for host, mj := range boards {
		share(uint32(host), 0, mj/3, 7, 12345678*1e6)
		share(uint32(host), 1, mj/7, ^uint64(4), 1234567890123)
		share(uint32(host), 2, 1, 0, 3600e9)
		share(uint32(host), 3, mj-mj/3-mj/7-1, 0, 0)
		share(uint32(host), 4, 0, mj+2, 0)
	}
	return h
}

func TestHourFileComesBackAsItWas(t *testing.T) {
	for _, late := range []bool{false, true} {
		h := anHour(late)
		b := appendHour(nil, h)
		back, err := readHour(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(h, back); d != "" {
			t.Errorf("late %t:\n%s", late, d)
		}
		if err := adds(back); err != nil {
			t.Error(err)
		}
		if !bytes.Equal(appendHour(nil, back), b) {
			t.Error("it is written otherwise the second time")
		}
		head, err := readHourHead(b[:min(headBytes, len(b))])
		if err != nil || head.Summary != h.Summary || head.Number != h.Number || head.Late != late {
			t.Errorf("the head alone: %v", err)
		}
		jobs, err := readJobs(b)
		if err != nil || jobs.Rows != nil {
			t.Errorf("the jobs alone: %d rows, %v", len(jobs.Rows), err)
		}
		want := *h
		want.Places, want.Devices, want.Rows = nil, nil, nil
		if d := cmp.Diff(&want, jobs); d != "" {
			t.Errorf("the jobs alone:\n%s", d)
		}
	}
}

// What boards show to jobs makes a file of a version of its own; an hour without is
// written as the program before wrote it.
func TestAnHourWithoutGaugesIsWrittenAsEver(t *testing.T) {
	for _, shown := range []bool{false, true} {
		h := hourThat(false, shown)
		b := appendHour(nil, h)
		if v := binary.LittleEndian.Uint16(b[4:]); v != 3 && !shown || v != 4 && shown {
			t.Errorf("shown %t: a file of version %d", shown, v)
		}
		back, err := readHour(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(h, back); d != "" {
			t.Error(d)
		}
	}
}

// A millijoule that is given to nobody, or twice, is found.
func TestJobsThatDoNotAddUpAreFound(t *testing.T) {
	for name, change := range map[string]func(h *account.Hour){
		"a board's":             func(h *account.Hour) { h.Shares[1].GPU++; h.Summary.Shares[account.Allocated].GPU++ },
		"a host's":              func(h *account.Hour) { h.Shares[1].Node--; h.Summary.Shares[account.Allocated].Node-- },
		"of another host":       func(h *account.Hour) { h.Shares[0].Host = 1 },
		"that is called beyond": func(h *account.Hour) { h.Jobs[2].Allocation = account.Beyond },
		"the sum's":             func(h *account.Hour) { h.Summary.Shares[account.Unattributed].GPU-- },
	} {
		h := anHour(false)
		if err := adds(h); err != nil {
			t.Fatal(err)
		}
		if change(h); adds(h) == nil {
			t.Errorf("%s is not found", name)
		}
	}
}

func TestHourFileThatWasChangedIsNeverRead(t *testing.T) {
	b := appendHour(nil, anHour(false))
	rng := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		x := bytes.Clone(b)
		x[rng.IntN(len(x))] ^= 1 << rng.IntN(8)
		if _, err := readHour(x); err == nil {
			t.Fatal("a changed bit is not found")
		}
		if _, err := readHour(b[:rng.IntN(len(b))]); !errors.Is(err, errHour) {
			t.Fatalf("a file that is cut: %v", err)
		}
	}
}

func TestUUIDsKeepTheirSpelling(t *testing.T) {
	for s, packed := range map[string]bool{
		"GPU-1b2c3d4e-5f60-7182-93a4-b5c6d7e8f901":  true,
		"GPU-1B2C3D4E-5f60-7182-93a4-b5c6d7e8f901":  false,
		"GPU-1b2c3d4e-5f60-7182-93a4-b5c6d7e8f9":    false,
		"MIG-1b2c3d4e-5f60-7182-93a4-b5c6d7e8f901":  false,
		"GPU-1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90g":  false,
		"GPU-1b2c3d4e-5f60-7182-93a4-b5c6d7e8f9012": false,
	} {
		id, ok := packUUID(s)
		if ok != packed || ok && spellUUID(id) != s {
			t.Errorf("%s: packed %t, spelt %s", s, ok, spellUUID(id))
		}
	}
}

func FuzzHourFile(f *testing.F) {
	f.Add(appendHour(nil, &account.Hour{Site: "s1", Number: 1}))
	small := anHour(true)
	small.Devices, small.Rows = small.Devices[:3], small.Rows[:3]
	f.Add(appendHour(nil, small))
	small = anHour(false)
	small.Devices, small.Rows, small.Places = nil, nil, nil
	f.Add(appendHour(nil, small))
	old, err := filepath.Glob("testdata/v?/ledger/s1/hours/*.hour")
	if err != nil || len(old) < 9 {
		f.Fatal("no files of the versions before", err)
	}
	for _, name := range old {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := readHour(b)
		if err != nil {
			return
		}
		_ = adds(h)
		again, err := readHour(appendHour(nil, h))
		if err != nil {
			t.Fatalf("what was read is written so that it cannot be read: %v", err)
		}
		if d := cmp.Diff(h, again); d != "" {
			t.Fatal(d)
		}
	})
}

func FuzzLeaf(f *testing.F) {
	l := leafOf(anHour(false), [32]byte{1}, "-")
	f.Add(l.String())
	l.what, l.method = leafEnergy1, "1"
	f.Add(l.String())
	f.Fuzz(func(t *testing.T, line string) {
		l, err := parseLeaf(line)
		if err == nil && l.String() != line {
			t.Fatalf("%q is written %q", line, l.String())
		}
	})
}

func FuzzSlot(f *testing.F) {
	s := snapshot{generation: 7, stream: "L/1", sequence: 9, logs: []logMark{{site: "s1", leaves: 3, pending: []int64{2}}}}
	whole := s.append(nil, account.NewState(account.Config{}).Append)
	f.Add(whole)
	f.Fuzz(func(t *testing.T, body []byte) {
		if s, err := readSnapshot(withSum(body)); err == nil {
			_, _ = account.Decode(s.state, account.Config{})
		}
	})
}
