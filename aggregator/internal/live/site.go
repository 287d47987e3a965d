package live

import (
	"math"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// site is one site's places and senders.
type site struct {
	name      string
	simulated bool
	halls     []hall
	racks     []rack
	hallIndex map[string]int32
	rackIndex map[string]int32
	senders   []*sender
	known     Inventory         // of all senders
	counts    [quantities]int32 // readings that all senders have of each
	expected  Inventory

	last    int64 // newest second that is closed
	history history
	now     [quantities]total // of the site, at last
	hosts   int               // reporting at last
	gpus    int               // reporting and ok at last
	grid    gridNow

	worstAt  int64 // second that worstNow is of
	worstNow []GPUStatus
}

// hall and rack hold the sums of the second being closed.
type hall struct {
	name string
	sums [quantities]total
	out  outlets
}

type rack struct {
	name  string
	hall  int32
	sums  [quantities]total
	hosts int32 // known
	up    int32 // reporting
	gpus  int32 // known
	out   outlets
}

// outlets are the roll-up series of a place, made when they first have a value.
type outlets struct{ gpu, host, it, celsius *Outlet }

type gridNow struct {
	at                           int64 // second; 0: never
	grams                        float64
	zone, provider, tier, factor string
}

func newSite(name string) *site {
	return &site{name: name, hallIndex: map[string]int32{}, rackIndex: map[string]int32{}}
}

// rackOf is the index of the rack that holds entity e of l, made if it is new;
// -1 if it stands in none.
func (s *site) rackOf(l *metric.Layout, e int) int32 {
	r := l.Ancestor(e, metric.Rack)
	if r < 0 {
		return -1
	}
	hallName := ""
	if h := l.Ancestor(e, metric.Hall); h >= 0 {
		hallName = l.Entities[h].Name
	}
	key := hallName + "\x00" + l.Entities[r].Name
	i, ok := s.rackIndex[key]
	if !ok {
		h, ok := s.hallIndex[hallName]
		if !ok {
			h = int32(len(s.halls))
			s.hallIndex[hallName] = h
			s.halls = append(s.halls, hall{name: hallName})
		}
		i = int32(len(s.racks))
		s.rackIndex[key] = i
		s.racks = append(s.racks, rack{name: l.Entities[r].Name, hall: h})
	}
	return i
}

// complete reports whether every sender that reported the second before second
// has reported it.
func (s *site) complete(second int64) bool {
	some := false
	for _, a := range s.senders {
		here := a.seconds[second%ring] == second
		some = some || here
		if !here && a.seconds[(second-1)%ring] == second-1 {
			return false
		}
	}
	return some
}

// close sums the second over all senders.
func (s *site) close(second int64) {
	for i := range s.halls {
		s.halls[i].sums = [quantities]total{}
	}
	for i := range s.racks {
		r := &s.racks[i]
		r.sums, r.hosts, r.up, r.gpus = [quantities]total{}, 0, 0, 0
	}
	s.now, s.hosts, s.last = [quantities]total{}, 0, second
	for _, a := range s.senders {
		slot := a.at(second)
		if a.host != "" && a.rack >= 0 {
			s.racks[a.rack].hosts++
			s.racks[a.rack].gpus += int32(len(a.gpus))
		}
		if slot < 0 {
			continue
		}
		if a.host != "" {
			s.hosts++
			if a.rack >= 0 {
				s.racks[a.rack].up++
			}
		}
		for i := range a.parts {
			p := &a.parts[i]
			t := p.sums[slot]
			if t.n == 0 {
				continue
			}
			s.now[p.quantity].add(p.quantity, t)
			if p.rack >= 0 {
				r := &s.racks[p.rack]
				r.sums[p.quantity].add(p.quantity, t)
				s.halls[r.hall].sums[p.quantity].add(p.quantity, t)
			}
		}
		for _, g := range a.grid {
			if v := a.values[g.value]; v != metric.Missing && g.factor == "lifecycle" {
				s.grid = gridNow{second, math.Float64frombits(uint64(v)), g.zone, g.provider, g.tier, g.factor}
			}
		}
	}
	s.gpus = int(s.now[gpusOk].n)
}

func (t *total) add(q quantity, o total) {
	if q == gpuCelsius && t.n > 0 {
		t.sum = max(t.sum, o.sum)
	} else {
		t.sum += o.sum
	}
	t.n += o.n
}

// A Figure is a power with what is known of it. Watts is nil where there is a
// Reason.
type Figure struct {
	Watts    *float64 `json:"watts"`
	Coverage float64  `json:"coverage"`           // share of the expected readings that came
	Category int      `json:"category,omitempty"` // of IT: 1 UPS output, 2 PDU output, 3 IT input
	Reason   string   `json:"reason"`
}

// power is the site's power inside a boundary at the second last closed.
func (s *site) power(b metric.Boundary) Figure {
	switch b {
	case metric.Facility:
		if s.counts[inWatts] == 0 {
			return Figure{Reason: "no facility meter"}
		}
		f := figure(s.now[inWatts], int(s.counts[inWatts]), "facility meters are silent")
		if f.Watts != nil {
			*f.Watts -= s.now[exportWatts].sum
			f.Coverage = float64(s.now[inWatts].n+s.now[exportWatts].n) / float64(s.counts[inWatts]+s.counts[exportWatts])
		}
		return f
	case metric.IT:
		for i, q := range []quantity{upsWatts, pduWatts, itWatts} {
			if n := s.counts[q]; n > 0 {
				f := figure(s.now[q], int(n), "IT meters are silent")
				f.Category = i + 1
				return f
			}
		}
		return Figure{Reason: "no IT meter"}
	case metric.Hosts:
		return figure(s.now[hostWatts], max(int(s.counts[hostWatts]), s.expected.Hosts), "no node power")
	}
	return figure(s.now[gpuWatts], max(int(s.counts[gpuWatts]), s.expected.GPUs), "no GPU reports power")
}

// count adds what a sender has to what is known of the site, by times one or
// minus one.
func (s *site) count(a *sender, by int) {
	if a.host != "" {
		s.known.Hosts += by
	}
	s.known.GPUs += by * len(a.gpus)
	for i := range a.parts {
		s.counts[a.parts[i].quantity] += int32(by * len(a.parts[i].values))
	}
}

// forget drops a sender.
func (s *site) forget(a *sender) {
	s.count(a, -1)
	s.senders = slices.DeleteFunc(s.senders, func(b *sender) bool { return a == b })
}

func figure(t total, expected int, none string) Figure {
	if t.n == 0 {
		return Figure{Reason: none}
	}
	w := t.sum
	return Figure{Watts: &w, Coverage: min(1, float64(t.n)/float64(expected))}
}

func (s *site) inventory() Inventory {
	return Inventory{max(s.known.Hosts, s.expected.Hosts), max(s.known.GPUs, s.expected.GPUs)}
}

// order lists the halls by name, and their racks by name.
func (s *site) order() (halls []int, racks map[int32][]int) {
	racks = map[int32][]int{}
	for i := range s.halls {
		halls = append(halls, i)
	}
	slices.SortFunc(halls, func(a, b int) int { return strings.Compare(s.halls[a].name, s.halls[b].name) })
	for i := range s.racks {
		h := s.racks[i].hall
		racks[h] = append(racks[h], i)
	}
	for _, r := range racks {
		slices.SortFunc(r, func(a, b int) int { return strings.Compare(s.racks[a].name, s.racks[b].name) })
	}
	return halls, racks
}
