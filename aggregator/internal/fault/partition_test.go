package fault

import (
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
)

// TestARackThatIsCutOffForThreeDaysHeals cuts all hosts of a rack off while the site goes on and seals
// its hours without them. When they are back every millijoule is booked into its hour, as restatements.
func TestARackThatIsCutOffForThreeDaysHeals(t *testing.T) {
	virtual(t, func(t *testing.T) {
		const days = 3
		o := options{Seed: 3, Hosts: 3, GPUs: 2, Interval: time.Minute, Hours: 1}
		r := newRun(t, o)
		r.lane = newLane()
		for range 90 {
			r.live()
		}
		outage := days * 24 * 60
		for _, c := range r.collectors[:o.Hosts] {
			c.cut = outage
		}
		for range outage {
			r.live()
		}
		before, err := ledger.CheckDisk(shelf{r.device.kill()})
		if err != nil || before.Restatements != 0 || before.Hours < days*24-3 {
			t.Fatalf("at the end of the outage: %v, %v", before, err)
		}
		drained := 0
		for ; drained < outage/10; drained++ {
			r.live()
			behind := false
			for _, c := range r.collectors {
				last, durable := c.rec.Standing()
				behind = behind || durable+3 < last
			}
			if !behind {
				break
			}
		}
		if drained == outage/10 {
			t.Error("I6: the backlog is not drained within a tenth of the outage")
		}
		r.heal()
		r.kill(false)
		after, err := ledger.CheckDisk(shelf{r.device.kill()})
		if err != nil {
			t.Errorf("I4: %v", err)
		}
		if after.Restatements < days*24-3 {
			t.Errorf("%d restatements of %d hours", after.Restatements, days*24)
		}
		t.Logf("%d days without %d hosts: drained in %d minutes, difference %d mJ, %d hours sealed and %d restated", days, o.Hosts, drained+1, r.sum.difference, after.Hours, after.Restatements)
		lines := strings.Split(string(r.device.names["ledger/"+siteName+"/log/leaves"].data), "\n")
		for _, x := range lines {
			if f := strings.Fields(x); len(f) > 4 && f[len(f)-1] != "-" {
				t.Logf("restated %s by %s mJ measured, %s estimated, %s interpolated", f[2], f[4], f[5], f[6])
			}
		}
	})
}
