package bacnet

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
)

// A point is an object that shows a quantity.
type point struct {
	of      object
	kind    meter.Kind
	unit    string
	anyUnit bool   // that of the object is not held against it
	factor  string // of a step; "": as the object says, or one
	invert  bool
	modulus uint64 // 0: as the object says

	scale meter.Scale // by scaled
	by    string
}

// errMissing says that the device knows nothing now.
var errMissing = errors.New("not known to the device")

// wants are the properties that tell all of p.
func (p *point) wants() want {
	w := want{p.of, []byte{propPresentValue, propStatusFlags, propReliability, propUnits}}
	if p.of.kind() == accumulator {
		w.properties = append(w.properties, propScale, propMaxPresValue)
	}
	return w
}

// value is what the properties of p make.
func (p *point) value(all map[place]result) (meter.Value, error) {
	var v meter.Value
	shown, err := p.tags(all, propPresentValue, false)
	if err != nil {
		return v, err
	}
	if err := p.vouched(all); err != nil {
		return v, err
	}
	if err := p.scaled(all); err != nil {
		return v, err
	}
	n, err := take(shown)
	if err != nil {
		return v, err
	}
	if p.invert {
		n.Invert()
	}
	n.Modulus = p.turns(all)
	return p.scale.Value(p.kind, n)
}

// tags are those of a property; of one that may be absent, none.
func (p *point) tags(all map[place]result, property byte, may bool) ([]tag, error) {
	r, ok := all[place{p.of, property}]
	var no refusal
	switch {
	case may && errors.As(r.err, &no) && no.code == unknownProperty:
		return nil, nil
	case r.err != nil:
		return nil, r.err
	case !ok:
		return nil, errors.New("the device leaves out part of the answer")
	}
	return r.tags, nil
}

// vouched says why the device does not vouch for p.
func (p *point) vouched(all map[place]result) error {
	status, err := p.tags(all, propStatusFlags, true)
	if err != nil {
		return fmt.Errorf("its status flags: %w", err)
	}
	if len(status) == 1 && status[0].number == bits && len(status[0].value) >= 2 {
		var said []string
		for i, name := range flags {
			if i > 0 && status[0].value[1]&(0x80>>i) != 0 { // an alarm alone takes nothing from the value
				said = append(said, name)
			}
		}
		if said != nil {
			return fmt.Errorf("the device says that it is %s", strings.Join(said, " and "))
		}
	} else if status != nil {
		return fmt.Errorf("%w: its status flags are none", errCut)
	}
	reliability, err := p.tags(all, propReliability, true)
	if err != nil || reliability == nil {
		return err
	}
	n, ok := only(reliability).unsigned(enumerated)
	switch {
	case !ok:
		return fmt.Errorf("%w: its reliability is none", errCut)
	case n != 0 && reliabilities[n] != "":
		return fmt.Errorf("the device says that it is unreliable: %s", reliabilities[n])
	case n != 0:
		return fmt.Errorf("the device says that it is unreliable: reason %d", n)
	}
	return nil
}

// only is the one tag of a list, or one that is nothing.
func only(list []tag) tag {
	if len(list) != 1 {
		return tag{context: true}
	}
	return list[0]
}

// scaled settles what a step of p is, and says if its unit is another.
func (p *point) scaled(all map[place]result) error {
	list, err := p.tags(all, propUnits, true)
	if err != nil {
		return fmt.Errorf("its unit: %w", err)
	}
	if n, ok := only(list).unsigned(enumerated); ok && !p.anyUnit && n != noUnits && n < ownUnits && units[n] != p.unit {
		return fmt.Errorf("its unit is %s, and not %s; write unit: as the object has it, or check_unit: false if that is what is wrong", unitName(n), p.unit)
	}
	factor := p.factor
	if factor == "" {
		if factor, err = p.ownScale(all); err != nil {
			return err
		}
	}
	if factor == p.by {
		return nil
	}
	if p.scale, err = meter.NewScale(p.kind.Quantity, factor, p.unit); err != nil {
		return fmt.Errorf("its scale: %w", err)
	}
	p.by = factor
	return nil
}

// ownScale is what the object says of its steps.
func (p *point) ownScale(all map[place]result) (string, error) {
	list, err := p.tags(all, propScale, true)
	if p.of.kind() != accumulator || err == nil && list == nil {
		return "1", nil
	}
	if err != nil {
		return "", fmt.Errorf("its scale: %w", err)
	}
	if len(list) == 1 && list[0].context {
		switch t := list[0]; t.number {
		case 0:
			if n, ok := fraction(t.value); ok && len(t.value) == 4 && n.Number > 0 && !math.IsInf(n.Number, 0) {
				return strconv.FormatFloat(n.Number, 'g', -1, 32), nil // 0.1, and not what is next to it
			}
		case 1:
			if n, ok := signedWhole(t.value); ok && n >= -18 && n <= 18 {
				return fmt.Sprintf("1e%d", n), nil
			}
		}
	}
	return "", errors.New("its scale is no number above zero; write scale: beside its unit")
}

// turns is after how many steps p shows zero again, 0 if that is not known.
func (p *point) turns(all map[place]result) uint64 {
	if p.modulus > 0 || p.of.kind() != accumulator {
		return p.modulus
	}
	list, err := p.tags(all, propMaxPresValue, true)
	if n, ok := only(list).unsigned(unsigned); err == nil && ok && n > 0 && n < math.MaxUint64 {
		return n + 1
	}
	return 0
}

// take is the number that a present value holds.
func take(list []tag) (meter.Shown, error) {
	t := only(list)
	if t.context {
		return meter.Shown{}, fmt.Errorf("%w: its present value is none", errCut)
	}
	switch t.number {
	case null:
		return meter.Shown{}, errMissing
	case unsigned:
		if n, ok := whole(t.value); ok {
			return meter.Whole(n), nil
		}
	case signed:
		if n, ok := signedWhole(t.value); ok {
			return meter.Signed(n), nil
		}
	case realNumber, double:
		n, ok := fraction(t.value)
		switch {
		case !ok:
		case math.IsNaN(n.Number):
			return meter.Shown{}, errMissing
		case math.IsInf(n.Number, 0):
			return meter.Shown{}, fmt.Errorf("shows %g, which is no reading", n.Number)
		default:
			return n, nil
		}
	default:
		return meter.Shown{}, fmt.Errorf("shows no number: a value of type %d", t.number)
	}
	return meter.Shown{}, fmt.Errorf("%w: its present value is none", errCut)
}
