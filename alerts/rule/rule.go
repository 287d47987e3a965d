package rule

import (
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Severity says when a person must act.
type Severity uint8

// Severities, the least first.
const (
	Notice   Severity = iota // for the record: nobody is called
	Warning                  // in working hours
	Critical                 // now: it pages
)

func (s Severity) String() string { return [...]string{"notice", "warning", "critical"}[s] }

// An Owner is the group of people that an alert goes to.
type Owner string

// Owners.
const (
	GPUs     Owner = "gpus"     // who runs the hosts and boards
	Facility Owner = "facility" // power, cooling, meters
	Energy   Owner = "energy"   // who signs the report
	Platform Owner = "platform" // who runs Gigawatch itself, its bus and its agents
)

// Owners are all of them.
func Owners() []Owner { return []Owner{GPUs, Facility, Energy, Platform} }

// A Level is the kind of thing an alert is about.
type Level uint8

// Levels.
const (
	Site Level = iota
	Hall
	Rack
	Host
	GPU
	Meter
	Point      // a measuring point of a meter
	Aggregator // Gigawatch itself, of whatever site
)

func (l Level) String() string {
	return [...]string{"site", "hall", "rack", "host", "gpu", "meter", "point", "aggregator"}[l]
}

// Labels are those that tell things of a level apart, the outer first; some may
// be unknown, and then are missing. What is simulated has simulated="true" besides.
func (l Level) Labels() []string {
	return [...][]string{
		{"site"},
		{"site", "hall"},
		{"site", "hall", "rack"},
		{"site", "hall", "rack", "host"},
		{"site", "hall", "rack", "host", "gpu", "uuid"},
		{"site", "hall", "rack", "meter"},
		{"site", "hall", "rack", "meter", "point"},
		{"instance"},
	}[l]
}

// A Rule is one cause that a person must hear of. Times are exact to the second.
//
// Of a thing there is one alert of a rule at a time, with the labels alertname,
// severity, owner, those of its level, and those of Extra.
type Rule struct {
	Name     string // in CamelCase, as is Prometheus' practice
	Severity Severity
	Owner    Owner
	Level    Level
	Extra    []string      // labels besides the level's, with which alerts of one thing are told apart
	For      time.Duration // true for so long before it fires
	Hold     time.Duration // and fires so long after it is over, so that it does not flap

	// Summary is what is wrong and where, in one line, and Evidence the values that
	// show it: templates of Prometheus over $labels and $value. Of what is Judged the
	// aggregator has better evidence, the findings'.
	Summary  string
	Evidence string
	Do       string // the first step
	Board    string // uid of the dashboard to look at first

	Judged *Judged
	Watch  *Watch
	Ask    string // PromQL: each series that it returns is an alert

	// Known is PromQL of the things of which Ask can tell now, with the labels of its
	// alerts: where a value is missing, what stood goes on for an hour. "": whatever Ask
	// does not return is over.
	Known string

	// Still is PromQL of what goes on once it fires, with the labels of its alerts and a
	// laxer bound than Ask's, so that what stays at the bound is told once. "": nothing.
	// Where no newer value is there it looks at the last of the hour, so that for who
	// cannot ask what is known, a gap ends nothing either.
	Still string

	Prom string // what a Prometheus evaluates in place of Judged or Watch

	// Heat is that a board is too hot, or slow because of it: of a board the worst alone is
	// told, and of many in a rack the rack.
	Heat bool

	Direct bool // life and plant are at stake: it also goes the second way, past Alertmanager
}

// Expr is what a Prometheus evaluates. What fires it knows of itself by the series
// ALERTS.
func (r *Rule) Expr() string {
	expr := r.Prom
	if r.Ask != "" {
		expr = r.Ask
	}
	if r.Still == "" {
		return expr
	}
	on := strings.Join(slices.Concat(r.Level.Labels(), r.Extra), ", ")
	return either(expr, `(`+r.Still+`) and on (`+on+`) ALERTS{alertname="`+r.Name+`",alertstate="firing"}`)
}

// Judged picks findings of the health judgement on things of the rule's level: those
// of one of the causes, and, where they are given, of one of the states and of one
// of the actions.
type Judged struct {
	Causes  []string // a last * stands for any ending
	But     []string // causes that other rules have
	States  []string // watch, unknown, degraded, failed
	Actions []string // as reset_gpu
}

// A Test is how a watched value is compared.
type Test uint8

// Tests.
const (
	Above     Test = iota // the value is at or above Fire; it is over below Clear
	Below                 // at or below Fire; over above Clear
	RateAbove             // the counter rose by Fire or more within Over; over when by less than Clear
	PeerBelow             // at or below Fire times the median of the peers; over above Clear times it
	Missing               // no value for Over, of what had one
)

func (t Test) String() string {
	return [...]string{"above", "below", "rate above", "below its peers", "missing"}[t]
}

// A Watch compares one value of each device with bounds. Fire and Clear are in the
// metric's base unit; they differ, so that a value at the bound does not flap.
type Watch struct {
	Metric metric.Number
	Points []uint32 // of its label values, by position: each by itself, and for Missing all; nil: the first
	Test   Test
	Fire   float64
	Clear  float64
	Over   time.Duration

	While    metric.Number // only devices, and peers, whose value of this is at or above AtLeast; 0: all
	AtLeast  float64
	MinPeers int // of PeerBelow, whose peers are the GPUs that hold a share of the same job, itself included
}
