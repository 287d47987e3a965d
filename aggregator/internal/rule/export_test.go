package rule

import (
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Backdate makes e one that began a while ago: tests in real time have no half minute
// to let a fleet report.
func (e *Evaluator) Backdate(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.began -= d.Milliseconds()
	for _, s := range e.sites {
		s.thawed -= d.Milliseconds()
	}
}

// Summed is b as the rest of a file of alerts whose sum is right.
func Summed(b []byte) []byte { return summed(heading, b) }

// Sing makes canaries sing as often and as long.
func (e *Evaluator) Sing(every, long time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.canaries.every, e.canaries.sings = every, long
}

// Says is what is told of an alert of a rule with some labels.
func (e *Evaluator) Says(name string, labels []metric.Pair, value float64) []metric.Pair {
	for _, c := range e.rules {
		if c.Name == name {
			return e.texts(c, labels, value, &said{})
		}
	}
	return nil
}
