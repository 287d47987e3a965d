package meter

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Another setting is told only where it makes a sensible number, and never of a
// register that was seen to count.
func TestHintsThatMislead(t *testing.T) {
	for situation, tc := range map[string]struct {
		otherwise float64 // W, mJ
		runs      time.Duration
		counted   bool
		told      bool
	}{
		"power of a sensible size":    {otherwise: 700, told: true},
		"power of next to nothing":    {otherwise: 3.26955e-16},
		"a register never understood": {otherwise: 5000 * wh, counted: true, told: true},
		"a register that counted":     {otherwise: 5000 * wh, counted: true, runs: time.Hour},
	} {
		t.Run(situation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, says := time.Now(), Value{Quantity: Power, Number: -5e3}
				i := always(func() ([]Value, error) {
					if !tc.counted {
						return []Value{says}, nil
					}
					steps := uint64(1000 + 1000*time.Since(began).Hours())
					if time.Since(began) >= tc.runs {
						steps = 1 << 60
					}
					return []Value{{Quantity: Energy, Register: Register{Steps: steps, Size: Size{wh, 1}}}}, nil
				}, watts)
				if tc.counted {
					i.gives = []Kind{joules}
				}
				r := rereader{i, []Otherwise{{"word_order: low_first", tc.otherwise}}}
				under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleCooling, Rating: 1e4, Reader: r}}}, func(rig *rig) {
					rig.after(tc.runs + 5*time.Minute)
					d := rig.s.Describe()
					if !strings.Contains(d, "m: ") || strings.Contains(d, "with word_order") != tc.told {
						t.Error(d)
					}
				})
			})
		})
	}
}
