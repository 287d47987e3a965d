package account

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A State is all that the accounting of a process knows. It is not safe for
// concurrent use, and nothing in it depends on anything but the batches that
// were applied and the hours that were closed.
type State struct {
	config Config
	sites  map[string]*site
}

// NewState is the state of one who knows nothing.
func NewState(c Config) *State {
	return &State{config: c.withDefaults(), sites: map[string]*site{}}
}

// site is one site's books.
type site struct {
	config    *Config
	name      string
	simulated bool

	agents   []agent
	byAgent  map[string]uint32
	counters []counter
	meters   []uint32 // of counters: few among many
	byKey    keyIndex
	doubts   map[uint32]*doubt
	places   table[Place]
	hostOf   []uint32 // number of the node of each place
	nodes    []node
	byHost   map[string]uint32
	traits   table[Trait]
	grid     []gridSource
	roster   *roster

	overlays  map[overlayKey]*overlay
	hours     []*openHour
	current   *openHour // of hours: the one booked into last; nil: any
	next      int64     // the hour that will be sealed next; 0: none yet
	sealed    int64     // hours sealed, without restatements
	floor     int64     // hours before are not booked: they were sealed by a state that is lost
	life      [Quantities][metric.Qualities]Wide
	discarded Wide  // that fell before floor
	arrived   int64 // of the newest record, ms since 1970

	// scratch
	pieces     []piece
	holding    uint32   // who held what is being booked
	shown      shown    // what its board showed
	owing      []uint32 // nodes whose boards drew something in this tick
	parts      []uint64
	remainders []uint32
	order      []uint32
	crowded    bool // jobs were not told apart
}

const noAgent = math.MaxUint32

func (s *State) addSite(name string) *site {
	st := &site{
		config: &s.config, name: name, byAgent: map[string]uint32{}, doubts: map[uint32]*doubt{},
		byHost: map[string]uint32{}, roster: newRoster(), overlays: map[overlayKey]*overlay{},
	}
	s.sites[name] = st
	return st
}

