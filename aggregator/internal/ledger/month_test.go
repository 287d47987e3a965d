package ledger

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A month of a simulated plant near Brussels, in which clocks are set: what its
// meters counted is known by the quarter of an hour.
//
//	grid-a (and grid-a2, its backup) ─┐            ┌─ ups-1, ups-2
//	grid-b ───────────────────────────┤            ├─ cooling
//	solar, diesel ────────────────────┴── bar ─────┼─ export
//	                                               └─ office, which is not the site's
type month struct {
	zone     *time.Location
	year     int
	month    time.Month
	seed     uint64 // 0: it draws alike all the time
	from, to int64  // ms since 1970
	quarters int
	truth    map[string][]uint64 // mJ or mL
	final    [2][]int64          // mg/kWh, and millionths of EUR/kWh, as they stand in the end
	first    [2][]int64          // and as they were said at first
	events
}

// Events are stretches of quarters, but for those of changes.
type events struct {
	silent  []stretch         // the agent is down
	cut     stretch           // nothing gets through; it comes late
	lost    map[string]change // a meter is changed, and nobody wrote down what was shown
	known   map[string]change // likewise, and somebody did
	settled stretch           // the grid operator's word on grid-b
	revised stretch           // of the carbon intensity
	rollsAt int               // quarter in which the register of grid-b rolls over
}

// A stretch is [from, to), in quarters.
type stretch struct{ from, to int }

func (s stretch) has(i int) bool { return i >= s.from && i < s.to }

// A change of a meter: from the last reading of the old one to the first of the
// new one, ms since 1970.
type change struct{ from, to int64 }

const (
	monthStep = 5 * 60 * second // between records
	commits   = hourMs
	kWhMJ     = uint64(metric.MillijoulesPerKWh)
	rainML    = 400_000_000 // on the invoice
)

// Names of the meters.
const (
	gridA, gridA2, gridB        = "grid_input-a", "grid_input-a2", "grid_input-b"
	solar, diesel, export       = "onsite_generation", "generator_output", "export"
	ups1, ups2, cooling, office = "ups_output-1", "ups_output-2", "cooling", "other-office"
	heatOut, heatBack           = "heat_reuse-out", "heat_reuse-back"
	mains, rain                 = "water_total-mains", "water_total-rain"
)

// Those that are read; nobody reads the rain.
var monthMeters = []string{gridA, gridA2, gridB, solar, diesel, export, ups1, ups2, cooling, office, heatOut, heatBack, mains}

func newMonth(t *testing.T, year int, of time.Month, seed uint64) *month {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Brussels")
	if err != nil {
		t.Fatal(err)
	}
	m := &month{zone: zone, year: year, month: of, seed: seed, truth: map[string][]uint64{},
		from: time.Date(year, of, 1, 0, 0, 0, 0, zone).UnixMilli(), to: time.Date(year, of+1, 1, 0, 0, 0, 0, zone).UnixMilli()}
	m.quarters = int((m.to - m.from) / quarterMs)
	m.plan()
	rng := rand.New(rand.NewPCG(seed, seed))
	vary := func(n int) uint64 {
		if seed == 0 {
			return 0
		}
		return uint64(rng.IntN(n))
	}
	for i := range m.quarters {
		at := m.time(i)
		draws := map[string]uint64{ // kW, and mL/s
			ups1: 500 + vary(70), ups2: 400 + vary(50), cooling: 90 + vary(20), office: 10 + vary(3),
			heatOut: 200 + vary(30), heatBack: 20 + vary(4), mains: 300 + vary(80),
		}
		if at.Hour() >= 9 && at.Hour() < 16 {
			draws[solar] = 60 + vary(9)
		}
		if at.Day() == 3 && at.Hour() == 4 || at.Day() == 10 && at.Hour() == 6 {
			draws[diesel] = 200
		}
		if at.Weekday() == time.Sunday && at.Hour() == 12 {
			draws[export] = 5
		}
		const losses = 30
		bar := draws[ups1] + draws[ups2] + draws[cooling] + draws[office] + losses + draws[export] - draws[solar] - draws[diesel]
		draws[gridA] = bar * 6 / 10
		draws[gridB] = bar - draws[gridA]
		draws[gridA2] = draws[gridA] + vary(2) // it shows a little more
		for _, n := range monthMeters {
			per := 1000 * uint64(quarterMs) // mJ for a kW
			if n == mains {
				per = uint64(quarterMs) / 1000 // mL for a mL/s
			}
			m.truth[n] = append(m.truth[n], draws[n]*per)
		}
		m.speak(i, vary)
	}
	m.tenths()
	return m
}

