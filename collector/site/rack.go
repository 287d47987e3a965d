package site

import (
	"fmt"
	"strings"
	"time"
)

// A Hall is a room with racks.
type Hall struct {
	ID   string
	mark *mark
}

// A Rack is a place for hosts.
type Rack struct {
	ID     string
	Hall   string // "": not known
	Rating Power  // 0: not known
	Hosts  []Host
	InUse  Span // while it is expected

	mark *mark
}

// A Host is one that is expected in its rack.
type Host struct {
	Name   string // "": counted only
	GPUs   int
	Rating Power // nominal; 0: not known
	Model  string
}

// Limits of what a site has.
const (
	mostHalls  = 1000
	mostRacks  = 20_000
	mostHosts  = 100_000
	mostMeters = 50_000
	mostGPUs   = 64 // of a host
)

// An Inventory counts what is expected.
type Inventory struct {
	Racks, Hosts, GPUs int
	Power              Power // nominal, of the hosts that say it
	Unrated            int   // hosts that do not
}

// Expected is what should be there at t.
func (s *Site) Expected(t time.Time) Inventory {
	var n Inventory
	d := s.DateOf(t)
	for i := range s.Racks {
		k := &s.Racks[i]
		if !k.InUse.Contains(d) {
			continue
		}
		n.Racks++
		n.Hosts += len(k.Hosts)
		for _, h := range k.Hosts {
			n.GPUs += h.GPUs
			n.Power += h.Rating
			if h.Rating == 0 {
				n.Unrated++
			}
		}
	}
	return n
}

func (s *Site) readHalls(r *reader, v value) {
	seen := map[string]place{}
	for _, item := range v.words() {
		ids := item.tokens()
		if len(ids)+len(s.Halls) > mostHalls {
			item.wrong("", "more than %d halls", mostHalls)
			return
		}
		for _, id := range r.once(seen, item.place, ids) {
			s.hall[id] = len(s.Halls)
			s.Halls = append(s.Halls, Hall{id, &mark{place: item.place}})
		}
	}
}

func (s *Site) readRacks(r *reader, v value) {
	hosts := 0
	seen, named := map[string]place{}, map[string]place{}
	for _, item := range v.items() {
		k := item.section()
		ids := k.ids("racks", "write id: r0001, or a pattern, such as r[0001-0064]", "the rack")
		if len(ids) == 0 {
			continue
		}
		if len(ids)+len(s.Racks) > mostRacks {
			r.wrong(k.at("id"), "", "more than %d racks", mostRacks)
			return
		}
		hall := k.get("hall").forEach(len(ids))
		rating, _ := powers.take(k.get("rating"))
		in := k.get("hosts").hosts(ids)
		span := k.span()
		k.end()
		m := k.mark()
		for i, id := range r.once(seen, m.at("id"), ids) {
			rack := Rack{ID: id, Hall: hall(i), Rating: Power(rating), InUse: span, mark: m}
			for _, h := range in[i] {
				if first, twice := named[h.Name]; twice && h.Name != "" {
					r.again(m.at("hosts"), h.Name, first)
					continue
				}
				named[h.Name] = m.at("hosts")
				rack.Hosts = append(rack.Hosts, h)
			}
			if hosts += len(rack.Hosts); hosts > mostHosts {
				r.wrong(m.at("hosts"), "", "more than %d hosts", mostHosts)
				return
			}
			s.rack[id] = len(s.Racks)
			s.Racks = append(s.Racks, rack)
		}
	}
}

// hosts is what stands in each of the racks.
func (v value) hosts(racks []string) [][]Host {
	all := make([][]Host, len(racks))
	total := 0
	for _, item := range v.items() {
		s := item.section()
		h := Host{GPUs: s.get("gpus").whole(0, mostGPUs, 0), Model: s.get("model").text()}
		rating, _ := powers.take(s.get("rating"))
		h.Rating = Power(rating)
		names, number := s.get("names"), s.get("number")
		s.end()
		switch {
		case names.given() && number.given():
			number.wrong("leave out one of them", "names already say how many there are")
		case names.given():
			names.deal(racks, func(i int, name string) {
				h := h
				h.Name = name
				all[i] = append(all[i], h)
			})
		case number.given():
			n := number.whole(1, mostHosts, 0)
			if total += n * len(racks); total > mostHosts {
				number.wrong("", "more than %d hosts", mostHosts)
				return all
			}
			for i := range racks {
				for range n {
					all[i] = append(all[i], h)
				}
			}
		default:
			s.r.wrong(s.place, "write names: n[00001-00512], or number: how many stand in each of the racks", "missing: which hosts")
		}
	}
	return all
}

// rackWord stands in names of hosts for the name of their rack.
const rackWord = "{rack}"

// deal gives the hosts that v names to the racks, in order, as many to each.
func (v value) deal(racks []string, give func(rack int, name string)) {
	p := v.patternText()
	if strings.Contains(p, rackWord) {
		for i, id := range racks {
			for _, name := range v.hostNames(strings.ReplaceAll(p, rackWord, id)) {
				give(i, name)
			}
			if v.r.names < 0 {
				return
			}
		}
		return
	}
	names := v.hostNames(p)
	if len(names)%len(racks) != 0 {
		v.wrong("split the entry, so that each has racks with as many hosts", "%d hosts cannot be dealt out evenly to %d racks", len(names), len(racks))
		return
	}
	each := len(names) / len(racks)
	for i, name := range names {
		give(i/each, name)
	}
}

// judgeRacks holds racks against halls and hosts.
func (s *Site) judgeRacks(r *reader) {
	var told *mark
	for i := range s.Racks {
		k := &s.Racks[i]
		if told == k.mark {
			continue
		}
		if _, ok := s.hall[k.Hall]; k.Hall != "" && !ok {
			r.wrong(k.mark.at("hall"), r.nearestOf(k.Hall, s.hallNames), "there is no hall %q under halls", short(k.Hall))
			told = k.mark
			continue
		}
		if k.Hall == "" && len(s.Halls) > 0 {
			r.warn(k.mark.at("id"), "write hall:, so that its energy is in the hall's", "%s is in no hall", k.ID)
			told = k.mark
		}
		var sum Power
		for _, h := range k.Hosts {
			sum += h.Rating
		}
		if k.Rating > 0 && sum > k.Rating {
			r.warn(k.mark.at("rating"), "check both", "%s is rated %s, and its hosts together %s", k.ID, k.Rating, sum)
			told = k.mark
		}
	}
}

func (s *Site) hallNames() (names []string) {
	for _, h := range s.Halls {
		names = append(names, h.ID)
	}
	return names
}

func (s *Site) rackNames() (names []string) {
	for _, k := range s.Racks {
		names = append(names, k.ID)
	}
	return names
}

// ofRacks is how many racks of how many.
func ofRacks(n, of int) string {
	if n == of {
		return fmt.Sprintf("all %d racks", of)
	}
	return fmt.Sprintf("%d of %d racks", n, of)
}
