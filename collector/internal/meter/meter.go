package meter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Reader speaks a protocol to one device. It is used by one goroutine. One
// that is an io.Closer is closed in the end.
type Reader interface {
	// Gives is what a reading may have, always the same.
	Gives() []Kind

	// Read asks the device, and returns when ctx ends. Values without a time are
	// of the moment at which it was called. What the device does not know now is
	// left out; values beside an error stand, and the error says why others are
	// lacking. A device that sends by itself gives all that came since it was read
	// last, oldest first, or else the newest again.
	Read(ctx context.Context) ([]Value, error)
}

// A Rereader is a Reader that knows other ways to read what it last read: with
// the words of a register in another order, say. They are told to people, and
// never used.
type Rereader interface {
	Otherwise(Kind) []Otherwise
}

// A Sender is a Reader of a device that sends by itself. Its channel has
// something when it is worth being read before its time.
type Sender interface {
	Sent() <-chan struct{}
}

// Otherwise is what a value would be under another setting, in its unit; of a
// register in millijoules or millilitres.
type Otherwise struct {
	Setting string // word_order: low_first
	Number  float64
}

// A Patient error says when it makes sense to ask again.
type Patient interface {
	error
	RetryAfter() time.Duration
}

// A Meter is one instrument of a site.
type Meter struct {
	Name       string
	Role       string // metric.RoleGridInput and so on
	Hall, Rack string // where it is; unknown: it is the site's
	Reader     Reader
	Line       string         // meters of one line are asked one at a time; empty: it has a line of its own
	Period     time.Duration  // between readings; default 10 s
	Timeout    time.Duration  // of a reading; default 10 s
	Hold       time.Duration  // of a device that sends when something changes: what it said stands for so long; 0: it is polled
	Rating     float64        // W, of the circuit; 0: unknown, 2 GW
	MaxFlow    float64        // m³/s; 0: unknown, 10 m³/s
	MinFlow    *float64       // m³/s; nil: unknown
	Rollover   int64          // at which the register of its role shows zero again, mJ or mL; 0: as its reader says
	Invert     bool           // it is the other direction of the device that counts here
	Fluid      *Fluid         // heat is worked out of flow and temperatures
	Installed  []Installation // by time; none: one device, since ever

	noise            map[Quantity]float64 // so little below zero is zero
	rated, flowRated bool                 // these are known
}

// An Installation is one device at the place of a meter. Where a device is
// replaced, what both registers showed makes the change exact.
type Installation struct {
	From           time.Time // since when it is there; zero: ever since
	Serial         string    // or anything else that changes with the device
	Class          string    // of its accuracy, such as 0.5S
	Ratio          float64   // of its transformers, as far as it does not apply them; 0: 1
	Initial, Final *int64    // of the register of the meter's role when it came and went, mJ or mL, the ratio applied; nil: nobody wrote it down
}

// installedAt is the number of the device that was there at a time.
func installedAt(list []Installation, at time.Time) int {
	n := 0
	for i := range list {
		if i > 0 && !at.Before(list[i].From) {
			n = i
		}
	}
	return n
}

// A Fluid is what carries heat.
type Fluid struct {
	Density      float64 // kg/m³
	HeatCapacity float64 // J/(kg K)
}

// FluidOf is a fluid of cooling loops near 40 °C, by its name: water, or glycol25,
// which is about what a quarter of propylene glycol by volume makes of it. What
// glycol is in a loop is to be measured: it changes the heat by a tenth.
func FluidOf(name string) (f Fluid, ok bool) {
	switch name {
	case "water":
		return Fluid{992.2, 4179}, true
	case "glycol25":
		return Fluid{1013, 3900}, true
	}
	return Fluid{}, false
}

// heat is what a flow in m³/s carries off, in W.
func (f *Fluid) heat(flow, supply, back float64) float64 {
	return flow * f.Density * f.HeatCapacity * (back - supply)
}

// Points of a loop.
const (
	Supply = "supply"
	Return = "return"
)

// Limits of what is not known better.
const (
	anyRating = 2e9          // W
	anyFlow   = 10.          // m³/s
	over      = 1.2          // times its rating is as much as a meter may show
	steepest  = 4.18e6 * 100 // J/m³, that water takes up on its way through a loop
)

