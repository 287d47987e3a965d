package account_test

import (
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Where meters are stated, one that is not counts in nothing. The site draws
// 120 kWh an hour, its IT 100.
func TestAMeterIsReadThatIsNotStated(t *testing.T) {
	grid, second, ups, pdu := meter("grid_input-a"), backup("grid_input-b", "grid_input-a"), meter("ups_output"), meter("pdu_output")
	for name, tc := range map[string]struct {
		stated   []account.Meter
		pue      float64 // 0: none
		reason   string
		says     string // of the flag; "": there is none
		facility float64
	}{
		"all are stated":               {stated: []account.Meter{grid, second, ups, pdu}, pue: 1.2, facility: 120},
		"none is":                      {pue: 2.41, facility: 241},
		"a backup is taken out":        {stated: []account.Meter{grid, ups, pdu}, pue: 1.2, says: "grid_input-b as grid_input", facility: 120},
		"the PDU, on which none rests": {stated: []account.Meter{grid, second, ups}, pue: 1.2, facility: 120},
		"the UPS":                      {stated: []account.Meter{grid, second, pdu}, reason: "ups_output as ups_output", says: "ups_output as ups_output", facility: 120},
		"both feeds":                   {stated: []account.Meter{ups, pdu}, reason: "grid_input-a as grid_input; grid_input-b as grid_input", says: "grid_input-a as grid_input; grid_input-b as grid_input"},
	} {
		t.Run(name, func(t *testing.T) {
			s := stretch{meters: map[string][]uint64{"grid_input-a": energies(120), "grid_input-b": energies(121), "ups_output": energies(100), "pdu_output": energies(97)}}
			b := basis(t, account.Terms{Meters: tc.stated})
			k := s.ask(t, b, account.KPIQuestion{Names: []string{"pue"}})
			if tc.pue == 0 {
				if k.Value != nil || !strings.Contains(k.Reason, tc.reason) {
					t.Errorf("%v, %q, want %q", k.Value, k.Reason, tc.reason)
				}
			} else {
				is(t, k, tc.pue)
			}
			if flagged(k, "unstated_meters") != (tc.says != "") {
				t.Errorf("flags %+v", k.Flags)
			}
			for _, f := range k.Flags {
				if f.Code == "unstated_meters" && !strings.HasSuffix(f.Text, tc.says) {
					t.Errorf("flag %q, want %q", f.Text, tc.says)
				}
			}
			x := s.sheet(b, 0)
			q := account.Question{Boundary: metric.Facility, From: noon, To: noon + hour}
			tally := account.NewTally(&q, q.From, q.To, 0)
			tally.AddDigest(account.NewDigest(&x.Summary, b.Resolve(x, noon+hour, false)))
			l := tally.Lines()[0]
			if mj, err := l.Energy.Total(); err != nil || mj != energies(tc.facility)[0] || (l.Reason == "") != (tc.facility > 0) {
				t.Errorf("the facility drew %d mJ, %q; want %v kWh", mj, l.Reason, tc.facility)
			}
			if grid := strings.Contains(tc.says, "grid"); strings.Contains(l.Note, "grid_input-b as grid_input") != grid {
				t.Errorf("note %q", l.Note)
			}
		})
	}
}
