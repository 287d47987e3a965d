package rule

import (
	"fmt"
	"time"
)

// heat is what hot boards have in common: a rack, and a hall, whose cooling fails.
//
// Bounds as of what is silent. Two hosts at least: one alone has fans, or a pump, of its
// own.
func heat() []Rule {
	const (
		hot = `gpu_temperature_margin_celsius <= 3 or gpu_memory_temperature_celsius >= 95 or increase(gpu_slowdown_seconds_total{reason="hardware_thermal"}[1m]) / 3 >= 2`
		few = 5
	)
	counted := func(l Level, of string) string { return `count by (` + labels(l) + `) (` + of + `)` }
	many := func(l Level, some, all string, few int) string {
		return fmt.Sprintf("((%s >= %d) >= 0.3 * %s or (%s > 1) == %s)", counted(l, some), few, counted(l, all), counted(l, some), counted(l, all))
	}
	boards := of(hot)
	rack := many(Rack, boards, of(`gpu_state == 1`), few) +
		` and on (site, hall, rack) ` + counted(Rack, counted(Host, boards)) + ` > 1`
	return []Rule{
		{
			Name: "RackHot", Severity: Critical, Owner: Facility, Level: Rack, For: 5 * time.Second, Hold: 5 * minute, Board: boardHall,
			Summary:  theRack("is too hot", "are too hot"),
			Evidence: "Boards that are too hot, or about to slow down because of it: " + count + ", on several hosts. Of them no alerts are sent.",
			Do:       "Look at the rack's coolant now: supply temperature, flow, valves; of air, its fans and the room. Boards slow down first and switch off next: take load off.",
			Judged:   &Judged{Causes: []string{HotRack}},
			Prom:     rack,
		},
		{
			Name: "HallHot", Severity: Critical, Owner: Facility, Level: Hall, For: 5 * time.Second, Hold: 5 * minute, Board: boardHall,
			Summary:  theHall + " is too hot",
			Evidence: "Racks of which many boards are too hot, or about to slow down because of it: " + count + ". Of racks and boards no alerts are sent.",
			Do:       "Look at what cools the hall now: pumps, chillers or dry coolers, heat exchangers, air handlers. Take load off: boards have a minute or two.",
			Judged:   &Judged{Causes: []string{HotHall}},
			Prom:     many(Hall, rack, counted(Rack, `gpu_state == 1`), 3),
		},
	}
}
