package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/agent"
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
	p := newSecured(t)
	hosts := map[string]*nats.Conn{}
	for _, name := range []string{"n1", "n2"} {
		hosts["ledger.s1."+name] = p.dial(name, p.reach(name))
	}
	say := func(subject string, m []byte) {
		if err := hosts[subject].Publish(subject, m); err != nil {
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
	for _, nc := range hosts {
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
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
		p.await(20*time.Second, what+" are counted", func() bool { return p.own(metric) > 0 })
	}
	for _, named := range []string{"subject=ledger.s1.n1", "it says s1/n2", "an agent is in quarantine: nothing that it says is taken\" agent=s1.n1"} {
		p.await(20*time.Second, named+" is in the log", func() bool { return strings.Contains(p.output(), named) })
	}
	if strings.Contains(p.output(), "subject=ledger.s1.n2") {
		t.Error("n2 is blamed, too")
	}
	p.stop()
}

// On a bus that does not know who speaks, whoever forges in another's name has nobody
// passed over: what he says is refused and counted, and the other is booked on.
func TestOnABusWithoutUsersNobodyIsHeldForAForgery(t *testing.T) {
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
	const records, each = 61, 5_000_000
	from := time.Now().UTC().Truncate(time.Hour).Add(-2 * time.Hour)
	for i := range records {
		honest := counting(t, "n2", "n2", from.Add(time.Duration(i)*10*time.Second), uint64(i+1), int64(i)*each)
		for _, m := range [][]byte{honest, honest[:len(honest)/2], counting(t, "n1", "n2", from, uint64(i+1), 1e12)} {
			if err := nc.Publish("ledger.s1.n2", m); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	p.await(60*time.Second, "what is forged is counted", func() bool {
		return p.own(`gigawatch_stream_rejected_total{lane="ledger",reason="truncated"}`) == records && p.own(`gigawatch_stream_rejected_total{lane="ledger",reason="wrong_site"}`) == records
	})
	p.await(60*time.Second, "all of n2 is booked", func() bool { return p.booked("n2", from) == (records-1)*each })
	if n := p.own("gigawatch_stream_quarantines_total"); n != 0 {
		t.Errorf("%v times somebody was put into quarantine", n)
	}
	p.stop()
}

// booked are the millijoules of a host's boards in the hour from a time.
func (p *process) booked(host string, from time.Time) uint64 {
	var e query.Energy
	if err := p.get(fmt.Sprintf("/api/v1/energy?site=s1&by=host&boundary=gpu&from=%s&to=%s", from.Format(time.RFC3339), from.Add(time.Hour).Format(time.RFC3339)), &struct{ Data *query.Energy }{&e}); err != nil {
		return 0
	}
	for _, l := range e.Lines {
		if l.Host == host && l.Millijoules != nil {
			return *l.Millijoules
		}
	}
	return 0
}

// A host forges and its collector goes on. It is shown as one that needs a person,
// with why, and a restart does not let it off. Once a person has released it, what its
// collector kept is sent again and booked, every millijoule once; and what was forged
// is not.
func TestAHostThatIsReleasedIsBookedFromItsSpool(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	nc := s.dial("n1", s.reach("n1"))
	layout := &metric.Layout{
		Entities: append(metric.Place{Hall: "h1", Rack: "r1", Host: "n1"}.Entities(), metric.Entity{Kind: metric.GPU, Name: "GPU-n1", Parent: 2}),
		Columns: []metric.Column{
			{Metric: metric.GPUEnergyJoules, Form: metric.Int, First: 3, Count: 1},
			{Metric: metric.CounterEpoch, Point: metric.EpochPoint(metric.GPUEnergyJoules, 0), Form: metric.Int, First: 3, Count: 1},
		},
	}
	spool, err := agent.OpenRecorder(agent.RecorderConfig{Site: "s1", Agent: "n1", Dir: t.TempDir(), Logger: quietly()})
	if err != nil {
		t.Fatal(err)
	}
	defer spool.Close()
	heard := make(chan wire.Ack, 1024)
	if _, err := nc.Subscribe(wire.AckSubject("s1", "n1"), func(m *nats.Msg) {
		if ack, err := wire.ParseAck(m.Data); err == nil {
			heard <- ack
		}
	}); err != nil {
		t.Fatal(err)
	}
	const each = 5_000_000
	from := time.Now().UTC().Truncate(time.Hour).Add(-2 * time.Hour)
	records := uint64(0)
	pump := func() {
		for len(heard) > 0 {
			_ = spool.Heard(nc, <-heard, time.Now())
		}
		_ = spool.Pump(nc, time.Now(), 100)
	}
	record := func(n int) {
		for range n {
			if err := spool.Record(from.Add(time.Duration(records)*10*time.Second), 0, 0, layout, []metric.Raw{metric.Raw(records * each), 1}); err != nil {
				t.Fatal(err)
			}
			records++
		}
		pump()
	}
	record(20)
	s.await(60*time.Second, "the first are booked", func() bool { pump(); return s.booked("n1", from) == 19*each })
	for range 40 {
		if err := nc.Publish("ledger.s1.n1", counting(t, "n2", "n1", from, 1, 1e12)); err != nil {
			t.Fatal(err)
		}
	}
	held := func() bool { return s.own("gigawatch_stream_quarantined_agents") == 1 }
	s.await(30*time.Second, "n1 is in quarantine", held)
	passed := func() float64 {
		return s.own(`gigawatch_stream_rejected_total{lane="ledger",reason="quarantined"}`)
	}
	s.await(30*time.Second, "the last that was forged is passed over", func() bool { return passed() >= 10 })
	before := passed()
	record(20)
	s.await(30*time.Second, "what it says is passed over", func() bool {
		pump()
		return passed() >= before+4 // messages of up to six records
	})
	needs := func() string {
		var h query.HealthReport
		if err := s.get("/api/v1/health?site=s1", &struct{ Data *query.HealthReport }{&h}); err != nil || len(h.Sites) != 1 {
			return ""
		}
		var lines []string
		for _, v := range h.Sites[0].Subjects {
			lines = append(lines, fmt.Sprint(v.Kind, " ", v.Host, " ", v.State, " ", v.Cause, ": ", v.Evidence, " ", v.Advice))
		}
		return strings.Join(lines, "\n")
	}
	shown := func() bool {
		row := needs()
		return strings.Contains(row, "host n1 failed quarantined: agent n1 is in quarantine until ") && strings.Contains(row, "it says s1/n2") && strings.Contains(row, "aggregator quarantine -release")
	}
	s.await(30*time.Second, "n1 needs a person", shown)
	s.await(30*time.Second, "and somebody is called", func() bool { return strings.Contains(s.firing(), "AgentQuarantined n1") })

	s.stop()
	s.process = start(t, s.args...)
	s.await(30*time.Second, "after a restart it is still there", func() bool { return held() && shown() })
	s.await(30*time.Second, "n1 reaches it", nc.IsConnected)
	record(10)
	ask := func(args ...string) string {
		var out, errs bytes.Buffer
		if err := run(t.Context(), append([]string{"quarantine", "-url", s.url}, args...), strings.NewReader(""), &out, &errs); err != nil {
			return "error: " + err.Error()
		}
		return out.String()
	}
	if out := ask("-list"); !strings.HasPrefix(out, "s1 n1 held: since ") || !strings.Contains(out, "site or agent differ from the subject: it says s1/n2; times: 1") {
		t.Errorf("it lists %s", out)
	}
	if out := ask("-site", "s1", "-release", "n2"); !strings.Contains(out, `no agent "n2" of site "s1" is in quarantine`) {
		t.Errorf("of another it says %s", out)
	}
	if got := s.booked("n1", from); got != 19*each {
		t.Errorf("meanwhile %d mJ are booked", got)
	}
	if out := ask("-site", "s1", "-release", "n1"); !strings.HasPrefix(out, "s1 n1 released: since ") {
		t.Errorf("it says %s", out)
	}
	record(10)
	s.await(60*time.Second, "all that its collector kept is booked", func() bool { pump(); return s.booked("n1", from) == (records-1)*each })
	s.await(30*time.Second, "nobody needs a person", func() bool { return needs() == "" })
	s.stop()
	s.process = start(t, s.args...)
	if held() || !strings.HasPrefix(ask("-list"), "s1 n1 released: ") {
		t.Errorf("after another restart the list is %s", ask("-list"))
	}
	s.stop()
}

// firing are the alerts that fire, with their hosts.
func (p *process) firing() string {
	var a struct {
		Data struct {
			Alerts []struct{ Labels map[string]string }
		}
	}
	if err := p.get("/api/v1/alerts", &a); err != nil {
		return ""
	}
	var names []string
	for _, x := range a.Data.Alerts {
		names = append(names, x.Labels["alertname"]+" "+x.Labels["host"])
	}
	return strings.Join(names, "\n")
}
