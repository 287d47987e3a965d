package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/program"
	"github.com/gigawatch/gigawatch/collector/sim"
	"github.com/gigawatch/gigawatch/collector/sim/field"
	"github.com/gigawatch/gigawatch/collector/site"
)

// pollEvery is how often the meters of the simulated plant are read, unless it
// moves less often: so that what goes in and what comes out are of nearly the same
// moment.
const pollEvery = time.Second

// A simulation is the simulated site of all-in-one. Its hosts are a fleet; its
// meters are devices on loopback, described by a site file and read as real ones
// are.
type simulation struct {
	plant *field.Plant
	dir   string
	text  []byte // of the site file
	site  siteConfig
}

// openSimulation is the site of c, described in dir, its meters read every so often.
func openSimulation(dir string, c sim.Config, every time.Duration) (*simulation, error) {
	c.Wired = true
	world, err := sim.New(c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", program.ErrUsage, err)
	}
	s := &simulation{dir: dir, site: siteConfig{Name: c.Site, File: filepath.Join(dir, "site.yaml")}}
	if s.plant, err = field.Open(world, field.Config{}); err != nil {
		return nil, err
	}
	if err := s.describe(every); err != nil {
		return nil, errors.Join(fmt.Errorf("describe the simulated site: %w", err), s.plant.Close())
	}
	return s, nil
}

// describe makes the site file and what it states.
func (s *simulation) describe(every time.Duration) (err error) {
	if s.text, err = s.plant.SiteFile(every); err != nil {
		return err
	}
	d := &description{}
	if d.site, err = site.Parse(s.site.File, s.text); err != nil {
		return err
	}
	if d.terms, d.basis, err = stated(d.site); err != nil {
		return err
	}
	s.site.described, s.site.Inventory = d, d.inventory(time.Now())
	return nil
}

// write puts the site file where people find it.
func (s *simulation) write() error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return fmt.Errorf("write the simulated site's file: %w", err)
	}
	if err := os.WriteFile(s.site.File, s.text, 0o644); err != nil {
		return fmt.Errorf("write the simulated site's file: %w", err)
	}
	return nil
}

// collectors are the agents that read the plant's meters, as the site file names
// them.
func (s *simulation) collectors(bus agent.BusConfig, interval time.Duration) (list []*agent.Config) {
	var names []string
	for i := range s.site.described.site.Meters {
		if by := s.site.described.site.Meters[i].Read.By; !slices.Contains(names, by) {
			names = append(names, by)
		}
	}
	for _, name := range names {
		list = append(list, &agent.Config{
			Site: s.site.Name, Agent: name, Place: metric.Place{Host: name}, Bus: bus, Interval: interval, Ledger: 10 * time.Second,
			Facility: s.site.described.site, Meters: agent.MeterConfig{Enabled: true}, Simulated: true,
			Spool: agent.SpoolConfig{Dir: filepath.Join(s.dir, "spool-"+name), TelemetryBytes: 16 << 20, TelemetryAge: 30 * time.Minute, LedgerBytes: 32 << 20},
		})
	}
	return list
}

// quieter logs as log does at level, save what says that all is as usual: it is of
// agents whom nobody installed.
func quieter(level string, w io.Writer) (*slog.Logger, error) {
	if level == "info" {
		level = "warn"
	}
	return program.Logger(level, w)
}
