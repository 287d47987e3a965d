package fault

import (
	"fmt"
	"iter"
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
		outage, from := days*24*60, time.Now()
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
		sealed := r.hours(from.Truncate(time.Hour))
		if len(sealed) < days*24-3 {
			t.Fatalf("%d hours were sealed meanwhile", len(sealed))
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
		if r.sum.difference != 0 || r.sum.booked == 0 {
			t.Errorf("difference %d mJ of %d", r.sum.difference, r.sum.booked)
		}
		list, restated := r.restatements()
		for _, hour := range sealed {
			if !restated[hour] {
				t.Errorf("the hour %s was sealed without the rack, and is not restated", hour)
			}
		}
		t.Logf("%d days without %d hosts: drained in %d minutes, difference %d mJ, %d hours sealed and %d restated%s",
			days, o.Hosts, drained+1, r.sum.difference, after.Hours, after.Restatements, list)
	})
}

// hours are those from a time on that are sealed.
func (r *run) hours(from time.Time) (names []string) {
	for x := range r.leaves() {
		at, err := time.Parse("2006-01-02T15Z", x[2])
		if err != nil {
			r.t.Fatal(err)
		}
		if !at.Before(from) {
			names = append(names, x[2])
		}
	}
	return names
}

// restatements are listed with what they measured, and of which hours they are.
func (r *run) restatements() (list string, of map[string]bool) {
	of = map[string]bool{}
	for x := range r.leaves() {
		if x[len(x)-1] != "-" {
			list += fmt.Sprintf("\nrestated %s: %s mJ measured, %s estimated, %s interpolated", x[2], x[4], x[5], x[6])
			of[x[2]] = true
		}
	}
	return list, of
}

// leaves are the fields of the lines of the site's log.
func (r *run) leaves() iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for line := range strings.Lines(string(r.device.names["ledger/"+siteName+"/log/leaves"].data)) {
			if !yield(strings.Fields(line)) {
				return
			}
		}
	}
}
