package bacnet

import (
	"encoding/hex"
	"fmt"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/site"
)

// Of is the reader of a device as a site's file describes it, and what tells the
// meters from others that are asked by turns with it.
func Of(d *site.BACnet) (r *Reader, line string, err error) {
	r = &Reader{address: d.Address, device: d.Device, route: route{network: uint16(d.Network)}}
	mac, err := hex.DecodeString(d.MAC)
	if err != nil || (len(mac) > 0) != (d.Network > 0) || len(mac) > 255 || d.Network>>16 != 0 {
		return nil, "", fmt.Errorf("device at %s: %q is no address on network %d", d.Address, d.MAC, d.Network)
	}
	r.mac = string(mac)
	for i := range d.Objects {
		p, err := pointOf(&d.Objects[i])
		if err != nil {
			return nil, "", fmt.Errorf("device at %s: %s %d: %w", d.Address, d.Objects[i].Type, d.Objects[i].Instance, err)
		}
		r.points = append(r.points, p)
	}
	if len(r.points) == 0 {
		return nil, "", fmt.Errorf("device at %s: no objects", d.Address)
	}
	line = "bacnet " + d.Address
	if d.Network > 0 {
		line += fmt.Sprintf(" %d:%s", d.Network, d.MAC)
	}
	return r, line, nil
}

func pointOf(o *site.BACnetObject) (p point, err error) {
	kind, ok := types[o.Type]
	if !ok {
		return p, fmt.Errorf("%q is no type of objects", o.Type)
	}
	q, ok := meter.ParseQuantity(string(o.Measures))
	if !ok {
		return p, fmt.Errorf("%q is no quantity", o.Measures)
	}
	if o.Instance < 0 || o.Instance >= 1<<22-1 {
		return p, fmt.Errorf("%d is no instance", o.Instance)
	}
	p = point{of: objectOf(kind, o.Instance), kind: meter.Kind{Quantity: q, Point: o.Point}, unit: o.Unit, anyUnit: o.AnyUnit, factor: o.Scale, invert: o.Invert, modulus: o.RollsOverAt}
	factor := o.Scale
	if factor == "" {
		factor = "1"
	}
	_, err = meter.NewScale(q, factor, o.Unit)
	return p, err
}
