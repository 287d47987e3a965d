package redfish

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/internal/odata"
)

// A register makes of the energy that a resource shows one that the core counts.
type register struct {
	member   int // of those in order, that was read last; 0: none
	decimals int // the most that it was written with
	reset    time.Time
	told     string // when it was reset, as it was first said
	since    time.Time
	steps    uint64
}

// jitter is by how much the time of a reset may move without one: some devices
// work it out of a clock that drifts.
const jitter = time.Minute

// Millijoules.
const (
	joule        = 1000
	kilowattHour = 3_600_000_000
)

// read is the energy of a resource at a path, of a device with a serial number.
func (g *register) read(d *resource, at, serial string) (meter.Register, error) {
	var why error
	for i, m := range []struct { // the best first
		name   string
		number odata.Number
		per    int64
	}{
		{lifetime, d.EnergykWh.LifetimeReading, kilowattHour},
		{"EnergykWh.Reading", d.EnergykWh.Reading, kilowattHour},
		{"EnergyJoules.Reading", d.EnergyJoules.Reading, joule},
	} {
		member := i + 1
		if g.member > 0 && member > g.member {
			break
		}
		n, err := amountOf(m.number, m.per)
		if err == nil {
			if member != g.member {
				*g = register{member: member}
			}
			return g.take(m.name, n, m.per, d.EnergykWh.SensorResetTime, at, serial), nil
		}
		if !errors.Is(err, odata.ErrAbsent) || member == g.member {
			why = fmt.Errorf("%s: %w", m.name, err)
		}
	}
	if why == nil {
		why = errors.New("it shows none; write measures: [power], and its power is counted instead")
	}
	return meter.Register{}, why
}

// lifetime is the member that nobody can reset.
const lifetime = "EnergykWh.LifetimeReading"

// An amount is a number of a register in millijoules, and as it was written.
type amount struct {
	steps    uint64
	decimals int
	text     string
}

func amountOf(number odata.Number, per int64) (a amount, err error) {
	if a.text, err = number.Text(); err != nil {
		return a, err
	}
	n, err := parseDecimal(a.text)
	if err != nil {
		return a, err
	}
	a.decimals = n.decimals()
	a.steps, err = n.times(per)
	return a, err
}

// take is the register that shows an amount.
func (g *register) take(name string, n amount, per int64, reset, at, serial string) meter.Register {
	g.decimals = max(g.decimals, n.decimals)
	r := meter.Register{Steps: n.steps, Size: meter.Size{Num: 1, Den: 1}, Grain: grain(n.text, g.decimals, per)}
	life := at + "#" + name
	if serial != "" {
		life += " " + serial
	}
	if name != lifetime {
		if t, err := time.Parse(time.RFC3339, reset); err == nil {
			if g.told == "" || !t.Equal(g.reset) && (t.Sub(g.reset).Abs() > jitter || n.steps < g.steps) {
				g.told, g.since = reset[:min(len(reset), len(time.RFC3339Nano))], t
			}
			g.reset = t
		}
		if g.told != "" {
			life += " " + g.told
		}
		r.Since = g.since
	}
	g.steps, r.Life = n.steps, life
	return r
}

// grain is by how many millijoules a register moves at least that was written as
// text, with so many decimals at most: a whole one, or one of a device that
// computes with 32 bits.
func grain(text string, decimals int, per int64) uint64 {
	step := float64(per) / math.Pow10(decimals)
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		short := float32(v)
		shown, _ := strconv.ParseFloat(strconv.FormatFloat(float64(short), 'g', -1, 32), 64)
		if float64(short) == v || shown == v {
			step = max(step, float64(math.Nextafter32(short, math.MaxFloat32)-short)*float64(per))
		}
	}
	return uint64(min(max(step, 1), 1<<53))
}

// A decimal is a number as it is written: digits by a power of ten.
type decimal struct {
	digits *big.Int
	ten    int
}

// Bounds of a decimal.
const (
	mostDigits   = 40
	mostExponent = 40
)

// parseDecimal reads a number that is zero or more.
func parseDecimal(text string) (n decimal, err error) {
	wrong := fmt.Errorf("%.70q is no reading of a register", text)
	mantissa, exponent := text, ""
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		if mantissa, exponent = text[:i], text[i+1:]; exponent == "" {
			return n, wrong
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || len(digits) > mostDigits || strings.Trim(digits, "0123456789") != "" {
		return n, wrong
	}
	if exponent != "" {
		if n.ten, err = strconv.Atoi(exponent); err != nil || n.ten > mostExponent || n.ten < -mostExponent {
			return n, wrong
		}
	}
	n.ten -= len(fraction)
	n.digits, _ = new(big.Int).SetString(digits, 10)
	return n, nil
}

// decimals is how many digits stand behind the point.
func (n decimal) decimals() int { return max(0, -n.ten) }

// times is n times a unit, rounded down.
func (n decimal) times(unit int64) (uint64, error) {
	v := new(big.Int).Mul(n.digits, big.NewInt(unit))
	by := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n.ten, -n.ten))), nil)
	if n.ten < 0 {
		v.Div(v, by)
	} else {
		v.Mul(v, by)
	}
	if v.BitLen() > 63 {
		return 0, errors.New("it shows more than can be counted")
	}
	return v.Uint64(), nil
}
