package agent

import (
	_ "embed"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/setting"
	"github.com/gigawatch/gigawatch/collector/site"
)

// Example is a configuration file with every key explained; it passes [Parse].
//
//go:embed example.yaml
var Example []byte

// A Config is what an agent needs to know.
type Config struct {
	Site     string        // token of the bus subject
	Agent    string        // token of the bus subject; unique in the site
	Place    metric.Place  // of this host
	Bus      BusConfig     //
	Interval time.Duration // between ticks of the telemetry lane
	Ledger   time.Duration // between records of the ledger lane; a whole number of intervals
	Spool    SpoolConfig
	Host     HostConfig
	GPU      GPUConfig
	Power    PowerConfig
	Jobs     JobConfig
	Meters   MeterConfig
	Grid     GridConfig
	Listen   string // address of the agent's own /metrics; empty: none

	// Facility is the site as its file describes it; nil: no file is named.
	Facility *site.Site

	// Simulated says that what this agent reads, over protocols as real ones are
	// read, is a model's. Every layout is marked so, and the aggregator keeps it
	// apart from all that is real.
	Simulated bool

	boot    func() int64 // nanoseconds since boot; nil: as the kernel says
	forgets bool         // sources of the site keep their files as they are: an agent that runs may have them
}

// A SpoolConfig bounds what waits on this host's disk.
type SpoolConfig struct {
	Dir            string
	TelemetryBytes int64         // oldest dropped beyond this
	TelemetryAge   time.Duration // and beyond this
	LedgerBytes    int64         // thinned beyond this, energy kept
}

// raw mirrors the file.
type raw struct {
	Site  string `yaml:"site"`
	Agent string `yaml:"agent"`
	Place struct {
		Hall string `yaml:"hall"`
		Rack string `yaml:"rack"`
		Host string `yaml:"host"`
	} `yaml:"place"`
	Bus struct {
		URLs        []string `yaml:"urls"`
		Credentials string   `yaml:"credentials"`
		CA          string   `yaml:"ca"`
		Cert        string   `yaml:"cert"`
		Key         string   `yaml:"key"`
		Insecure    bool     `yaml:"insecure"`
	} `yaml:"bus"`
	Interval *setting.Scalar `yaml:"interval"`
	Ledger   *setting.Scalar `yaml:"ledger_interval"`
	Spool    struct {
		Dir            string          `yaml:"dir"`
		TelemetryBytes *setting.Scalar `yaml:"telemetry_bytes"`
		TelemetryAge   *setting.Scalar `yaml:"telemetry_age"`
		LedgerBytes    *setting.Scalar `yaml:"ledger_bytes"`
	} `yaml:"spool"`
	SiteFile  string     `yaml:"site_file"`
	Simulated string     `yaml:"simulated"`
	Sources   rawSources `yaml:"sources"`
	Insecure  bool       `yaml:"insecure"`
	Listen    string     `yaml:"listen"`
}

// Load reads the file at path.
func Load(path string) (*Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, b)
}

// Parse reads the text of a configuration file; name is for its errors, which
// say file, line and key. An unknown key is an error.
func Parse(name string, b []byte) (*Config, error) {
	var r raw
	f, err := setting.Decode(name, b, &r)
	if err != nil {
		return nil, err
	}
	hostname, _ := os.Hostname()
	c := &Config{
		Site: r.Site, Agent: or(r.Agent, Token(hostname)),
		Place:    metric.Place{Hall: r.Place.Hall, Rack: r.Place.Rack, Host: or(r.Place.Host, hostname)},
		Bus:      BusConfig{URLs: r.Bus.URLs, Credentials: r.Bus.Credentials, CA: r.Bus.CA, Cert: r.Bus.Cert, Key: r.Bus.Key, Insecure: r.Bus.Insecure},
		Interval: f.Duration("interval", r.Interval, time.Second),
		Ledger:   f.Duration("ledger_interval", r.Ledger, 10*time.Second),
		Spool: SpoolConfig{
			Dir:            r.Spool.Dir,
			TelemetryBytes: f.Size("spool.telemetry_bytes", r.Spool.TelemetryBytes, 64<<20),
			TelemetryAge:   f.Duration("spool.telemetry_age", r.Spool.TelemetryAge, 30*time.Minute),
			LedgerBytes:    f.Size("spool.ledger_bytes", r.Spool.LedgerBytes, 128<<20),
		},
		Listen: r.Listen,
	}
	r.Sources.take(c, f)
	r.facility(name, c, f)
	r.Sources.Meters.take(r.SiteFile != "", c, f)
	r.Sources.Grid.take(c, f)
	r.simulated(c, f)
	err = checkListen(c.Listen, r.Insecure)
	f.Require(err == nil, "listen", "%v", err)
	f.Require(metric.ValidName(c.Site), "site", "%q is not 1 to 63 of A-Z a-z 0-9 _ -", c.Site)
	f.Require(metric.ValidName(c.Agent), "agent", "%q is not 1 to 63 of A-Z a-z 0-9 _ -", c.Agent)
	f.Require(c.Place.Host != "", "place.host", "unknown, and the host has no name")
	for key, name := range map[string]string{"place.hall": c.Place.Hall, "place.rack": c.Place.Rack, "place.host": c.Place.Host} {
		f.Require(len(name) <= metric.MaxText, key, "%d bytes long; at most %d", len(name), metric.MaxText)
	}
	f.Require(len(c.Bus.URLs) > 0, "bus.urls", "missing: the addresses of the bus, such as [nats://127.0.0.1:4222]")
	err = c.Bus.Check()
	f.Require(err == nil, "bus.urls", "%v", err)
	f.Require(c.Spool.Dir != "", "spool.dir", "missing: the folder for what waits for the bus")
	f.Require((c.Bus.Cert == "") == (c.Bus.Key == ""), "bus.cert", "bus.cert and bus.key go together")
	f.Require(c.Interval >= 100*time.Millisecond && time.Minute%c.Interval == 0, "interval",
		"%s: a minute must be a whole number of intervals of 100ms or more", c.Interval)
	f.Require(c.Ledger >= c.Interval && c.Ledger%c.Interval == 0 && time.Hour%c.Ledger == 0, "ledger_interval",
		"%s: must be a whole number of intervals, and an hour a whole number of it", c.Ledger)
	return c, f.Err()
}

// Token makes a bus token of a host name: what may not stand in one becomes _.
func Token(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 128 && metric.ValidName(string(r)) {
			return r
		}
		return '_'
	}, s[:min(len(s), 63)])
}

func or(s, unset string) string {
	if s == "" {
		return unset
	}
	return s
}
