package rule

import (
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Fault is somebody who does not take what is sent.
type Fault struct {
	Receiver string // its address, without what is secret
	Since    int64  // ms since 1970
	Says     string
}

// lanes asks of which sites both lanes bring something new.
func (e *Evaluator) lanes() map[string]bool {
	if e.c.Advancing == nil || len(e.own[table.Advancing]) == 0 {
		return nil
	}
	e.mu.Lock()
	names := make([]string, 0, len(e.sites))
	for name := range e.sites {
		names = append(names, name)
	}
	e.mu.Unlock()
	advancing := make(map[string]bool, len(names))
	for _, name := range names {
		advancing[name] = e.c.Advancing(name)
	}
	return advancing
}

// tellAdvancing has the alert that is always there while all is well, for those who
// watch that it is.
func (e *Evaluator) tellAdvancing(advancing map[string]bool, now int64) {
	for _, c := range e.own[table.Advancing] {
		for name, s := range e.sites {
			x := label(c, s.simulated, metric.Pair{Name: "site", Value: name})
			if advancing[name] && !s.blind {
				e.raise(c, x, 1, now, now, 1, "")
			} else {
				e.over(e.alerts[x.id()], 1, now)
			}
		}
	}
}

// tellFaults has an alert while receivers do not take what they are sent.
func (e *Evaluator) tellFaults(faults []Fault, now int64) {
	for _, c := range e.own[table.Undelivered] {
		x := label(c, false, metric.Pair{Name: "instance", Value: e.c.Self})
		if len(faults) == 0 {
			e.over(e.alerts[x.id()], 1, now)
			continue
		}
		since, says := now, "Not taken by "
		for i, f := range faults {
			since = min(since, f.Since)
			if i > 0 {
				says += "; "
			}
			says += f.Receiver + " (" + plain(f.Says) + ")"
		}
		e.raise(c, x, 1, since, now, float64(len(faults)), says[:min(len(says), 500)])
	}
}
