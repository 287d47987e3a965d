package meter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A device makes of the readings of one meter what is shown of it.
type device struct {
	Meter
	line   *line
	log    *slog.Logger
	memory *memory
	urgent func() // the memory is to be saved soon

	// Owned by its poller.
	seen    map[Kind]*sight
	tallies []*tally
	loop    map[Kind]float64 // flow and temperatures of this reading

	mu       sync.Mutex // guards the rest, and the views of tallies and sights
	tried    bool
	answered time.Time // when it last did
	newest   time.Time // of what it said, by its own clock if it has one
	failures int       // in a row
	troubles map[string]string
	failed   [metric.MeterFailureKinds]int64 // since the agent started
}

// A sight is the newest value of a kind.
type sight struct {
	at     time.Time
	back   int // readings in a row whose time went back
	number float64
	view   view
}

// A view is what is shown of a quantity, for as long as it lasts.
type view struct {
	at    time.Time
	lasts time.Duration
	raw   [3]metric.Raw // the value; of a counter its epoch and quality besides
}

func (v *view) value(part int, now time.Time) metric.Raw {
	if v.at.IsZero() || now.Sub(v.at) > v.lasts {
		return metric.Missing
	}
	return v.raw[part]
}

// stalePeriods is how many periods a reading is of the present.
const stalePeriods = 3

func (m *Meter) lasts() time.Duration { return max(stalePeriods*m.Period, m.Hold) }

// heatRate is the heat that a loop carries now: as the device says, or else worked
// out of its flow and temperatures.
var heatRate = Kind{Quantity: HeatPower}

func newDevice(m Meter, memory *memory, urgent func(), log *slog.Logger) *device {
	d := &device{Meter: m, log: log, memory: memory, urgent: urgent, seen: map[Kind]*sight{}, troubles: map[string]string{}}
	for _, k := range m.Reader.Gives() {
		d.seen[k] = &sight{view: view{lasts: m.lasts()}}
	}
	if m.Fluid != nil {
		d.seen[heatRate] = &sight{view: view{lasts: m.lasts()}}
	}
	d.tallies = newTallies(d)
	return d
}

// power is the kind that is shown as the meter's power; ok is false if it has
// none.
func (d *device) power() (k Kind, ok bool) {
	if d.seen[Kind{Quantity: Power}] != nil {
		return Kind{Quantity: Power}, true
	}
	return heatRate, d.Role == metric.RoleHeatReuse && d.seen[heatRate] != nil
}

// take takes a reading that was asked for at a time.
func (d *device) take(values []Value, asked, now time.Time) {
	d.loop = map[Kind]float64{}
	for i := range values {
		if values[i].At.IsZero() {
			values[i].At = asked
		}
	}
	slices.SortStableFunc(values, func(a, b Value) int { // gauges before the registers that they stand beside
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return cmp.Compare(counted(a), counted(b))
	})
	for _, v := range values {
		k := Kind{v.Quantity, v.Point}
		s := d.seen[k]
		if s != nil && v.Missing {
			d.forget(k, s)
			continue
		}
		if s == nil || !d.inOrder(k, s, v.At, now) {
			continue
		}
		s.at = v.At
		if k.Quantity.Counted() {
			d.count(k, v, now)
			continue
		}
		n, err := d.check(k.Quantity, v.Number, v.At)
		if err != nil {
			d.fail(metric.MeterRefused)
			d.trouble(k.String(), err.Error()+d.otherwise(k, func(n float64) bool {
				is, err := d.check(k.Quantity, n, v.At)
				return err == nil && d.sensible(k.Quantity, is)
			}))
			continue
		}
		d.trouble(k.String(), "")
		d.gauge(k, s, n, v.Quality)
	}
	for _, v := range values { // by time
		if known(v) {
			d.mu.Lock()
			d.newest = v.At
			d.mu.Unlock()
		}
	}
	if len(values) > 0 {
		said := ""
		if age := now.Sub(values[len(values)-1].At); age > d.lasts() {
			said = fmt.Sprintf("what it says is %v old: it has stopped, its clock is behind, or it says something less often than it is thought to", age.Round(time.Second))
		}
		d.trouble("time", said)
	}
	d.workOutHeat()
	if d.Hold > 0 {
		d.extend(now)
	}
}

// known reports whether v is a value, and not the word that there is none.
func known(v Value) bool { return !v.Missing }

func counted(v Value) int {
	if v.Quantity.Counted() {
		return 1
	}
	return 0
}

const (
	ahead   = 5 * time.Minute // that a device's clock may be
	setBack = 3               // readings in a row tell that it was set back
)

// inOrder reports whether a value of that time comes after the one before.
func (d *device) inOrder(k Kind, s *sight, at, now time.Time) bool {
	if by := at.Sub(now); by > ahead {
		d.fail(metric.MeterTime)
		d.trouble(k.String(), fmt.Sprintf("its clock is %v ahead", by.Round(time.Second)))
		return false
	}
	since := at.Sub(s.at)
	if s.at.IsZero() || since > 0 {
		s.back = 0
		return true
	}
	if since >= -backward {
		return false
	}
	if s.back++; s.back < setBack {
		d.fail(metric.MeterTime)
		d.trouble(k.String(), fmt.Sprintf("its time went back by %v", (-since).Round(time.Second)))
		return false
	}
	s.back = 0
	return true
}

// gauge takes a reading that was checked.
func (d *device) gauge(k Kind, s *sight, v float64, q metric.Quality) {
	s.number = v
	d.mu.Lock()
	s.view.at, s.view.raw[0] = s.at, metric.Of(v)
	d.mu.Unlock()
	d.loop[k] = v
	for _, t := range d.tallies {
		if t.gauge == k {
			t.flow.add(v, s.at)
			if t.counter == nil {
				t.integrated(d, s.at, q)
			}
		}
	}
}

