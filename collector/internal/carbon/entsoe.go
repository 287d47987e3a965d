package carbon

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"time"
)

// An entsoe asks the Transparency Platform: generation by type (A75), load (A65),
// physical flows (A11) and day-ahead prices (A44). It is used by one goroutine.
type entsoe struct {
	*client
	source   *Source
	area     area
	zones    map[string]area
	sequence int
	sets     [2]*factorSet // lifecycle, direct
	vendor   *vendor
	balanced bool
	trace    []string // zones, the own one first
	traced   *vendor

	own    *generation
	others map[string]*generation    // of the zones traced through
	load   map[slot]float64          // MW
	flows  map[flow]map[slot]float64 // MW

	wide, far map[string]time.Time // when what was last asked for further back
}

// A flow is one direction of a border, by the zones' codes.
type flow struct{ from, to string }

func (s *Source) openENTSOE(p *Provider, zones map[string]area) error {
	c, err := s.client(p, "https://web-api.tp.entsoe.eu")
	if err != nil {
		return err
	}
	if p.Key == (Key{}) {
		return errors.New("it needs a key: a security token")
	}
	c.ban = 10 * time.Minute
	c.timeout = max(c.timeout, 2*time.Minute) // a month takes long
	c.keyed = inQuery("securityToken")
	e := &entsoe{
		client: c, source: s, area: s.area, zones: zones, sequence: max(1, p.Sequence), balanced: !p.NoBalance && len(s.area.Neighbours) > 0,
		own: newGeneration(), others: map[string]*generation{}, load: map[slot]float64{}, flows: map[flow]map[slot]float64{},
		wide: map[string]time.Time{}, far: map[string]time.Time{},
	}
	if p.Area != "" {
		e.area.EIC = p.Area
	}
	if p.PriceArea != "" {
		e.area.PriceEIC = p.PriceArea
	} else if e.area.PriceEIC == "" {
		e.area.PriceEIC = e.area.EIC
	}
	if e.area.EIC == "" {
		return fmt.Errorf("zone %s is not known: say its code (EIC) as area", s.c.Zone)
	}
	if e.sets[Lifecycle], e.sets[Direct], err = s.c.factorSets(); err != nil {
		return err
	}
	every := func(unset time.Duration) time.Duration {
		if p.Period != 0 {
			return p.Period
		}
		return unset
	}
	o := &poller{name: p.Name}
	if len(p.Trace) > 0 && p.Only != "price" {
		if err := e.checkTrace(p.Trace, s.c.Zone); err != nil {
			return err
		}
		e.traced = s.vendor("entsoe-traced")
	}
	e.vendor = s.vendor(p.Name)
	if p.Only != "price" {
		if e.balanced {
			o.feeds = append(o.feeds, &feed{what: "load and flows", period: every(15 * time.Minute), fetch: e.fetchBalance})
		}
		o.feeds = append(o.feeds, &feed{what: "generation", period: every(15 * time.Minute), fetch: e.fetchGeneration})
		if e.traced != nil {
			o.feeds = append(o.feeds, &feed{what: "traced flows", period: every(30 * time.Minute), fetch: e.fetchTraced})
		}
	}
	if p.Only != "intensity" {
		o.feeds = append(o.feeds, &feed{what: "prices", period: every(30 * time.Minute), fetch: e.fetchPrices})
	}
	s.pollers = append(s.pollers, o)
	return nil
}

// How far back figures are asked for again, since they are corrected for days,
// and how often.
const (
	near      = 2 * 24 * time.Hour
	wide      = 4 * 24 * time.Hour
	far       = 31 * 24 * time.Hour
	wideEvery = 6 * time.Hour
	farEvery  = 24 * time.Hour
)

// window is from when to when to ask for what at the time now; done says that
// it was answered. What was not is asked for as far back an hour later: until then
// less may do.
func (e *entsoe) window(what string, now time.Time, most time.Duration) (from, to time.Time, done func()) {
	back := near
	switch {
	case most >= far && now.Sub(e.far[what]) >= farEvery:
		back = far
		e.far[what] = now.Add(time.Hour - farEvery)
	case now.Sub(e.wide[what]) >= wideEvery:
		back = wide
		e.wide[what] = now.Add(time.Hour - wideEvery)
	}
	to = now.UTC().Truncate(time.Hour).Add(time.Hour)
	return to.Add(-back), to, func() {
		if back == far {
			e.far[what] = now
		}
		if back >= wide {
			e.wide[what] = now
		}
	}
}

