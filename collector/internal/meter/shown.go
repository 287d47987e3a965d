package meter

import (
	"fmt"
	"math"
)

// Shown is a number as a device shows it.
type Shown struct {
	Whole    bool // it is exactly so many steps
	Negative bool
	Steps    uint64  // of a whole one, without its sign
	Modulus  uint64  // after one less it shows 0 again; 0: not known to
	Number   float64 // in any case
	Grain    float64 // by which one of this size moves at least
}

// Whole is a number of steps.
func Whole(steps uint64) Shown {
	return Shown{Whole: true, Steps: steps, Number: float64(steps), Grain: 1}
}

// Signed is a number of steps that may be below zero.
func Signed(steps int64) Shown {
	if steps < 0 {
		n := Whole(-uint64(steps))
		n.Invert()
		return n
	}
	return Whole(uint64(steps))
}

// Float32 is a number that the device keeps in so many bits.
func Float32(v float32) Shown {
	return fraction(float64(v), float64(math.Nextafter32(v, math.MaxFloat32)-v))
}

// Float64 is a number that the device keeps in so many bits.
func Float64(v float64) Shown { return fraction(v, math.Nextafter(v, math.MaxFloat64)-v) }

func fraction(v, grain float64) Shown {
	return Shown{Negative: v < 0, Number: v, Grain: math.Abs(grain)}
}

// Invert turns the sign of n.
func (n *Shown) Invert() { n.Number, n.Negative = -n.Number, !n.Negative && n.Number != 0 }

// Value is what n stands for where it is shown for a quantity k.
func (s *Scale) Value(k Kind, n Shown) (Value, error) {
	v := Value{Quantity: k.Quantity, Point: k.Point}
	var err error
	switch {
	case !k.Quantity.Counted():
		v.Number = s.Gauge(n.Number)
	case n.Negative:
		err = fmt.Errorf("shows %.6g, and a register of %s does not go below zero; it may need invert", n.Number, k.Quantity)
	case !n.Whole:
		v.Register, err = s.registerOf(n.Number, n.Grain)
	default:
		v.Register = s.Register(n.Steps)
		if n.Steps < n.Modulus {
			v.Register.Modulus = n.Modulus
		}
	}
	return v, err
}
