package agent

import (
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/spool"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// self is what the agent says of itself: how its sources, spools, clock and certificates
// are.
type self struct {
	layout       *metric.Layout
	certificates certificates
}

func newSelf(c *Config, sources []Scheduled) *self {
	entities := c.Place.Entities()
	host, first := len(entities)-1, len(entities)
	for _, s := range sources {
		entities = append(entities, metric.Entity{Kind: metric.Sensor, Name: s.Name(), Parent: host})
	}
	entities = append(entities, metric.Entity{Kind: metric.Sensor, Name: metric.DiskSensor, Parent: host})
	l := &metric.Layout{Simulated: c.Simulated, Entities: entities} // and so is all that is sent with it
	for lane := range uint32(2) {
		l.Columns = append(l.Columns,
			metric.Column{Metric: metric.AgentSpoolBytes, Form: metric.Int, Point: lane, First: host, Count: 1},
			metric.Column{Metric: metric.AgentSpoolDropped, Form: metric.Int, Point: lane, First: host, Count: 1})
	}
	l.Columns = append(l.Columns, metric.Column{Metric: metric.AgentClockError, Form: metric.Float, First: host, Count: 1})
	s := &self{layout: l, certificates: certificates{own: c.Bus.Cert, authorities: c.Bus.CA}}
	if s.certificates.some() {
		l.Columns = append(l.Columns, metric.Column{Metric: metric.AgentCertificateLeft, Form: metric.Int, First: host, Count: 1})
	}
	n := len(sources) + 1
	l.Columns = append(l.Columns,
		metric.Column{Metric: metric.AgentSourceStale, Form: metric.Int, First: first, Count: n},
		metric.Column{Metric: metric.AgentSourceFailures, Form: metric.Int, First: first, Count: n})
	return s
}

// values appends what self.layout asks for.
func (s *self) values(dst []metric.Raw, a *agent, now time.Time) []metric.Raw {
	refuses, refused := metric.Raw(0), metric.Raw(0)
	for _, q := range []*spool.Spool{a.backlog, a.ledger.records} {
		st := q.Stats()
		if refused += metric.Raw(st.Refused); st.Degraded {
			refuses = 1
		}
		dst = append(dst, metric.Raw(st.Bytes), metric.Raw(st.Dropped+st.Thinned))
	}
	dst = append(dst, clockError())
	if s.certificates.some() {
		dst = append(dst, s.certificates.left(now))
	}
	for _, r := range a.runners {
		dst = append(dst, r.stale(now, a.c.Interval))
	}
	dst = append(dst, refuses)
	for _, r := range a.runners {
		dst = append(dst, metric.Raw(r.failures))
	}
	return append(dst, refused)
}
