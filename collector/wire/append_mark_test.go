package wire_test

import (
	"testing"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

func TestMarkAddsFlagsAndNothingElse(t *testing.T) {
	l, err := wire.Compile(&metric.Layout{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := wire.Append(nil, &metric.Batch{Site: "s1", Agent: "n1", Lane: metric.Ledger, Flags: metric.Gap, Incarnation: 7, Sequence: 3, Skipped: 2, Time: 1, Ticks: 1}, l, true)
	if err != nil {
		t.Fatal(err)
	}
	wire.Mark(b, metric.Oldest)
	var m wire.Message
	if err := m.Parse(b); err != nil {
		t.Fatal(err)
	}
	if m.Flags != metric.Gap|metric.Oldest || m.Incarnation != 7 || m.Sequence != 3 || m.Skipped != 2 || string(m.Agent) != "n1" {
		t.Errorf("%+v", m)
	}
}
