package rule

import (
	"fmt"
	"strings"

	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Absent is how many hosts of a site's file nobody ever heard of.
type Absent struct {
	Site      string
	Hosts, Of int
	Names     []string // with their places; of those that are counted only, their racks
}

// namedAbsent is how many of them the evidence names.
const namedAbsent = 10

// tellAbsent has an alert for each site whose file has hosts that never reported.
func (e *Evaluator) tellAbsent(list []Absent, now int64) {
	for _, c := range e.own[table.NeverReported] {
		for i := range list {
			x := &list[i]
			s := e.sites[x.Site]
			id := label(c, s != nil && s.simulated, metric.Pair{Name: "site", Value: x.Site})
			if x.Hosts == 0 {
				e.over(e.alerts[id.id()], 1, now)
				continue
			}
			e.raise(c, id, 1, now, now, float64(x.Hosts), x.evidence())
		}
	}
}

func (x *Absent) evidence() string {
	text := fmt.Sprintf("%d of %d hosts: %s", x.Hosts, x.Of, plain(strings.Join(x.Names[:min(len(x.Names), namedAbsent)], ", ")))
	if n := len(x.Names) - namedAbsent; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}
