package modbus

import (
	"fmt"

	"github.com/gigawatch/gigawatch/collector/site"
)

// Of is the reader of a device as a site's file describes it, and what tells the
// meters from others that are asked by turns with it.
func (s *Gateways) Of(d *site.Modbus) (r *Reader, line string, err error) {
	g, err := s.Open(GatewayConfig{Address: d.Address, Transport: d.Transport, Cert: d.Cert, Key: d.Key, CA: d.CA})
	if err != nil {
		return nil, "", err
	}
	m, err := mapOf(d)
	if err != nil {
		return nil, "", fmt.Errorf("unit %d at %s: %w", d.Unit, d.Address, err)
	}
	return g.Reader(uint8(d.Unit), m), g.Line(), nil
}

// mapOf is the register map of d: one that is built in, or its own.
func mapOf(d *site.Modbus) (*Map, error) {
	var m *Map
	var err error
	if d.Profile != "" {
		m, err = Profile(d.Profile)
	} else {
		r := RawMap{
			Name: "of its own", Function: given(d.Function), WordOrder: d.WordOrder, ByteOrder: d.ByteOrder,
			MaxGap: d.MaxGap, MaxRegisters: given(d.MaxRegisters), ChannelStep: d.ChannelStep,
		}
		for i := range d.Values {
			v := &d.Values[i]
			raw := RawValue{
				Measures: string(v.Measures), Point: v.Point, Unit: v.Unit, Scale: v.Scale, Invert: v.Invert,
				Offset: &v.Offset, Plus: v.Plus, Exponent: v.Exponent, Function: given(v.Function), Type: v.Type, Registers: given(v.Registers), WordOrder: v.WordOrder, ByteOrder: v.ByteOrder,
				RollsOverAt: given(v.RollsOverAt), Min: v.Min, Max: v.Max,
			}
			if v.NotAvailable != nil {
				raw.NotAvailable = &[]string{}
				for _, n := range v.NotAvailable {
					*raw.NotAvailable = append(*raw.NotAvailable, fmt.Sprint(n))
				}
			}
			r.Values = append(r.Values, raw)
		}
		m, err = r.Map()
	}
	if err == nil && d.Channel > 0 {
		m, err = m.Channel(d.Channel)
	}
	return m, err
}

// given is a number that was not left out.
func given[T int | uint64](n T) *T {
	if n == 0 {
		return nil
	}
	return &n
}
