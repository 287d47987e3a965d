package meter

import (
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A tally is something that is counted of a meter: by its register, or by a
// gauge over time where it has none.
type tally struct {
	metric   metric.Number
	register Quantity // 0: none
	gauge    Kind     // beside it, or instead of it; the zero Kind: none
	counter  *counter // nil: there is no register
	flow     *integral

	worst  metric.Quality // of late
	marked time.Time
	view   view  // guarded by the device, like
	fault  fault // of the register
}

// record is for how long a quality is shown at least, so that the next record of
// the ledger lane has it.
const record = 11 * time.Second

func newTallies(d *device) (list []*tally) {
	water := d.Role == metric.RoleWaterTotal || d.Role == metric.RoleWaterPotable
	register := Energy
	if d.Invert && d.gives(EnergyExport) {
		register = EnergyExport
	}
	power := Kind{Quantity: Power}
	var heat Kind // gauge of it
	switch {
	case d.seen[heatRate] != nil:
		heat = heatRate
	case d.Role == metric.RoleHeatReuse && d.gives(Power) && (d.gives(Heat) || !d.gives(register)):
		heat = power
	}
	if heat != (Kind{}) || d.gives(Heat) {
		list = append(list, d.tally(metric.MeterHeatJoules, Heat, heat, 1000, over*d.heatRating()))
	}
	switch {
	case d.gives(Power) && heat != power && !water:
		list = append(list, d.tally(metric.MeterEnergyJoules, register, power, 1000, over*d.Rating))
	case d.gives(register):
		list = append(list, d.tally(metric.MeterEnergyJoules, register, Kind{}, 1000, over*d.Rating))
	}
	flow := Kind{}
	if d.gives(Flow) && (water || d.gives(Water)) {
		flow = Kind{Quantity: Flow}
	}
	if flow != (Kind{}) || d.gives(Water) {
		list = append(list, d.tally(metric.MeterWater, Water, flow, 1e6, over*d.MaxFlow))
	}
	return list
}

// tally makes one whose register, if it has one, can count so much a second; per
// is how many of what is counted one of the gauge makes in a second.
func (d *device) tally(n metric.Number, register Quantity, gauge Kind, per, most float64) *tally {
	t := &tally{metric: n, gauge: gauge, view: view{lasts: d.lasts()}}
	name := d.Name + " " + register.String()
	if gauge != (Kind{}) {
		t.flow = &integral{name: name, per: per, gap: time.Duration(bridging * float64(d.Period)), hold: d.Hold > 0}
		if d.Hold > 0 {
			t.flow.gap = d.Hold
		}
	}
	if !d.gives(register) {
		return t
	}
	t.register = register
	rated := d.rated
	if register == Water || register == Heat && d.hasCircuit() {
		rated = d.flowRated
	}
	devices := slices.Clone(d.Installed)
	for i := range devices {
		if register != d.main() {
			devices[i].Initial, devices[i].Final = nil, nil
		}
	}
	period := max(d.Period, time.Duration(float64(d.Hold)/bridging))
	t.counter = &counter{name: name, devices: devices, most: most * per, rated: rated, period: period, flow: t.flow}
	if d.memory.path == "" {
		t.counter.nonce = time.Now().String()
	} else if l, ok := d.memory.of(name); ok {
		t.counter.resume(l)
		t.fault = l.Fault
	}
	return t
}

// integrated shows what the gauge has made.
func (t *tally) integrated(d *device, at time.Time, q metric.Quality) {
	value, epoch := t.flow.count()
	d.mu.Lock()
	defer d.mu.Unlock()
	t.view.at, t.view.raw = at, [3]metric.Raw{value, epoch, metric.Raw(max(q, metric.Integrated))}
}

// count shows what the register has counted.
func (t *tally) count(d *device, r Register, v Value, now time.Time) {
	c, part := t.counter, v.Quantity.String()
	n, shown, e := c.take(r, v.At, now)
	if c.life.Epoch != 0 {
		d.memory.keep(c.name, c.life)
	}
	switch e {
	case none:
	case setAside:
		d.fail(metric.MeterRefused)
		d.log.Debug("reading of a register is set aside", "meter", d.Name, "of", part, "steps", r.Steps)
		d.urgent() // where it was before is to be known after a restart
	default:
		if e == withheld {
			d.fail(metric.MeterRefused)
		}
		d.log.Info("register of a meter", "meter", d.Name, "of", part, "event", string(e), "steps", r.Steps)
		d.urgent()
	}
	said := ""
	if said = c.why; said != "" && !c.ran {
		said += d.otherwise(Kind{Quantity: v.Quantity}, func(mj float64) bool { return mj > 0 && mj < c.ever() })
	}
	d.trouble(part, said)
	d.mu.Lock()
	t.fault = c.life.Fault
	d.mu.Unlock()
	if !shown {
		return
	}
	q := t.label(max(n.quality, v.Quality), v.At)
	d.mu.Lock()
	defer d.mu.Unlock()
	t.view.at, t.view.raw = v.At, [3]metric.Raw{n.value, n.epoch, metric.Raw(q)}
}

// label is the quality to be shown at a time of what is of quality q.
func (t *tally) label(q metric.Quality, at time.Time) metric.Quality {
	if q >= t.worst || at.Sub(t.marked).Abs() > record {
		t.worst, t.marked = q, at
	}
	return t.worst
}