// speak says what the grid is like in quarter i.
func (m *month) speak(i int, vary func(int) uint64) {
	carbon, price := 200_000+1000*int64(vary(150)), 80_000+500*int64(vary(60))
	if m.seed != 0 && i%50 == 7 {
		price = -12_345
	}
	first := carbon
	if m.revised.has(i) {
		first, carbon = 100_000, carbon+50_000
	}
	m.first[0], m.final[0] = append(m.first[0], first), append(m.final[0], carbon)
	m.first[1], m.final[1] = append(m.first[1], price), append(m.final[1], price)
}

// tenths makes grid-b count in whole tenths of a kWh, as its register does.
func (m *month) tenths() {
	const tenth = metric.MillijoulesPerKWh / 10
	var drawn uint64
	for i, mj := range m.truth[gridB] {
		before := drawn / tenth
		drawn += mj
		m.truth[gridB][i] = (drawn/tenth - before) * tenth
	}
	m.rollsAt = m.quarters / 2
}

func (m *month) time(i int) time.Time { return time.UnixMilli(m.ms(i)).In(m.zone) }

// ms is when quarter i begins.
func (m *month) ms(i int) int64 { return m.from + int64(i)*quarterMs }

func (m *month) moment(day, hour, minute int) int64 {
	return time.Date(m.year, m.month, day, hour, minute, 0, 0, m.zone).UnixMilli()
}

// at is the quarter that begins at a local time.
func (m *month) at(day, hour int) int { return int((m.moment(day, hour, 0) - m.from) / quarterMs) }

// clocks is the day on which they are set: the last Sunday of the month.
func (m *month) clocks() int {
	last := time.Date(m.year, m.month+1, 0, 0, 0, 0, 0, m.zone)
	return last.Day() - int(last.Weekday())
}

func (m *month) plan() {
	day := m.clocks()
	m.silent = []stretch{{m.at(3, 2), m.at(3, 8)}, {m.at(day, 1), m.at(day, 5)}}
	m.cut = stretch{m.at(16, 3), m.at(16, 9)}
	m.lost = map[string]change{
		gridA: {m.moment(5, 10, 0), m.moment(5, 12, 0)},
		ups1:  {m.moment(8, 13, 0), m.moment(8, 16, 0)},
		mains: {m.moment(20, 7, 0), m.moment(20, 19, 0)},
		solar: {m.moment(27, 11, 5), m.moment(27, 12, 15)},
	}
	m.known = map[string]change{ups2: {m.moment(13, 9, 0), m.moment(13, 10, 30)}}
	m.settled, m.revised = stretch{m.at(12, 0), m.at(19, 0)}, stretch{m.at(6, 0), m.at(9, 0)}
}

// A monthPlant sends what the meters of a month show.
type monthPlant struct {
	*plant
	layout  *metric.Layout
	quality map[string]metric.Quality
}

func (p *monthPlant) lay() {
	l := p.plant.layout()
	for i, n := range p.names {
		l.Columns = append(l.Columns, metric.Column{Metric: metric.CounterQuality, Form: metric.Int, Point: metric.EpochPoint(registerOf(quantityOf(n)), 0), First: i, Count: 1})
	}
	p.layout = l
}

