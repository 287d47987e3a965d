package wire

import (
	"testing"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestSubjectsNameOneAgent(t *testing.T) {
	for _, lane := range []metric.Lane{metric.Telemetry, metric.Ledger} {
		l, site, agent, err := SplitSubject(Subject(lane, "lumi-2", "n00017"))
		if err != nil || l != lane || site != "lumi-2" || agent != "n00017" {
			t.Errorf("lane %d came back as %d %q %q, %v", lane, l, site, agent, err)
		}
	}
	for _, s := range []string{"", "telemetry", "telemetry.a", "telemetry.a.b.c", "telemetry..b", "telemetry.a.*", "metrics.a.b", "ledger.a.b c"} {
		if _, _, _, err := SplitSubject(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}

func TestAckRoundTrip(t *testing.T) {
	want := Ack{Incarnation: 1<<63 + 5, Sequence: 42}
	b := AppendAck(nil, want)
	if got, err := ParseAck(b); err != nil || got != want {
		t.Errorf("got %v, %v", got, err)
	}
	for i := range b {
		if _, err := ParseAck(b[:i]); err == nil {
			t.Errorf("%d of %d bytes were accepted", i, len(b))
		}
	}
	if _, err := ParseAck(append([]byte("GWA2"), b[4:]...)); err == nil {
		t.Error("another version was accepted")
	}
}
