package bmc

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A channel is one value of the label source, which one of several meters
// serves. All is guarded by the source's mutex.
type channel struct {
	label   string
	point   uint32    // of host_power_watts
	pollers []*poller // best first
	began   time.Time // of Run

	serving *poller
	shown   bool // in the layout
}

const (
	patience = 90 * time.Second // for a better meter's first answer
	silence  = 2 * time.Minute  // until the next meter serves
	steady   = 10 * time.Minute // that a better meter must answer before it serves again
)

// choose says who serves at now. A meter that serves keeps serving while it
// answers: each change begins another counter.
func (c *channel) choose(now time.Time, log *slog.Logger) {
	var best *poller
	for _, p := range c.pollers {
		if p.fresh(now) && (p == c.serving || !p.goodSince.IsZero()) {
			best = p
			break
		}
		if c.serving == nil && !p.tried && now.Sub(c.began) < patience {
			return
		}
	}
	switch {
	case best == nil || best == c.serving:
		return
	case c.serving == nil:
	case c.serving.fresh(now):
		if now.Sub(best.goodSince) < steady {
			return
		}
		best.anew, best.view.energy = true, metric.Missing // the other has counted until now
	case now.Sub(c.serving.view.at) < silence:
		return
	}
	c.serving = best
	log.Info("meter serves", "source", c.label, "meter", best.name(), "reads", best.view.about)
}

// wanted reports whether p is to be read at now: it serves, or a better one than
// it does not answer, or nobody knows yet what it is.
func (c *channel) wanted(p *poller, now time.Time) bool {
	if !p.tried {
		return true
	}
	for _, better := range c.pollers {
		if better == p {
			return true
		}
		if better == c.serving && better.fresh(now) {
			return false
		}
	}
	return true
}

// values appends the channel's columns at now.
func (c *channel) values(dst []metric.Raw, now time.Time) []metric.Raw {
	v := &c.serving.view
	power, joules, age := metric.Missing, metric.Missing, metric.Missing
	if c.serving.fresh(now) {
		power, joules, age = metric.Of(v.watts), v.energy, metric.Of(max(0, now.Sub(v.at)).Seconds())
	}
	return append(dst, power, joules, age, v.epoch, metric.Raw(v.quality))
}

// Describe says in one line which meters there are, which of them serve, and why
// the others do not. It may be called at any time.
func (s *Source) Describe() string {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, c := range s.channels {
		lines = c.describe(lines, now)
	}
	if len(lines) == 0 {
		return "no meter of the node's power: no Redfish configured, no IPMI device, no pm_counters, no ACPI power meter"
	}
	return strings.Join(lines, "; ")
}

func (c *channel) describe(lines []string, now time.Time) []string {
	for _, p := range c.pollers {
		var line string
		switch {
		case p == c.serving:
			line = fmt.Sprintf("%s by %s every %v, %s", p.name(), p.view.about, p.period, p.view.counter)
		case p.err == nil && p.tried && c.serving != nil:
			line = fmt.Sprintf("%s by %s not used: %s serves", p.name(), p.view.about, c.serving.name())
		case p.err == nil && p.tried:
			line = fmt.Sprintf("%s by %s waits for a better meter's answer", p.name(), p.view.about)
		case p.err == nil && p.asked.IsZero():
			continue // Run has not begun
		case p.err == nil:
			line = fmt.Sprintf("%s asked %v ago", p.name(), now.Sub(p.asked).Round(time.Second))
		}
		if p.err != nil {
			if isAbsent(p.err) {
				continue
			}
			if line != "" {
				line += ", "
			} else {
				line = p.name() + " "
			}
			line += "fails: " + p.err.Error()
		}
		lines = append(lines, c.label+": "+line)
	}
	return lines
}
