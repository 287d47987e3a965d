package gpu

import "github.com/gigawatch/gigawatch/collector/metric"

// An nvswitch is what was seen of one.
type nvswitch struct {
	name        string
	temperature metric.Raw
	last        [switchErrors]uint64 // as the driver counted when it was asked last
	count       [switchErrors]uint64 // since the agent started
}

// Points of nvswitch_errors_total.
const (
	switchFatal = iota
	switchNonFatal
	switchErrors
)

// takeSwitches takes the NVSwitches of a reading. A driver that began anew counts
// from zero; the agent goes on.
func (s *Source) takeSwitches() {
	for _, w := range s.switches {
		w.temperature = metric.Missing
	}
	for _, l := range s.reading.Switches {
		name := clean(l.Name)
		if name == "" {
			continue
		}
		var w *nvswitch
		for _, known := range s.switches {
			if known.name == name {
				w = known
			}
		}
		if w == nil {
			if len(s.switches) == maxBoards {
				continue
			}
			w = &nvswitch{name: name}
			s.switches = append(s.switches, w)
			s.layout = nil
		}
		w.temperature = l.Temperature
		for i, n := range [switchErrors]uint64{switchFatal: l.Fatal, switchNonFatal: l.NonFatal} {
			if n >= w.last[i] {
				w.count[i] += n - w.last[i]
			} else {
				w.count[i] += n
			}
			w.last[i] = n
		}
	}
}
