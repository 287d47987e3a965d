package rule

import (
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
	Agent
	Job
)

// A Rule is one cause that a person must hear of. Times are exact to the second.
type Rule struct {
	Name     string // in CamelCase, as is Prometheus' practice
	Severity Severity
	Owner    Owner
	Level    Level
	For      time.Duration // true for so long before it fires
	Hold     time.Duration // and fires at least so long

	Summary  string // what is wrong and where, in one line: a template over the alert's labels
	Evidence string // the values that show it, likewise
	Do       string // the first step

	Judged []string // causes of the health judgement; a last * stands for any ending
	Watch  *Watch
	Ask    string // PromQL: each series that it returns is an alert

	Prom string // what a Prometheus evaluates in place of Judged or Watch

	Direct bool // life and plant are at stake: it also goes the second way, past Alertmanager
}

// A Test is how a watched value is compared.
type Test uint8

// Tests.
const (
	Above     Test = iota // the value is at or above Fire; it is over below Clear
	Below                 // at or below Fire; over above Clear
	RateAbove             // the counter rose by Fire or more within Over; over when by less than Clear
	PeerBelow             // below Fire times the median of the peers; over above Clear times it
	Missing               // no value for Over
	Changed               // the value is not what it was: an event
)

// A Watch compares one value of each device with bounds. Fire and Clear are in the
// metric's base unit; they differ, so that a value at the bound does not flap.
type Watch struct {
	Metric metric.Number
	Point  uint32 // of its label values, by position
	Test   Test
	Fire   float64
	Clear  float64
	Over   time.Duration
}