// open is a process on a disk.
func (p *monthPlant) open(d Disk, terms account.Terms) {
	p.t.Helper()
	c := config()
	c.Account.Interval, c.Cache = p.step, 0
	l, err := open(c, d)
	if err != nil {
		p.t.Fatal(err)
	}
	p.b = &books{Ledger: l}
	if _, err := l.SetTerms("s1", terms); err != nil {
		p.t.Fatal(err)
	}
}

// record takes one, and sends what gets through.
func (p *monthPlant) record() {
	p.t.Helper()
	before := len(p.spool)
	cut := p.cut
	p.cut = true
	p.read()
	p.cut = cut
	for _, x := range p.spool[before:] {
		x.Layout = p.layout
		for _, n := range p.names {
			q := metric.Raw(p.quality[n])
			if p.silent[n] {
				q = metric.Missing
			}
			x.Values = append(x.Values, q)
		}
	}
	if p.cut {
		return
	}
	for _, x := range p.spool {
		p.messages++
		if o := p.b.Apply(x, time.UnixMilli(p.now), "L/1", p.messages); o.Verdict != account.Accepted || len(o.Alarms) > 0 {
			p.t.Fatalf("record %d: %v, %s, %v", x.Sequence, o.Verdict, o.Reason, o.Alarms)
		}
	}
	p.spool = nil
}

// simulate runs the month on a disk, up to four hours past its end.
func (m *month) simulate(t *testing.T, d *memory) *monthPlant {
	t.Helper()
	p := &monthPlant{plant: newPlant(t, newMemory(nil), m.from, monthStep, monthMeters...), quality: map[string]metric.Quality{}}
	p.lay()
	p.open(d, m.terms())
	// The register of grid-b shows tenths of a kWh in 32 bits. Its source counts them
	// through; its joules go on where the register begins again.
	var half uint64
	for _, mj := range m.truth[gridB][:m.rollsAt] {
		half += mj
	}
	const tenth = metric.MillijoulesPerKWh / 10
	shown, rolled, drawn := uint32(math.MaxUint32-half/tenth+1), 0, uint64(0)
	begins := uint64(shown)
	m.tell(p)
	p.record()
	for p.now < m.to+4*hourMs {
		i := int((p.now - m.from) / quarterMs)
		p.now += monthStep
		if i < m.quarters {
			for _, n := range monthMeters {
				p.register[n] += m.truth[n][i] / 3
			}
			p.register[gridB] -= m.truth[gridB][i] / 3
			drawn += m.truth[gridB][i] / 3
			now := uint32(begins + drawn/tenth)
			if now < shown {
				rolled++
			}
			p.register[gridB] += uint64(now-shown) * tenth
			shown = now
		}
		m.happen(p)
		m.tell(p)
		p.record()
		if p.now%commits == 0 {
			p.commit()
		}
	}
	if rolled != 1 {
		t.Fatalf("the register rolled over %d times", rolled)
	}
	return p
}

// happen sets who is silent now.
func (m *month) happen(p *monthPlant) {
	for n, c := range m.lost {
		if p.silent[n] = p.now > c.from && p.now < c.to; p.now == c.to {
			p.register[n], p.epoch[n] = 0, p.epoch[n]+1
		}
	}
	for n, c := range m.known {
		p.silent[n] = p.now > c.from && p.now < c.to
		p.quality[n] = metric.Measured
		if p.now == c.to {
			p.quality[n] = metric.Manual // as the collector has it of what people wrote down
		}
	}
	p.down = false
	for _, s := range m.silent {
		p.down = p.down || p.now > m.ms(s.from) && p.now < m.ms(s.to)
	}
	p.cut = p.now >= m.ms(m.cut.from) && p.now < m.ms(m.cut.to)
}

// tell says what providers say now.
func (m *month) tell(p *monthPlant) {
	i := min(int((p.now-m.from)/quarterMs), m.quarters-1)
	p.said[account.Lifecycle], p.said[account.Price] = float64(m.first[0][i])/1000, float64(m.first[1][i])/1000
}
