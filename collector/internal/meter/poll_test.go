package meter

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Several things that are wrong with a reading are said in one line.
func TestSeveralErrorsAreOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := always(func() ([]Value, error) { return nil, errors.Join(errors.New("no power"), errors.New("no energy")) }, watts, joules)
		under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleCooling, Reader: i}}}, func(r *rig) {
			r.after(15 * time.Second)
			if d := r.s.Describe(); !strings.Contains(d, "m: reading: no power; no energy") {
				t.Error(d)
			}
		})
	})
}
