package sim

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What restarts take from the accountant is not lost to the truth: its counters
// sum to the books, which no restart touches.
func TestTruthLosesNothingToRestarts(t *testing.T) {
	w := newWorld(t, Config{Hosts: 16, Seed: 9, Faults: Faults{Every: 5 * time.Second, Only: []Fault{LostGPU, DeadHost, UncorrectedECC, RemapFailed, MeterReset, HungMeter}}})
	for i := range w.Agents() {
		w.Ledger(i, nil)
	}
	was := w.books
	restarts := int64(0)
	for i := range 3600 {
		w.Step(morning.Add(time.Duration(i+1) * time.Second))
		if i%10 == 0 {
			for n := range w.Agents() {
				w.Ledger(n, nil)
			}
		}
		if i%600 != 599 {
			continue
		}
		truth := w.Truth()
		var gpus, nodes, cpus, pdus int64
		for _, g := range truth.GPU {
			gpus += g.Energy
			restarts += g.Epochs - 1
		}
		for _, h := range truth.Host {
			if h.Source == "bmc" {
				nodes += h.Energy
			} else {
				cpus += h.Energy
			}
		}
		for _, m := range truth.Meter {
			if m.Role == "pdu_output" {
				pdus += m.Amount
			}
		}
		b := &w.books
		want := [...]int64{b.gpus - was.gpus, b.node - was.node, b.cpu - was.cpu, b.pdu - was.pdu}
		if d := cmp.Diff(want, [...]int64{gpus, nodes, cpus, pdus}); d != "" {
			t.Fatalf("boards, nodes, processors, PDUs (-books +counters):\n%s", d)
		}
	}
	if restarts < 50 {
		t.Errorf("only %d restarts: the test proves little", restarts)
	}
}

func TestTruthIsJSONWithExactIntegers(t *testing.T) {
	w := newWorld(t, Config{Hosts: 1, Seed: 1<<63 + 1})
	w.Ledger(0, nil)
	w.Step(morning.Add(time.Minute))
	truth := w.Truth()
	b, err := json.Marshal(truth)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"seed":"9223372036854775809"`, `"simulated":true`, `"energy_mj":"`, `"observed_mj":"0"`, `"facility_mj":"`, `"start":"2026-06-17T08:00:00Z"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
	var back Truth
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(truth, back); d != "" {
		t.Error(d)
	}
}
