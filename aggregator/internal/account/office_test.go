package account_test

import (
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// An office behind the main meter is no energy of the facility in any answer.
func TestEnergyOfTheFacilityIsLessWhatIsTakenOff(t *testing.T) {
	for name, tc := range map[string]struct {
		office  float64
		silent  []int
		want    float64 // kWh; 0: none
		covered int64   // minutes
		says    string
	}{
		"it is read":                  {office: 5, want: 115, covered: 60, says: "5 kWh are taken off, used outside of the data centre: office"},
		"it is silent for a quarter":  {office: 8, silent: []int{2}, want: 114, covered: 45, says: "6 kWh are taken off"},
		"it shows more than comes in": {office: 130, covered: 60, says: "130 kWh"},
		"it draws nothing":            {want: 120, covered: 60, says: "0 kWh are taken off"},
	} {
		s := stretch{meters: map[string][]uint64{"grid_input": energies(120), "ups_output": energies(100), "office": energies(tc.office)}, silent: map[string][]int{"office": tc.silent}}
		b := basis(t, account.Terms{Meters: s.rest([]account.Meter{{Name: "office", Less: true}})})
		x := s.sheet(b, 0)
		d := account.NewDigest(&x.Summary, b.Resolve(x, noon+hour, false))
		q := account.Question{Boundary: metric.Facility, From: noon, To: noon + hour}
		tally := account.NewTally(&q, q.From, q.To, 0)
		tally.AddDigest(d)
		l := tally.Lines()[0]
		if mj, err := l.Energy.Total(); err != nil || mj != energies(tc.want)[0] || (l.Reason == "") != (tc.want > 0) {
			t.Errorf("%s: %d mJ, %q; want %v kWh", name, mj, l.Reason, tc.want)
		}
		if l.CoveredMillis != tc.covered*60*second || l.ExpectedMillis != hour || !strings.HasPrefix(l.Note, tc.says) {
			t.Errorf("%s: %d of %d ms are known; %q", name, l.CoveredMillis, l.ExpectedMillis, l.Note)
		}
	}
}
