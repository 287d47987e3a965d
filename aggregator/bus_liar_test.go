package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// counting is a record of the ledger lane of an agent, of a host with one board.
func counting(t *testing.T, name, host string, at time.Time, sequence uint64, millijoules int64) []byte {
	t.Helper()
	layout := &metric.Layout{
		Entities: append(metric.Place{Host: host}.Entities(), metric.Entity{Kind: metric.GPU, Name: "GPU-" + host, Parent: 0}),
		Columns: []metric.Column{
			{Metric: metric.GPUEnergyJoules, Form: metric.Int, First: 1, Count: 1},
			{Metric: metric.CounterEpoch, Point: metric.EpochPoint(metric.GPUEnergyJoules, 0), Form: metric.Int, First: 1, Count: 1},
		},
	}
	compiled, err := wire.Compile(layout)
	if err != nil {
		t.Fatal(err)
	}
	x := &metric.Batch{
		Site: "s1", Agent: name, Lane: metric.Ledger, Incarnation: 1, Sequence: sequence, Time: at.UnixMilli(), Boottime: 1e15 + at.UnixNano(), Ticks: 1,
		Layout: layout, Values: []metric.Raw{metric.Raw(millijoules), 1},
	}
	if sequence == 1 {
		x.Flags = metric.Fresh
	}
	m, err := wire.Append(nil, x, compiled, true)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A host that was broken into says what it likes under its own name, which the bus
// lets it: another's name within, another's records again, another's board, garbage.
// It is counted, named and soon in quarantine, and of the other no millijoule moves.
func TestAHostThatLiesMovesNobodysTotals(t *testing.T) {
	t.Parallel()
	dir, address := t.TempDir(), freePort(t)
	config := writeFile(t, filepath.Join(dir, "aggregator.yaml"), fmt.Sprintf(
		"data: %s\nlisten: 127.0.0.1:0\nsites: [{name: s1}]\nbus: {embedded: {listen: %q}, telemetry_bytes: 64MiB, ledger_bytes: 128MiB}\n", filepath.Join(dir, "data"), address))
	p := start(t, "serve", "-config", config)
	nc, err := nats.Connect("nats://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	say := func(subject string, m []byte) {
		if err := nc.Publish(subject, m); err != nil {
			t.Fatal(err)
		}
	}
	const each = 5_000_000 // millijoules in ten seconds
	from := time.Now().UTC().Truncate(time.Hour).Add(-3 * time.Hour)
	const records = 2*360 + 1
	own := uint64(0)
	for i := range records {
		at := from.Add(time.Duration(i) * 10 * time.Second)
		sequence, shows := uint64(i+1), int64(i)*each
		honest := counting(t, "n2", "n2", at, sequence, shows)
		say("ledger.s1.n2", honest)
		say("ledger.s1.n1", honest)                                           // another's record, again
		say("ledger.s1.n1", counting(t, "n2", "n2", at, sequence+1, shows*9)) // another's name
		say("ledger.s1.n1", honest[:len(honest)/2])
		own++
		say("ledger.s1.n1", counting(t, "n1", "n2", at, own, 1e12+shows*9)) // its own name, and another's board
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	var e query.Energy
	p.await(60*time.Second, "all records are booked", func() bool {
		e = query.Energy{}
		err := p.get(fmt.Sprintf("/api/v1/energy?site=s1&by=host&boundary=gpu&from=%s&to=%s", from.Format(time.RFC3339), from.Add(2*time.Hour).Format(time.RFC3339)), &struct{ Data *query.Energy }{&e})
		return err == nil && len(e.Lines) > 0 && e.Lines[0].Millijoules != nil && *e.Lines[0].Millijoules >= 720*each
	})
	p.await(30*time.Second, "the rest of what n1 says is passed over", func() bool {
		return p.own(`gigawatch_stream_rejected_total{lane="ledger",reason="quarantined"}`) > 3*records && p.own("gigawatch_stream_quarantined_agents") == 1
	})
	if len(e.Lines) != 1 || e.Lines[0].Host != "n2" || *e.Lines[0].Millijoules != 720*each {
		t.Errorf("n2 has drawn %d mJ, the ledger says %+v", 720*each, e.Lines)
	}
	for what, metric := range map[string]string{
		"halves of records":            `gigawatch_stream_rejected_total{lane="ledger",reason="truncated"}`,
		"claims to another's board":    `gigawatch_ledger_alarms_total{kind="conflict"}`,
		"what is under another's name": `gigawatch_stream_rejected_total{lane="ledger",reason="wrong_site"}`,
	} {
		if p.own(metric) == 0 {
			t.Errorf("%s are not counted", what)
		}
	}
	out := p.output()
	for _, named := range []string{"subject=ledger.s1.n1", "it says s1/n2", "an agent is in quarantine: nothing that it says is taken\" agent=s1.n1"} {
		if !strings.Contains(out, named) {
			t.Errorf("%q is not in the log", named)
		}
	}
	if strings.Contains(out, "subject=ledger.s1.n2") {
		t.Error("n2 is blamed, too")
	}
	p.stop()
}