var roles = map[string]bool{
	metric.RoleGridInput: true, metric.RoleGeneratorOutput: true, metric.RoleOnsiteGeneration: true, metric.RoleExport: true,
	metric.RoleUPSOutput: true, metric.RolePDUOutput: true, metric.RoleITInput: true, metric.RoleCooling: true,
	metric.RoleDistribution: true, metric.RoleLighting: true, metric.RoleHeatReuse: true, metric.RoleWaterTotal: true, metric.RoleWaterPotable: true,
}

// directed roles count one direction only: power that flows the other way is
// none of theirs.
func directed(role string) bool {
	switch role {
	case metric.RoleGridInput, metric.RoleGeneratorOutput, metric.RoleOnsiteGeneration, metric.RoleExport:
		return true
	}
	return false
}

// Check says what is wrong with m, nil if it can be read.
func (m Meter) Check() error { return m.settle() }

// settle fills in what was left out, and says what is wrong with m.
func (m *Meter) settle() error {
	if m.Name == "" || len(m.Name) > metric.MaxText || len(m.Hall) > metric.MaxText || len(m.Rack) > metric.MaxText {
		return fmt.Errorf("meter %q in %q %q: names are 1 to %d bytes", m.Name, m.Hall, m.Rack, metric.MaxText)
	}
	if !roles[m.Role] {
		return fmt.Errorf("meter %s: %q is no role", m.Name, m.Role)
	}
	if m.Reader == nil {
		return fmt.Errorf("meter %s: nothing reads it", m.Name)
	}
	defaults := func(p *float64, v float64) {
		if *p == 0 {
			*p = v
		}
	}
	noise := max(10, m.Rating/50)
	m.noise = map[Quantity]float64{Power: noise, Heat: noise, HeatPower: noise, Flow: max(1e-6, m.MaxFlow/50)}
	m.rated, m.flowRated = m.Rating != 0, m.MaxFlow != 0
	defaults(&m.Rating, anyRating)
	defaults(&m.MaxFlow, anyFlow)
	m.Installed = slices.Clone(m.Installed)
	if len(m.Installed) == 0 {
		m.Installed = []Installation{{}}
	}
	for i := range m.Installed {
		in := &m.Installed[i]
		defaults(&in.Ratio, 1)
		switch {
		case !(in.Ratio > 0 && in.Ratio <= 1e6):
			return fmt.Errorf("meter %s: transformer ratio %g", m.Name, in.Ratio)
		case i > 0 && !in.From.After(m.Installed[i-1].From):
			return fmt.Errorf("meter %s: device %q came no later than the one before it", m.Name, in.Serial)
		}
	}
	if m.Period == 0 {
		m.Period = 10 * time.Second
	}
	if m.Timeout == 0 {
		m.Timeout = 10 * time.Second
	}
	switch {
	case !(m.Rating > 0 && m.Rating <= anyRating):
		return fmt.Errorf("meter %s: rating %g W; want up to %g", m.Name, m.Rating, anyRating)
	case !(m.MaxFlow > 0 && m.MaxFlow <= anyFlow):
		return fmt.Errorf("meter %s: flow of up to %g m³/s; want up to %g", m.Name, m.MaxFlow, anyFlow)
	case m.MinFlow != nil && !(*m.MinFlow >= 0 && *m.MinFlow < m.MaxFlow):
		return fmt.Errorf("meter %s: flow of at least %g m³/s; want less than %g", m.Name, *m.MinFlow, m.MaxFlow)
	case m.Period < 0 || m.Timeout < 0 || m.Hold < 0 || m.Rollover < 0:
		return fmt.Errorf("meter %s: a time or a register below zero", m.Name)
	case m.Fluid != nil && (m.gives(Heat) || !m.gives(Flow)):
		return fmt.Errorf("meter %s: heat is worked out where there is a flow and no register of heat", m.Name)
	case m.Fluid != nil && !(m.Fluid.Density > 0 && m.Fluid.HeatCapacity > 0):
		return fmt.Errorf("meter %s: a fluid of %g kg/m³ and %g J/(kg K)", m.Name, m.Fluid.Density, m.Fluid.HeatCapacity)
	}
	return m.settleKinds()
}