// want is a question for a type of document.
func (e *entsoe) want(ctx context.Context, kind string, from, to time.Time, take func([]byte) error, more ...string) error {
	const form = "200601021504"
	q := url.Values{"documentType": {kind}, "periodStart": {from.UTC().Format(form)}, "periodEnd": {to.UTC().Format(form)}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if err := e.ask(ctx, "/api", q, take); !errors.Is(err, errSame) {
		return err
	}
	return nil
}

// fetchPrices asks for the days around now: tomorrow's prices come out at noon.
func (e *entsoe) fetchPrices(ctx context.Context, now time.Time) (list []delivery, err error) {
	today := now.UTC().Truncate(24 * time.Hour)
	err = e.want(ctx, "A44", today.Add(-3*24*time.Hour), today.Add(2*24*time.Hour), func(b []byte) error {
		figures, err := parsePrices(b, e.area.PriceEIC, e.sequence, now.Unix())
		list = []delivery{{e.vendor, Price, figures}}
		return err
	}, "in_Domain", e.area.PriceEIC, "out_Domain", e.area.PriceEIC, "contract_MarketAgreement.type", "A01")
	return list, err
}

// fetchGeneration asks for what the zone generates.
func (e *entsoe) fetchGeneration(ctx context.Context, now time.Time) ([]delivery, error) {
	e.recall()
	from, to, done := e.window("A75", now, far)
	published, err := e.askGeneration(ctx, e.area.EIC, e.own, from, to)
	if err != nil {
		return nil, err
	}
	done()
	e.prune(now)
	first, end := slotOf(from), slotOf(to)
	check := func(at slot) error { return e.unbalanced(at, slotOf(now)) }
	var list []delivery
	var why error
	for q, set := range e.sets {
		figures, err := e.own.figures(Quantity(q), set, first, end, check)
		for i := range figures {
			figures[i].published, figures[i].fetched = published, now.Unix()
		}
		list = append(list, delivery{e.vendor, Quantity(q), figures})
		if why == nil {
			why = err
		}
	}
	return list, why
}

// askGeneration adds what a zone generates to g, and is when the answer was made.
func (e *entsoe) askGeneration(ctx context.Context, eic string, g *generation, from, to time.Time) (published int64, err error) {
	err = e.want(ctx, "A75", from, to, func(b []byte) error {
		published, err = g.take(b, eic)
		return err
	}, "processType", "A16", "in_Domain", eic)
	return published, err
}

// fetchBalance asks for load and flows, against which the mix is checked.
func (e *entsoe) fetchBalance(ctx context.Context, now time.Time) ([]delivery, error) {
	from, to, done := e.window("A65", now, far)
	err := e.want(ctx, "A65", from, to, func(b []byte) error {
		return parseCurve(b, "GL_MarketDocument", "A65", func(s *series) bool { return s.OutOf == e.area.EIC }, e.load)
	}, "processType", "A16", "outBiddingZone_Domain", e.area.EIC)
	if err != nil {
		return nil, err
	}
	for _, n := range e.area.Neighbours {
		bad := e.askBorder(ctx, e.area.EIC, e.zones[n].EIC, from, to)
		if bad == nil {
			continue
		}
		err = fmt.Errorf("flows with %s: %w", n, bad)
		if p := (pause{}); errors.As(bad, &p) || ctx.Err() != nil {
			return nil, err
		}
	}
	done() // a border that fails must not have all of them asked for a month each time
	return nil, err
}

// askBorder asks for both directions of a border.
func (e *entsoe) askBorder(ctx context.Context, a, b string, from, to time.Time) error {
	for _, f := range []flow{{a, b}, {b, a}} {
		if err := e.askFlow(ctx, f, from, to); err != nil {
			return err
		}
	}
	return nil
}

// askFlow asks for one direction of a border, where there may be nothing.
func (e *entsoe) askFlow(ctx context.Context, f flow, from, to time.Time) error {
	if e.flows[f] == nil {
		e.flows[f] = map[slot]float64{}
	}
	err := e.want(ctx, "A11", from, to, func(b []byte) error {
		return parseCurve(b, "Publication_MarketDocument", "A11", func(s *series) bool { return s.To == f.to && s.From == f.from }, e.flows[f])
	}, "in_Domain", f.to, "out_Domain", f.from)
	if errors.Is(err, errNoData) {
		return nil
	}
	return err
}

// flowAt is what flows over a border into and out of a zone; ok is false where
// neither direction is known. Of the two the one without a value is none.
func (e *entsoe) flowAt(zone, other string, at slot) (in, out float64, ok bool) {
	in, a := e.flows[flow{other, zone}][at]
	out, b := e.flows[flow{zone, other}][at]
	return max(0, in), max(0, out), a || b
}

// How much of the load a mix must account for, and how long the load may take to
// be published.
const (
	enough    = 0.9
	loadAfter = 3 * slot(4)
)

// unbalanced says what is wrong with the mix of a slot against load and flows,
// nil if nothing is, or if they are not known and will not be.
func (e *entsoe) unbalanced(at, now slot) error {
	if !e.balanced {
		return nil
	}
	need, ok := e.load[at]
	for _, n := range e.area.Neighbours {
		if code := e.zones[n].EIC; len(e.flows[flow{code, e.area.EIC}])+len(e.flows[flow{e.area.EIC, code}]) == 0 {
			return nil // nobody publishes this border
		}
		in, out, known := e.flowAt(e.area.EIC, e.zones[n].EIC, at)
		ok = ok && known
		need += out - in
	}
	switch m := e.own.mixes[at]; {
	case !ok && now-at <= loadAfter && len(e.load) > 0:
		return errNotYet
	case ok && m != nil && m.total() < enough*need:
		return fmt.Errorf("generation of %.0f MW is less than %.0f %% of load and exports of %.0f MW", m.total(), 100*enough, need)
	}
	return nil
}

// recall takes up the intensities that are remembered.
func (e *entsoe) recall() {
	if e.own.grams[0] != nil {
		return
	}
	e.source.mu.Lock()
	defer e.source.mu.Unlock()
	for q := range e.own.grams {
		e.own.grams[q] = map[slot]float64{}
		for at, f := range e.vendor.shelves[q].figures {
			if f.basis == Generated && f.set == e.sets[q].Name {
				e.own.grams[q][at] = f.value
			}
		}
	}
}

// prune forgets what is not asked for again.
func (e *entsoe) prune(now time.Time) {
	old := slotOf(now.Add(-far)) - 8*aDay
	forget := func(m map[slot]float64) {
		for at := range m {
			if at < old {
				delete(m, at)
			}
		}
	}
	forget(e.load)
	for _, f := range e.flows {
		forget(f)
	}
	e.own.prune(old, slotOf(now)-shelfBack)
	for _, g := range e.others {
		g.prune(old, old)
	}
}

// parseCurve adds the values of the series that are wanted, in MW.
func parseCurve(b []byte, root, kind string, wanted func(*series) bool, into map[slot]float64) error {
	doc, err := parseDocument(b, root, kind)
	if err != nil {
		return err
	}
	room := mostSteps
	for i := range doc.Series {
		s := &doc.Series[i]
		if !wanted(s) {
			continue
		}
		if s.Unit != "MAW" {
			return fmt.Errorf("unit %q where MAW is wanted", s.Unit)
		}
		steps, err := s.steps(&room)
		if err != nil {
			return err
		}
		fill(steps, func(at slot, mw float64) {
			if math.Abs(mw) <= mostMegawatts {
				into[at] = mw
			}
		})
	}
	return nil
}

// mostMegawatts is more than a zone has.
const mostMegawatts = 1e6

// fill hands the slots of steps to take.
func fill(steps []step, take func(at slot, value float64)) {
	for _, p := range steps {
		for at := slotAt(p.from); at.start() < p.to; at++ {
			take(at, p.value)
		}
	}
}

// checkTrace checks the zones that flows are traced through, and puts the own one
// first.
func (e *entsoe) checkTrace(list []string, zone string) error {
	if !slices.Contains(list, zone) {
		list = append([]string{zone}, list...)
	}
	for _, n := range list {
		if e.zones[n].EIC == "" {
			return fmt.Errorf("trace: zone %q is not known", n)
		}
		if n != zone {
			e.trace = append(e.trace, n)
		}
	}
	for _, n := range e.area.Neighbours {
		if !slices.Contains(list, n) {
			return fmt.Errorf("trace: %s is missing, a neighbour of %s", n, zone)
		}
	}
	e.trace = append([]string{zone}, e.trace...)
	return nil
}

// code, neighbours and yearly are what is known of a zone by its name.
func (e *entsoe) code(zone string) string {
	if zone == e.trace[0] {
		return e.area.EIC
	}
	return e.zones[zone].EIC
}

func (e *entsoe) neighbours(zone string) []string { return e.zones[zone].Neighbours }

func (e *entsoe) yearly(q Quantity, zone string) (float64, bool) {
	t := e.source.yearly
	if t == nil || t.Factor != q.String() {
		return 0, false
	}
	grams, ok := t.Grams[e.zones[zone].Country]
	return grams, ok
}
