package scene

import "fmt"

// rackOf is a rack of hosts of eight boards each; the first of each are hot, by what
// one of them says.
func rackOf(rack string, hosts, hot int, says, value string) Series {
	s := Series{}
	for i := range hosts {
		for k := range 8 {
			who := fmt.Sprintf(`site="s1",hall="h1",rack="%s",host="%sn%d",gpu="%d",uuid="GPU-%s-%d-%d"`, rack, rack, i, k, rack, i, k)
			s[`gpu_state{`+who+`,state="ok"}`] = "1x200"
			if k < hot {
				s[fmt.Sprintf(says, who)] = value
			}
		}
	}
	return s
}

func heat() map[string]Scene {
	const margin = `gpu_temperature_margin_celsius{%s}`
	hall := func(racks ...Series) Series {
		s := Series{}
		for _, r := range racks {
			s = s.with(r)
		}
		return s
	}
	hot := func(rack string) Series { return rackOf(rack, 2, 4, margin, "2x200") }
	cool := func(rack string) Series { return rackOf(rack, 2, 0, margin, "2x200") }
	return map[string]Scene{
		"RackHot": Scene{Fires: rackOf("r1", 2, 3, margin, "2x200"), Quiet: rackOf("r1", 2, 2, margin, "2x200")}.
			and("fires for hot memory", true, rackOf("r1", 4, 3, `gpu_memory_temperature_celsius{%s}`, "96x200")).
			and("fires for clocks that are held down", true, rackOf("r1", 4, 3, `gpu_slowdown_seconds_total{%s,reason="hardware_thermal"}`, "0+3x200")).
			and("is quiet for a quarter of it", false, rackOf("r1", 4, 2, margin, "2x200")).
			and("is quiet for one host of it", false, rackOf("r1", 1, 8, margin, "2x200").with(Series{`gpu_state{site="s1",hall="h1",rack="r1",host="n9",gpu="0",uuid="GPU-9",state="ok"}`: "1x200"})).
			and("fires for all of a small rack", true, Series{
				`gpu_state{@gpu,state="ok"}`: "1x200", `gpu_temperature_margin_celsius{@gpu}`: "2x200",
				`gpu_state{site="s1",hall="h1",rack="r1",host="n9",gpu="0",uuid="GPU-9",state="ok"}`: "1x200", `gpu_temperature_margin_celsius{site="s1",hall="h1",rack="r1",host="n9",gpu="0",uuid="GPU-9"}`: "0x200",
			}),
		"HallHot": Scene{Fires: hall(hot("r1"), hot("r2"), hot("r3"), cool("r4")), Quiet: hall(hot("r1"), hot("r2"), cool("r3"), cool("r4"))}.
			and("fires for both of two racks", true, hall(hot("r1"), hot("r2"))),
	}
}
