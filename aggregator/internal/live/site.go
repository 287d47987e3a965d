package live

import (
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
	free      []int32 // of racks: not in use
	hallIndex map[string]int32
	rackIndex map[string]int32
	senders   []*sender
	claims    map[claim]*sender
	known     Inventory         // of all senders
	recalled  Inventory         // of those that were not heard since the start
	returned  int64             // second in which the last of these was heard
	whole     bool              // at last: those that report are all that will
	counts    [quantities]int32 // readings that all senders have of each
	meters    [quantities]int32 // meters that all senders have of each, whether they say their power or not
	expected  Inventory
	only      bool             // meters that the plan does not have count in nothing
	category  int              // where the plan says that IT is metered; 0: it does not
	points    []point          // the plan's meters
	racksDue  map[string]int32 // hosts that the plan has, by rack
	pointOf   map[string]int32 // by name
	due       [quantities]due  // of the second being closed

	began   int64 // second of the first tick that was taken
	last    int64 // newest second that is closed
	history history
	now     [quantities]total // of the site, at last
	hosts   int               // reporting at last
	gpus    int               // reporting and ok at last
	never   int               // hosts of the plan that nobody ever heard of; -1: it is not known
	grid    gridNow
	expiry  metric.Raw // the least that an agent says of its certificates, s; Missing: none does

	worstAt  int64 // second that worstNow is of
	worstNow []GPUStatus
}

// hall and rack hold the sums of the second being closed.
type hall struct {
	name string
	sums [quantities]total
	pdus int32 // known
	due  int32 // that the plan counts
	out  outlets

	hosts [2]int32 // that should be there, and that report
}

type rack struct {
	name  string
	hall  int32
	uses  int32 // what stands in it; 0: only its name is left
	sums  [quantities]total
	hosts int32 // known
	up    int32 // reporting
	gpus  int32 // known
	pdus  int32 // known
	due   int32 // that the plan counts
	plan  int32 // hosts that there should be
	out   outlets
}

// outlets are the roll-up series of a place, made when they first have a value.
type outlets struct {
	gpu, host, it, celsius *Outlet
	hosts                  census
}

// A census is how many hosts there should be and how many report, as it was last
// emitted.
type census struct {
	out [2]*Outlet
	n   [2]int32
}

type gridNow struct {
	at                           int64 // second; 0: never
	grams                        float64
	zone, provider, tier, factor string
}

func newSite(name string) *site {
	return &site{name: name, never: -1, claims: map[claim]*sender{}, hallIndex: map[string]int32{}, rackIndex: map[string]int32{}}
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
		i = s.addRack(rack{name: l.Entities[r].Name, hall: h, plan: s.racksDue[key]})
		s.rackIndex[key] = i
	}
	return i
}

// addRack puts a rack where one was forgotten, or after the others.
func (s *site) addRack(r rack) int32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free, s.racks[i] = s.free[:n-1], r
		return i
	}
	s.racks = append(s.racks, r)
	return int32(len(s.racks) - 1)
}

// forgetRacks makes room of racks in which nothing stands any more.
func (s *site) forgetRacks() {
	for key, i := range s.rackIndex {
		if s.racks[i].uses == 0 {
			delete(s.rackIndex, key)
			s.racks[i] = rack{}
			s.free = append(s.free, i)
		}
	}
}

// complete reports whether every sender that reported one of its intervals
// before second has reported it.
func (s *site) complete(second int64) bool {
	some := false
	for _, a := range s.senders {
		here := a.newest == second || a.has(second)
		some = some || here
		if !here && a.has(second-a.step()) {
			return false
		}
	}
	return some
}

// returnsWithin is for how many seconds nobody of those known before the start was heard
// when nobody else of them is waited for. Until then a sum over hosts is one of those
// that came first, and is not said to be the site's.
const returnsWithin = 3

// close sums the second over all senders.
func (s *site) close(second int64) {
	for i := range s.halls {
		s.halls[i].sums, s.halls[i].due, s.halls[i].hosts = [quantities]total{}, 0, [2]int32{}
	}
	for i := range s.racks {
		r := &s.racks[i]
		r.sums, r.hosts, r.up, r.gpus, r.due = [quantities]total{}, 0, 0, 0, 0
	}
	s.forgetSecond()
	s.now, s.hosts, s.last = [quantities]total{}, 0, second
	before := s.recalled
	s.expiry, s.recalled = metric.Missing, Inventory{}
	for _, a := range s.senders {
		slot := a.at(second)
		if len(s.points) > 0 {
			s.hear(a, slot)
		}
		if a.rack >= 0 {
			s.racks[a.rack].gpus += int32(len(a.gpus))
			if a.host != "" {
				s.racks[a.rack].hosts++
			}
		}
		if a.absent(second) {
			s.recalled.GPUs += len(a.gpus)
			if a.host != "" {
				s.recalled.Hosts++
			}
		}
		if slot < 0 {
			continue
		}
		if a.expiry >= 0 && a.values[a.expiry] != metric.Missing && (s.expiry == metric.Missing || a.values[a.expiry] < s.expiry) {
			s.expiry = a.values[a.expiry]
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
			if t.n == 0 || p.point >= 0 {
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
			if v, ok := sane(a.values[g.value]); ok && g.factor == "lifecycle" {
				s.grid = gridNow{second, v, g.zone, g.provider, g.tier, g.factor}
			}
		}
	}
	if s.recalled != before {
		s.returned = second
	}
	s.whole = s.recalled == (Inventory{}) || second-max(s.returned, s.began) >= returnsWithin || second-s.began >= longestStep
	s.settle()
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

// count adds what a sender has to what is known of the site, by times one or
// minus one.
func (s *site) count(a *sender, by int) {
	n := int32(by)
	if a.host != "" {
		s.known.Hosts += by
	}
	if a.rack >= 0 {
		s.racks[a.rack].uses += n
	}
	s.known.GPUs += by * len(a.gpus)
	for i := range a.parts {
		p := &a.parts[i]
		if p.point < 0 {
			s.counts[p.quantity] += n * int32(len(p.values))
		}
		if p.rack >= 0 {
			s.racks[p.rack].uses += n
		}
	}
	for _, m := range a.meters {
		if !m.planned {
			s.meters[m.quantity] += n * m.n
		}
		if m.rack >= 0 {
			r := &s.racks[m.rack]
			r.uses += n
			if m.quantity == pduWatts && !m.planned {
				r.pdus += n * m.n
				s.halls[r.hall].pdus += n * m.n
			}
		}
	}
}

// forget drops a sender.
func (s *site) forget(a *sender) {
	s.count(a, -1)
	a.release()
	s.senders = slices.DeleteFunc(s.senders, func(b *sender) bool { return a == b })
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
		if r := &s.racks[i]; r.uses > 0 {
			racks[r.hall] = append(racks[r.hall], i)
		}
	}
	halls = slices.DeleteFunc(halls, func(i int) bool { return len(racks[int32(i)]) == 0 })
	for _, r := range racks {
		slices.SortFunc(r, func(a, b int) int { return strings.Compare(s.racks[a].name, s.racks[b].name) })
	}
	return halls, racks
}
