package meter

import (
	"cmp"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/site"
)

// Of is meter m of site s, as its file describes it, read by r over a line.
func Of(s *site.Site, m *site.Meter, r Reader, line string) Meter {
	n := Meter{
		Name: m.ID, Role: m.Role, Reader: r, Line: line,
		Rating: m.Rating.Watts(), MaxFlow: m.MaxFlow.CubicMetresPerSecond(),
	}
	if m.MinFlow != nil {
		least := m.MinFlow.CubicMetresPerSecond()
		n.MinFlow = &least
	}
	if len(m.Halls) == 1 {
		n.Hall = m.Halls[0]
	}
	if len(m.Racks) == 1 {
		n.Rack = m.Racks[0]
		if i := slices.IndexFunc(s.Racks, func(r site.Rack) bool { return r.ID == n.Rack }); i >= 0 {
			n.Hall = s.Racks[i].Hall
		}
	}
	if m.Read != nil {
		n.Period, n.Timeout, n.Invert = m.Read.Every, m.Read.Timeout, m.Read.Invert
		if q := m.Read.MQTT; q != nil {
			n.Period, n.Hold = sending(q.OnChange, n.Period)
		}
	}
	if m.Rollover != nil {
		n.Rollover, _ = m.Rollover.Amount() // one that no integer holds is not reached
	}
	kinds := r.Gives()
	if f, ok := FluidOf(m.Fluid); ok && !n.gives(Heat) && n.gives(Flow) && slices.Contains(kinds, Kind{Temperature, Supply}) && slices.Contains(kinds, Kind{Temperature, Return}) {
		n.Fluid = &f
	}
	for i := range m.Installed {
		in := &m.Installed[i]
		n.Installed = append(n.Installed, Installation{
			From: in.From, Serial: in.Serial, Class: in.Accuracy, Ratio: in.Factor(),
			Initial: amount(in.Initial, in.Factor()), Final: amount(in.Final, in.Factor()),
		})
	}
	return n
}

// sending is how a device that sends by itself is read, which does so at least
// every so often, 0 if nobody said. It is looked at whenever it has sent: what
// these times tell is for how long what it said stands.
func sending(onChange bool, every time.Duration) (period, hold time.Duration) {
	switch {
	case !onChange:
		return cmp.Or(every, time.Minute), 0
	case every == 0:
		return 0, time.Hour
	}
	return 0, stalePeriods * every
}

// amount is a display by the ratio of its transformers; nil if it is not known, or
// no integer holds it.
func amount(r *site.Register, ratio float64) *int64 {
	if r == nil {
		return nil
	}
	n, ok := r.Amount()
	if ratio != 1 {
		v := float64(n) * ratio
		ok = ok && v < 1<<62
		n = int64(v)
	}
	if !ok {
		return nil
	}
	return &n
}
