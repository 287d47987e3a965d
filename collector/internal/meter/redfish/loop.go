package redfish

import (
	"context"
	"errors"
	"fmt"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/internal/odata"
)

// A side is what the coolant connectors of one side show together.
type side struct {
	connectors   int
	heat, flow   sum    // W, m³/s
	supply, back sum    // by flow
	alone        [2]sum // temperatures of a single one
}

// A sum is all of its parts or missing.
type sum struct {
	v     float64
	lacks bool
}

func (s *sum) add(v float64, ok bool) { s.v, s.lacks = s.v+v, s.lacks || !ok }

const (
	kilowatt       = 1000
	litrePerMinute = 1. / 60_000 // m³/s
)

// readSide reads connectors of one side. What is null is told.
func (r *Reader) readSide(ctx context.Context, paths []string) (l side, err error) {
	var errs []error
	for _, at := range paths {
		var d resource
		if err := r.get(ctx, at, &d); err != nil {
			return side{}, err
		}
		if d.gone() && len(paths) > 1 {
			continue // nothing flows through it
		}
		if err := d.state(); err != nil {
			return side{}, fmt.Errorf("%s: %w", at, err)
		}
		number := func(name string, e odata.Excerpt, by float64) (float64, bool) {
			v, err := e.Reading.Value()
			if err != nil && !errors.Is(err, odata.ErrAbsent) {
				errs = append(errs, fmt.Errorf("%s of %s: %w", name, at, err))
			}
			return v * by, err == nil
		}
		flow, flows := number("FlowLitersPerMinute", d.FlowLitersPerMinute, litrePerMinute)
		supply, warm := number("SupplyTemperatureCelsius", d.SupplyTemperatureCelsius, 1)
		back, cool := number("ReturnTemperatureCelsius", d.ReturnTemperatureCelsius, 1)
		l.flow.add(flow, flows)
		l.heat.add(number("HeatRemovedkW", d.HeatRemovedkW, kilowatt))
		l.supply.add(flow*supply, flows && warm)
		l.back.add(flow*back, flows && cool)
		l.alone = [2]sum{{supply, !warm}, {back, !cool}}
		l.connectors++
	}
	if l.connectors == 0 && len(paths) > 0 {
		errs = append(errs, fmt.Errorf("none of %d coolant connectors is in use", len(paths)))
	}
	return l, errors.Join(errs...)
}

// temperatures are the means by flow, which make the same heat.
func (l *side) temperatures() (supply, back sum) {
	if l.connectors == 1 {
		return l.alone[0], l.alone[1]
	}
	mean := func(s sum) sum { return sum{s.v / l.flow.v, s.lacks || !(l.flow.v > 0)} }
	return mean(l.supply), mean(l.back)
}

// readLoop reads the side that is counted.
func (r *Reader) readLoop(ctx context.Context) (list []meter.Value, err error) {
	l, err := r.readSide(ctx, r.plan.loop)
	if l.connectors == 0 {
		return nil, err
	}
	add := func(q meter.Quantity, point string, s sum) {
		if !s.lacks {
			list = append(list, meter.Value{Quantity: q, Point: point, Number: s.v})
		}
	}
	supply, back := l.temperatures()
	add(meter.HeatPower, "", l.heat)
	add(meter.Flow, "", l.flow)
	add(meter.Temperature, meter.Supply, supply)
	add(meter.Temperature, meter.Return, back)
	return list, err
}

// readFacility reads the temperatures of the other side.
func (r *Reader) readFacility(ctx context.Context) (list []meter.Value, err error) {
	l, err := r.readSide(ctx, r.plan.facility)
	if l.connectors == 0 {
		return nil, err
	}
	supply, back := l.temperatures()
	for point, s := range map[string]sum{facilitySupply: supply, facilityReturn: back} {
		if !s.lacks {
			list = append(list, meter.Value{Quantity: meter.Temperature, Point: point, Number: s.v})
		}
	}
	return list, err
}
