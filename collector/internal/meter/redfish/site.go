package redfish

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// Of is the reader of meter m as a site's file describes it, and what tells it
// from others that are not asked by turns with it. What m measures says what it is
// read for, since the device is not asked yet.
func (s *Services) Of(m *site.Meter) (r *Reader, line string, err error) {
	if m.Read == nil || m.Read.Redfish == nil {
		return nil, "", fmt.Errorf("meter %s is not read by redfish", m.ID)
	}
	a, err := aimOf(m)
	if err != nil {
		return nil, "", err
	}
	o, err := s.open(*m.Read.Redfish)
	if err != nil {
		return nil, "", err
	}
	return &Reader{s: o, resource: strings.TrimRight(m.Read.Redfish.Resource, "/"), aim: a}, o.Line(), nil
}

// An aim is what a device is read for.
type aim struct {
	watts  bool // what it draws or distributes
	energy bool // its register of that
	loop   bool // the heat, flow and temperatures of its coolant
	inward bool // of the primary side, by which heat leaves it
	whole  bool // and the temperatures of the other side
}

// power reports whether electricity is read.
func (a aim) power() bool { return a.watts || a.energy }

// aimOf is what m is read for.
func aimOf(m *site.Meter) (a aim, err error) {
	path := m.Read.Redfish.Resource
	thermal := strings.Contains(path, "/ThermalEquipment/")
	connector := strings.Contains(path, "CoolantConnectors")
	measures := func(list ...site.Quantity) bool {
		return slices.ContainsFunc(list, func(q site.Quantity) bool { return slices.Contains(m.Measures, q) })
	}
	if m.Role == metric.RoleHeatReuse {
		if path != "" && !thermal && !connector {
			return a, fmt.Errorf("%s is no coolant's, and %s is heat: write the path of a CDU, or of its connectors", path, m.Role)
		}
		return aim{loop: true, inward: true}, nil
	}
	if !connector {
		a.watts = measures(site.MeasuresPower)
		a.energy = measures(site.MeasuresEnergy) && !m.Read.Invert // there is no register of the other direction
	}
	if m.Role == metric.RoleCooling {
		a.loop = thermal || connector || path == "" && measures(site.MeasuresHeat, site.MeasuresFlow, site.MeasuresTemperature)
		a.whole = a.loop && !connector
	}
	if !a.power() && !a.loop {
		return a, fmt.Errorf("redfish shows power, energy in one direction, and of a meter of %s the heat of coolant: nothing of that is measured here", metric.RoleCooling)
	}
	return a, nil
}

// Points of the loop by which heat leaves a whole CDU.
const (
	facilitySupply = "facility_supply"
	facilityReturn = "facility_return"
)

// kinds are those that a reading may have.
func (a aim) kinds() (list []meter.Kind) {
	if a.watts {
		list = append(list, meter.Kind{Quantity: meter.Power})
	}
	if a.energy {
		list = append(list, meter.Kind{Quantity: meter.Energy})
	}
	if a.loop {
		list = append(list, meter.Kind{Quantity: meter.HeatPower}, meter.Kind{Quantity: meter.Flow},
			meter.Kind{Quantity: meter.Temperature, Point: meter.Supply}, meter.Kind{Quantity: meter.Temperature, Point: meter.Return})
	}
	if a.whole {
		list = append(list, meter.Kind{Quantity: meter.Temperature, Point: facilitySupply}, meter.Kind{Quantity: meter.Temperature, Point: facilityReturn})
	}
	return list
}