// workOutHeat makes the heat of the flow and temperatures of one reading, if the
// device did not say it.
func (d *device) workOutHeat() {
	_, said := d.loop[heatRate]
	flow, ok := d.loop[Kind{Quantity: Flow}]
	supply, warm := d.loop[Kind{Temperature, Supply}]
	back, cool := d.loop[Kind{Temperature, Return}]
	if d.Fluid == nil || said || !ok || !warm || !cool {
		return
	}
	s := d.seen[heatRate]
	s.at = d.seen[Kind{Quantity: Flow}].at
	w, err := d.oneWay(Heat, "W", d.Fluid.heat(flow, supply, back), d.heatRating())
	if err != nil {
		d.fail(metric.MeterRefused)
		d.trouble("heat", err.Error())
		return
	}
	d.trouble("heat", "")
	d.gauge(heatRate, s, w, metric.Measured)
}

// extend carries on what a device that sends changes has not changed.
func (d *device) extend(now time.Time) {
	for _, t := range d.tallies {
		if s := d.seen[t.gauge]; s != nil && !s.view.at.IsZero() {
			t.flow.extend(s.at, now)
			if t.counter == nil {
				t.integrated(d, s.at, metric.Integrated)
			}
		}
	}
}

// forget ends what is shown of a kind. A gauge is not joined to what comes after.
func (d *device) forget(k Kind, s *sight) {
	if of := d.seen[heatRate]; d.Fluid != nil && (k.Quantity == Flow || k.Quantity == Temperature) && of != nil {
		d.forget(heatRate, of)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	s.view.at = time.Time{}
	for _, t := range d.tallies {
		if t.gauge == k {
			t.flow.cut = true
		}
		if t.gauge == k && t.counter == nil || t.counter != nil && t.register == k.Quantity {
			t.view.at = time.Time{}
		}
	}
}

// count takes the reading of a register.
func (d *device) count(k Kind, v Value, now time.Time) {
	for _, t := range d.tallies {
		if t.counter == nil || t.register != k.Quantity {
			continue
		}
		r, err := d.register(k.Quantity, v)
		if err != nil {
			d.fail(metric.MeterRefused)
			d.trouble(k.String(), err.Error())
			return
		}
		t.count(d, r, v, now)
	}
}

// register is that of v as it counts for the meter: by its transformers, and by
// what is known of where it rolls over.
func (d *device) register(q Quantity, v Value) (Register, error) {
	r := v.Register
	if !r.Size.valid() {
		return r, errors.New("its reader does not say what a step of its register is")
	}
	if d.Rollover > 0 && q == d.main() {
		hi, lo := bits.Mul64(uint64(d.Rollover), r.Size.Den)
		if r.Modulus = 0; hi < r.Size.Num {
			r.Modulus, _ = bits.Div64(hi, lo, r.Size.Num)
		}
		if r.Steps >= r.Modulus {
			r.Modulus = 0
		}
	}
	if q == Energy || q == EnergyExport {
		in := &d.Installed[installedAt(d.Installed, v.At)]
		size, err := r.Size.by(in.exact())
		if err != nil {
			return r, fmt.Errorf("a step of %d/%d mJ by a transformer ratio of %g is %w", r.Size.Num, r.Size.Den, in.Ratio, err)
		}
		r.Size = size
	}
	return r, nil
}

// least is the share of a rating that another setting has to make of a gauge to be
// worth a word; without a rating, so much of its unit.
const least = 1e-3

// sensible reports whether a gauge is of a size that somebody would meter.
func (d *device) sensible(q Quantity, v float64) bool {
	switch {
	case q == Power && d.rated, q == HeatPower && d.rated && !d.hasCircuit():
		return v >= least*d.Rating
	case q == Flow && d.flowRated:
		return v >= least*d.MaxFlow
	case q == Flow:
		return v >= least/3600
	case q == Temperature:
		return math.Abs(v) >= least
	}
	return v >= 1 && v <= 1e9
}

// otherwise says under which settings a value would be believed.
func (d *device) otherwise(k Kind, believed func(float64) bool) string {
	r, ok := d.Reader.(Rereader)
	if !ok {
		return ""
	}
	for _, o := range r.Otherwise(k) {
		if o.Number != 0 && believed(o.Number) {
			n, unit := o.Number, ""
			if k.Quantity.Counted() {
				n, unit = n/1000, " J or L"
			}
			return fmt.Sprintf("; with %s it would be %.6g%s", o.Setting, n, unit)
		}
	}
	return ""
}

// trouble notes what is wrong with a part of the meter, "" if nothing is. It is
// logged when it begins and when it ends.
func (d *device) trouble(part, said string) {
	d.mu.Lock()
	was := d.troubles[part]
	if said == "" {
		delete(d.troubles, part)
	} else {
		d.troubles[part] = said
	}
	d.mu.Unlock()
	switch {
	case was == "" && said != "":
		d.log.Warn("meter is not believed", "meter", d.Name, "of", part, "reason", said)
	case was != "" && said == "":
		d.log.Info("meter is believed again", "meter", d.Name, "of", part)
	}
}

// says is what is wrong with the meter, "" if nothing is.
func (d *device) says(now time.Time) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []string
	for part, said := range d.troubles {
		list = append(list, part+": "+said)
	}
	slices.Sort(list)
	if d.failures > 0 && !d.answered.IsZero() {
		list = append(list, fmt.Sprintf("last read %v ago", now.Sub(d.answered).Round(time.Second)))
	}
	return strings.Join(list, "; ")
}

// read asks the meter once.
func (d *device) read(ctx context.Context) ([]Value, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	return d.Reader.Read(ctx)
}
