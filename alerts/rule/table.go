package rule

import (
	"slices"
	"strings"
	"time"
)

// Table is every rule, by what it is about. It is the caller's.
func Table() []Rule {
	return slices.Concat(boards(), links(), hosts(), places(), heat(), power(), meters(), cooling(), report(), agents(), itself(), path())
}

// Where something is, as summaries say it. What is in no hall or rack, or of which
// that is not known, has no such label, and then no place is said.
const (
	theGPU  = "GPU {{ with $labels.gpu }}{{ . }}{{ else }}{{ $labels.uuid }}{{ end }}"
	onGPU   = theGPU + " of " + onHost
	onHost  = "{{ with $labels.host }}{{ . }}{{ else }}an unnamed host{{ end }}" + atPlace
	theHost = "{{ with $labels.host }}{{ . }}{{ else }}An unnamed host{{ end }}" + atPlace // begins a sentence
	ofRack  = "{{ with $labels.rack }}rack {{ . }}{{ else }}an unnamed rack{{ end }}" + inHall
	theHall = "{{ with $labels.hall }}Hall {{ . }}{{ else }}An unnamed hall{{ end }} of " + ofSite
	ofSite  = "{{ $labels.site }}"

	inHall  = "{{ with $labels.hall }} ({{ . }}){{ end }}"
	atPlace = "{{ with $labels.hall }} ({{ . }}{{ with $labels.rack }} {{ . }}{{ end }}){{ else }}{{ with $labels.rack }} ({{ . }}){{ end }}{{ end }}"
)

// theRack is what is wrong with a rack, or, in other words, with hosts that stand in none.
func theRack(is, are string) string {
	return "{{ with $labels.rack }}Rack {{ . }}{{ else }}Hosts in no rack{{ end }}" + inHall + " {{ if $labels.rack }}" + is + "{{ else }}" + are + "{{ end }}"
}

// Values, as evidence says them: what is counted has no fractions, though what rises is
// extrapolated; per cents, and degrees, have as many places as matter.
const (
	count  = `{{ printf "%.0f" $value | humanize }}`
	share  = `{{ printf "%.2f" $value | humanizePercentage }}`
	shares = `{{ printf "%.3f" $value | humanizePercentage }}` // where a tenth matters
	tenths = `{{ printf "%.1f" $value }}`
)

// Dashboards.
const (
	boardFleet   = "gigawatch-fleet"
	boardSite    = "gigawatch-site"
	boardHall    = "gigawatch-hall"
	boardHost    = "gigawatch-host"
	boardHealth  = "gigawatch-gpu-health"
	boardJobs    = "gigawatch-jobs"
	boardEnergy  = "gigawatch-energy"
	boardReport  = "gigawatch-report"
	boardQuality = "gigawatch-power-quality"
	boardSelf    = "gigawatch-self"
)

// Holds. No alert lasts less than a minute, so that none flaps.
const (
	minute = time.Minute
	hour   = time.Hour
	hold   = minute
	event  = 10 * minute // of what happened and does not last
)

// by keeps the labels of a level, and others, of what expr returns: one series a
// thing.
func by(l Level, expr string, others ...string) string {
	return "max by (" + labels(l, others...) + ") (" + expr + ")"
}

// per is by of a sum.
func per(l Level, expr string, others ...string) string {
	return "sum by (" + labels(l, others...) + ") (" + expr + ")"
}

func labels(l Level, others ...string) string {
	all := slices.Concat(l.Labels(), others)
	if l != Aggregator {
		all = append(all, "simulated")
	}
	return strings.Join(all, ", ")
}

// last is the newest value of the last hour, where there is none of now.
func last(series string) string { return "last_over_time(" + series + "[1h])" }

// any of several expressions of the same labels.
func either(exprs ...string) string { return strings.Join(exprs, "\nor\n") }
