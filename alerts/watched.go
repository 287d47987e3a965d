package main

import (
	"fmt"

	"github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// watched is in words what a rule watches.
func watched(r *rule.Rule) string {
	w := r.Watch
	name := metric.Lookup(w.Metric).Name
	switch w.Test {
	case rule.Below:
		return fmt.Sprintf("%s at or below %g, until it is above %g", name, w.Fire, w.Clear)
	case rule.RateAbove:
		return fmt.Sprintf("%s up by %g or more in %s", name, w.Fire, lasting(w.Over))
	case rule.PeerBelow:
		return fmt.Sprintf("%s at or below %g of the median of the job's GPUs, until it is above %g; of GPUs with %s of %g or more, where there are %d",
			name, w.Fire, w.Clear, metric.Lookup(w.While).Name, w.AtLeast, w.MinPeers)
	case rule.Missing:
		return fmt.Sprintf("%s missing for %s where it was read before", name, lasting(w.Over))
	}
	return fmt.Sprintf("%s at or above %g, until it is below %g", name, w.Fire, w.Clear)
}