// settleKinds says what is wrong with what the reader gives.
func (m *Meter) settleKinds() error {
	seen := map[Kind]bool{}
	for _, k := range m.Reader.Gives() {
		switch {
		case k.Quantity < Power || k.Quantity >= quantities:
			return fmt.Errorf("meter %s: its reader gives what is no quantity", m.Name)
		case seen[k]:
			return fmt.Errorf("meter %s: its reader gives %s twice", m.Name, k)
		case (k.Quantity == Temperature) != (k.Point != "") || len(k.Point) > metric.MaxText:
			return fmt.Errorf("meter %s: a temperature has a point such as supply, and nothing else has: %q", m.Name, k.Point)
		}
		seen[k] = true
	}
	if len(seen) == 0 {
		return fmt.Errorf("meter %s: its reader gives nothing", m.Name)
	}
	if m.Fluid != nil && !(seen[Kind{Temperature, Supply}] && seen[Kind{Temperature, Return}]) {
		return fmt.Errorf("meter %s: heat is worked out of the temperatures at %s and %s", m.Name, Supply, Return)
	}
	return nil
}

// exact is the ratio, as it was written.
func (in *Installation) exact() *big.Rat {
	r, _ := new(big.Rat).SetString(strconv.FormatFloat(in.Ratio, 'g', -1, 64))
	return r
}

// main is the register of m's role: the one that displays and files are about.
func (m *Meter) main() Quantity {
	switch {
	case m.Role == metric.RoleWaterTotal || m.Role == metric.RoleWaterPotable:
		return Water
	case m.Role == metric.RoleHeatReuse && m.gives(Heat):
		return Heat
	case m.Invert && m.gives(EnergyExport):
		return EnergyExport
	}
	return Energy
}

// gives reports whether m's reader may give a quantity, at any point.
func (m *Meter) gives(q Quantity) bool {
	for _, k := range m.Reader.Gives() {
		if k.Quantity == q {
			return true
		}
	}
	return false
}

// heatRating is the most heat that m's loop carries, in W.
func (m *Meter) heatRating() float64 {
	if m.hasCircuit() {
		return min(m.MaxFlow*steepest, anyRating)
	}
	return m.Rating
}

// hasCircuit reports whether m measures what something draws, so that its rating
// is that circuit's and tells nothing of heat.
func (m *Meter) hasCircuit() bool { return m.gives(Power) && m.Role != metric.RoleHeatReuse }

// check is a gauge's reading at a time as it counts for the role of m; the error
// says why it cannot be.
func (m *Meter) check(q Quantity, v float64, at time.Time) (float64, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%s reads %g", q, v)
	}
	switch q {
	case Power:
		v *= m.Installed[installedAt(m.Installed, at)].Ratio
		if m.Invert {
			v = -v
		}
		return m.oneWay(q, "W", v, m.Rating)
	case HeatPower:
		return m.oneWay(q, "W", v, m.heatRating())
	case Flow:
		return m.oneWay(q, "m³/s", v, m.MaxFlow)
	case Leak: // what a detector shows when it is wet differs; 0 is dry
		if v != 0 {
			return 1, nil
		}
		return 0, nil
	case Temperature:
		if v < -90 || v > 1000 {
			return 0, fmt.Errorf("temperature reads %.3g °C, which nothing here has", v)
		}
		return v, nil
	}
	return 0, errors.New(q.String() + " is no gauge")
}

// oneWay is v, as far as it may be by a rating. A little below zero is the noise
// of what stands still.
func (m *Meter) oneWay(q Quantity, unit string, v, rating float64) (float64, error) {
	switch {
	case math.Abs(v) > over*rating:
		return 0, fmt.Errorf("%s reads %.4g %s, more than its rating of %.4g %s allows", q, v, unit, rating, unit)
	case v >= 0:
		return v, nil
	case directed(m.Role), -v <= m.noise[q]:
		return 0, nil
	}
	return 0, fmt.Errorf("%s reads %.4g %s, and a meter of %s does not run backwards: its transformers are turned round, or it needs invert", q, v, unit, m.Role)
}
