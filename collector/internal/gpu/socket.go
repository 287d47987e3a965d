package gpu

import (
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/energy"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A socket is the power of the parts of superchips that share a label source,
// added up; and the energy made of it, for they count none themselves.
type socket struct {
	source string
	point  uint32
	parts  map[int]bool // indexes that were ever listed

	power metric.Raw // all parts of the newest reading; missing if one was
	at    time.Time  // of that
	total energy.Integral
}

// takeSockets takes the sockets of a reading.
func (s *Source) takeSockets(at time.Time, taken int64) {
	for _, l := range s.reading.Sockets {
		point, ok := metric.Lookup(metric.HostPowerWatts).Point(l.Source)
		if ok && l.Power != metric.Missing && s.socket(l.Source) == nil {
			s.sockets = append(s.sockets, &socket{source: l.Source, point: point, parts: map[int]bool{},
				total: energy.Integral{Name: s.c.Place.Host + " " + l.Source, Gap: s.gap}})
			s.layout = nil
		}
	}
	for _, k := range s.sockets {
		sum, n := 0.0, 0
		for _, l := range s.reading.Sockets {
			if l.Source == k.source && (k.parts[l.Index] || len(k.parts) < maxBoards) {
				k.parts[l.Index] = true
				if l.Power != metric.Missing {
					sum, n = sum+l.Power.Float(), n+1
				}
			}
		}
		k.power, k.at = metric.Missing, at
		if n == len(k.parts) {
			k.power = metric.Of(sum)
			k.total.Add(sum, at.Add(-min(max(0, at.Sub(time.UnixMicro(taken))), s.hold)))
		}
	}
}

func (s *Source) socket(source string) *socket {
	for _, k := range s.sockets {
		if k.source == source {
			return k
		}
	}
	return nil
}

func (k *socket) watts(at time.Time, hold time.Duration) metric.Raw {
	if at.Sub(k.at) > hold {
		return metric.Missing
	}
	return k.power
}

func (k *socket) energy(at time.Time) metric.Raw {
	if !k.total.Current(at) {
		return metric.Missing
	}
	return k.total.Energy()
}
