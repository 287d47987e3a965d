package live

import (
	"math"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A MapValue is what a map of racks shows.
type MapValue uint8

// The values of a map.
const (
	MapPower MapValue = iota
	MapTemperature
	MapGPUsNotOk
	MapHostsSilent
	MapUtilization
)

// A MapRack is a rack on the map.
type MapRack struct {
	RackStatus
	Hall   string
	Value  *float64
	Reason string // why Value is nil
}

// Map is a value of every rack of a site; ok is false if nothing was heard of it.
func (l *Live) Map(name string, of MapValue, now time.Time) (p Present, racks []MapRack, ok bool) {
	p, places, ok := l.places(name, metric.Rack, now)
	if !ok {
		return p, nil, false
	}
	var busy map[[2]string]total
	if of == MapUtilization && p.Reason == "" {
		busy = l.busy(name, now)
	}
	for i := range places {
		x := &places[i]
		r := MapRack{RackStatus: x.status(), Hall: x.hall}
		r.Value, r.Reason = x.shown(of, &r.RackStatus, busy)
		if p.Reason != "" {
			r.Value, r.Reason, r.State, r.Reporting, r.GPUsOk = nil, p.Reason, "unknown", 0, 0
		}
		racks = append(racks, r)
	}
	return p, racks, true
}

func (x *place) shown(of MapValue, st *RackStatus, busy map[[2]string]total) (*float64, string) {
	count := func(n int) (*float64, string) {
		v := float64(n)
		return &v, ""
	}
	switch of {
	case MapPower:
		return st.Watts, st.Reason
	case MapTemperature:
		if st.Celsius == nil {
			return nil, "no GPU says its temperature"
		}
		return st.Celsius, ""
	case MapUtilization:
		t := busy[[2]string{x.hall, x.name}]
		if t.n == 0 {
			return nil, "no GPU says how busy it is"
		}
		mean := t.sum / float64(t.n)
		return &mean, ""
	case MapGPUsNotOk:
		switch {
		case st.GPUs == 0:
			return nil, "no GPU is known"
		case st.Reporting == 0:
			return nil, "no host reports"
		}
		return count(st.GPUs - st.GPUsOk)
	}
	if st.Hosts == 0 {
		return nil, "no host is known"
	}
	return count(st.Hosts - st.Reporting)
}

// busy is the utilisation of the GPUs of every rack, summed.
func (l *Live) busy(name string, now time.Time) map[[2]string]total {
	racks := map[[2]string]total{}
	var sum total
	add := func(_ *sender, _ int, _ uint32, v float64) {
		if !math.IsNaN(v) {
			sum.sum += v
			sum.n++
		}
	}
	q := TopQuestion{By: metric.GPUUtilization}
	l.walk(name, now, func(a *sender, p Present) {
		if sum = (total{}); len(a.gpus) == 0 {
			return
		}
		if a.each(&q, p, add); sum.n == 0 {
			return
		}
		s := spotOf(a.layout, int(a.gpus[0].entity))
		key := [2]string{s.Hall, s.Rack}
		t := racks[key]
		racks[key] = total{t.sum + sum.sum, t.n + sum.n}
	})
	return racks
}
