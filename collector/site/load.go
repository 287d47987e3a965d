package site

import (
	"cmp"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// MostSent is how many entities of meters a collector sends: each meter, each
// point that it has temperatures of, and each rack and hall that one stands in.
// What else a collector reads needs room, too.
const MostSent = metric.MaxEntities - 256

// Points are those at which a device has temperatures by what the file says of it;
// those of a profile are not known here.
func (r *Read) Points() (points []string) {
	add := func(f *Field) {
		if f.Measures == MeasuresTemperature && !slices.Contains(points, f.Point) {
			points = append(points, f.Point)
		}
	}
	switch {
	case r == nil:
	case r.Modbus != nil:
		for i := range r.Modbus.Values {
			add(&r.Modbus.Values[i].Field)
		}
	case r.SNMP != nil:
		for i := range r.SNMP.Objects {
			add(&r.SNMP.Objects[i].Field)
		}
	case r.MQTT != nil:
		for i := range r.MQTT.Fields {
			add(&r.MQTT.Fields[i].Field)
		}
	case r.BACnet != nil:
		for i := range r.BACnet.Objects {
			add(&r.BACnet.Objects[i].Field)
		}
	case r.OPCUA != nil:
		for i := range r.OPCUA.Nodes {
			add(&r.OPCUA.Nodes[i].Field)
		}
	}
	return points
}

// A load is what one collector would have to send.
type load struct {
	meters, entities int
	places           map[string]bool
	first            *mark // of the first meter that does not fit
}

// judgeLoads looks for collectors that are given more meters than they can send.
func (s *Site) judgeLoads(r *reader) {
	loads := map[string]*load{}
	var names []string
	for i := range s.Meters {
		m := &s.Meters[i]
		if m.Read == nil || m.Read.CSV != nil {
			continue
		}
		l := loads[m.Read.By]
		if l == nil {
			l = &load{places: map[string]bool{}}
			loads[m.Read.By] = l
			names = append(names, m.Read.By)
		}
		l.meters++
		l.entities += 1 + len(m.Read.Points())
		for kind, list := range map[string][]string{"hall ": m.Halls, "rack ": m.Racks} {
			if len(list) == 1 && !l.places[kind+list[0]] {
				l.places[kind+list[0]] = true
				l.entities++
			}
		}
		if l.entities > MostSent && l.first == nil {
			l.first = m.mark
		}
	}
	for _, name := range names {
		if l := loads[name]; l.first != nil {
			r.warn(l.first.at("read"), "write by: in their read:, of another collector for a part of them",
				"%d meters are read by %s, with their points and places %d, and a collector sends %d: from here on they are not read",
				l.meters, cmp.Or(name, "whoever reads what names nobody"), l.entities, MostSent)
		}
	}
}