// Sites are the names of the sites, sorted.
func (s *State) Sites() []string {
	names := make([]string, 0, len(s.sites))
	for n := range s.sites {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Apply books batch b of the ledger lane, which arrived at the given time,
// milliseconds since 1970. It keeps b's layout, and nothing else of b.
func (s *State) Apply(b *metric.Batch, arrived int64) Outcome {
	if err := valid(b); err != nil {
		return Outcome{Verdict: Invalid, Reason: err.Error()}
	}
	st := s.sites[b.Site]
	if st == nil {
		if len(s.sites) >= s.config.Sites {
			return Outcome{Verdict: Invalid, Reason: "more sites than are told apart", Alarms: []Alarm{{Full, "", "more sites than are told apart"}}}
		}
		st = s.addSite(strings.Clone(b.Site))
	}
	if st.mixes(b) {
		return Outcome{Verdict: Invalid, Reason: "simulated and real readings under one site's name"}
	}
	n, ok := st.byAgent[b.Agent]
	if !ok {
		if len(st.agents) >= s.config.Agents {
			return Outcome{Verdict: Invalid, Reason: "more agents than are told apart", Alarms: []Alarm{{Full, "", "more agents than are told apart"}}}
		}
		n = uint32(len(st.agents))
		st.agents = append(st.agents, agent{name: strings.Clone(b.Agent)})
		st.byAgent[st.agents[n].name] = n
	}
	a := &st.agents[n]
	o := a.admit(b, arrived)
	if o.Verdict != Accepted {
		return o
	}
	a.dirty = true
	st.arrived = max(st.arrived, arrived)
	if b.Flags&metric.Restated != 0 {
		st.passOver(n, uint32(b.Sequence))
		return o
	}
	if b.Flags&metric.Gap != 0 {
		a.gap = true
		return o
	}
	if err := st.record(n, b, arrived, &o); err != nil {
		o.Verdict, o.Reason = Invalid, err.Error()
	}
	return o
}

// Takes reports whether Apply would accept b now.
func (s *State) Takes(b *metric.Batch, arrived int64) bool {
	var a agent // a copy
	if st := s.sites[b.Site]; st != nil {
		if st.mixes(b) {
			return false
		}
		if n, ok := st.byAgent[b.Agent]; ok {
			a = st.agents[n]
		}
	}
	return valid(b) == nil && a.admit(b, arrived).Verdict == Accepted
}

// passOver goes on after record number of agent n, which read nothing: who held
// what in the record before holds it still.
func (s *site) passOver(n, number uint32) {
	for i := range s.counters {
		if c := &s.counters[i]; c.owner == n && c.record == number-1 {
			c.record = number
		}
	}
}

// mixes reports whether b would put a model's joules beside measured ones. A gap
// holds nothing, and so is neither.
func (s *site) mixes(b *metric.Batch) bool {
	gap := b.Flags&(metric.Gap|metric.Restated) == metric.Gap
	return len(s.counters) > 0 && !gap && b.Layout != nil && b.Layout.Simulated != s.simulated
}

// valid says what is wrong with b before it is known whether it is wanted.
func valid(b *metric.Batch) error {
	switch {
	case b.Lane != metric.Ledger:
		return fmt.Errorf("a batch of lane %d is not accounted", b.Lane)
	case !metric.ValidName(b.Site) || !metric.ValidName(b.Agent):
		return fmt.Errorf("site %q or agent %q is no name", b.Site, b.Agent)
	case b.Sequence == 0:
		return fmt.Errorf("sequence numbers begin at 1")
	case b.Flags&metric.Gap != 0 && (b.Skipped == 0 || b.Skipped > b.Sequence):
		return fmt.Errorf("a gap of %d records ends at number %d", b.Skipped, b.Sequence)
	}
	return nil
}

// record books the readings of b, which is agent n's next.
func (s *site) record(n uint32, b *metric.Batch, arrived int64, o *Outcome) error {
	a := &s.agents[n]
	if b.Layout == nil || b.Ticks < 1 || b.Ticks > 1<<16 || b.Interval < 0 || b.Interval > hour {
		return fmt.Errorf("batch of %d ticks, %d ms apart, without a layout: %t", b.Ticks, b.Interval, b.Layout == nil)
	}
	if a.plan == nil || a.plan.layout != b.Layout {
		p, err := s.newPlan(b.Layout, o)
		if err != nil {
			return err
		}
		a.plan, s.simulated = p, s.simulated || b.Layout.Simulated
	}
	p := a.plan
	if len(b.Values) != b.Ticks*p.width {
		return fmt.Errorf("batch of %d values for %d ticks of %d", len(b.Values), b.Ticks, p.width)
	}
	for i := range b.Ticks {
		wall := min(max(0, b.Time), 1<<45) + int64(i)*b.Interval
		boot := int64(0)
		if b.Boottime > 0 && b.Boottime < 1<<61 {
			boot = b.Boottime + int64(i)*b.Interval*1e6
		}
		before := a.time
		at := a.read(wall, boot, arrived, s.config.Interval, a.restarted)
		if s.next == 0 {
			s.next = at.time / hour
		}
		r := reading{time: at.time, unsure: at.unsure, stood: at.stood, boot: boot / 1e6, record: uint32(b.Sequence), before: uint32(b.Sequence)}
		if i == 0 {
			r.before--
		}
		r.blind = a.gap || a.restarted || at.time-before > s.config.Interval*5/2
		a.jobs = p.claims.reads || a.jobs && !a.restarted
		if at.odd {
			r.flags |= FlagClock
			o.alarm(Clock, "", fmt.Sprintf("its clocks disagree; booked at %d ms from its wall clock", at.time-wall))
		}
		if a.gap {
			r.flags |= FlagGap
		}
		a.gap, a.restarted = false, false
		s.tick(n, p, b.Values[i*p.width:(i+1)*p.width], r, at.shift, o)
	}
	return nil
}

// tick books one tick of agent n; r has what all its readings share.
func (s *site) tick(n uint32, p *plan, values []metric.Raw, r reading, shift int64, o *Outcome) {
	s.allocate(n, p, values, r.time, o)
	for i := range p.lines {
		l := &p.lines[i]
		c := &s.counters[l.account]
		if shift != 0 && c.owner == n && c.since != 0 {
			c.time = max(0, c.time+shift)
		}
		r := r
		switch c.quantity {
		case GPUEnergy:
			r.holding = l.held
		case HostEnergy:
			r.holding = s.holds(&s.nodes[s.hostOf[l.place]], r.time)
		}
		v := values[l.value]
		if v < 0 { // missing among them
			c.pass(n, &r)
			continue
		}
		if c.owner != n {
			if !s.handOver(c, n, r.time, o) {
				continue
			}
			r.blind, r.stood = true, false // its own records tell nothing of the time since another's
		}
		r.value, r.rate, r.epoch, r.place = uint64(v), l.rate, unknownEpoch, l.place
		if l.epoch >= 0 && values[l.epoch] != metric.Missing {
			r.epoch = int64(values[l.epoch])
		}
		if l.power >= 0 {
			r.power, r.powered = milliwatts(values[l.power])
		}
		if l.quality >= 0 && values[l.quality] != metric.Missing {
			q := values[l.quality]
			if q < 0 || q >= metric.Raw(metric.QualityMissing) {
				c.pass(n, &r)
				continue // known to be unknown
			}
			r.quality = metric.Quality(q)
		}
		s.shown = notShown
		if c.quantity == GPUEnergy && r.time-c.time <= s.config.Interval*5/2 { // of a longer time it says nothing
			s.shown = l.shown(values)
		}
		if err := s.take(l.account, r, o); err != nil {
			o.alarm(Overflow, c.name, err.Error())
		}
		if c.quantity == HostEnergy {
			s.review(l.account, r.time, o)
		}
	}
	s.endTick(o)
	for _, g := range p.grid {
		s.takeGrid(g.source, values[g.value], r.time)
	}
}

// handOver makes agent n the owner of account c, if its owner is silent.
func (s *site) handOver(c *counter, n uint32, t int64, o *Outcome) bool {
	if c.owner != noAgent && c.since != 0 && t-c.time < takeover {
		c.flags |= FlagConflict
		o.alarm(Conflict, c.name, "agent "+s.agents[c.owner].name+" reports it too, and is believed")
		return false
	}
	c.owner = n
	return true
}

// milliwatts is a power as an integer; ok is false if it was not read.
func milliwatts(r metric.Raw) (mw uint64, ok bool) {
	w := r.Float()
	if !(w >= 0 && w < 1e12) {
		return 0, false
	}
	return uint64(w * 1000), true
}

// A Watermark is the last record of an agent that is booked.
type Watermark struct {
	Site, Agent           string
	Incarnation, Sequence uint64
}

// Moved are the watermarks that moved since the last call.
func (s *State) Moved() []Watermark {
	var ws []Watermark
	for _, name := range s.Sites() {
		st := s.sites[name]
		for i := range st.agents {
			if a := &st.agents[i]; a.dirty {
				a.dirty = false
				ws = append(ws, Watermark{name, a.name, a.incarnation, a.sequence})
			}
		}
	}
	return ws
}
