package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/bmc"
	"github.com/gigawatch/gigawatch/collector/internal/carbon"
	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/host"
	"github.com/gigawatch/gigawatch/collector/internal/job"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// finding is one line about a source that is not there: why, and what would
// help.
type finding struct {
	name, said string
	refused    bool // it was asked for
}

// log writes f where it is looked for: what was refused among the errors.
func (f *finding) log(log *slog.Logger) {
	level := slog.LevelInfo
	if f.refused {
		level = slog.LevelError
	}
	log.Log(context.Background(), level, "source", "name", f.name, "found", f.said)
}

// What a source may be besides.
type (
	describer interface{ Describe() string }          // says in one line what it found and what was refused
	worker    interface{ Run(context.Context) error } // works between readings
	settler   interface{ Settle(context.Context) }    // waits for what Run finds first
	reviser   interface {                             // knows better afterwards
		Revisions(after uint64, most int) []carbon.Revision
	}
)

// rows are the sources that there are, and what is said of those that are not.
type rows struct {
	list  []Scheduled
	found []finding
}

func (r *rows) add(name string, s Source, err error) {
	if err != nil {
		r.refuse(name, err.Error())
		return
	}
	r.list = append(r.list, Scheduled{Source: s})
}

func (r *rows) say(name, text string) { r.found = append(r.found, finding{name: name, said: text}) }

func (r *rows) refuse(name, why string) {
	r.found = append(r.found, finding{name, "refused: " + why, true})
}

// sources makes the sources that c asks for and this host has.
func sources(c *Config, log *slog.Logger) ([]Scheduled, []finding) {
	state := filepath.Join(c.Spool.Dir, "state")
	if err := os.MkdirAll(state, 0o700); err != nil {
		log.Warn("lifetimes of counters will not be remembered", "error", err)
	}
	var r rows
	if !c.Simulated { // this host is real
		r.ofHost(c, state, log)
	}
	r.ofSite(c, state, log)
	return r.list, r.found
}

// ofHost makes those of this host.
func (r *rows) ofHost(c *Config, state string, log *slog.Logger) {
	if c.Host.Enabled {
		s, err := host.New(host.Config{Root: c.Host.Root, Place: c.Place, Logger: log})
		r.add("host", s, err)
	}
	boards := func() []gpu.Identity { return nil }
	if d := openGPUs(c, log); d != nil {
		s, err := gpu.New(gpu.Config{Driver: d, Place: c.Place, Expected: c.GPU.Expected, Interval: c.Interval, Root: c.Host.Root,
			State: filepath.Join(state, "gpu.json"), Logger: log})
		r.add("gpu", s, err)
		if err == nil {
			boards = s.Boards
		}
	} else {
		r.say("gpu", "not asked for")
	}
	if p := &c.Power; p.Enabled {
		s, err := bmc.New(bmc.Config{
			Root: c.Host.Root, Place: c.Place, State: state, Period: p.Period, Timeout: p.Timeout, Logger: log,
			Redfish: bmc.Redfish{URL: p.Redfish.URL, User: p.Redfish.User, PasswordFile: p.Redfish.PasswordFile, TokenFile: p.Redfish.TokenFile,
				CA: p.Redfish.CA, ServerName: p.Redfish.ServerName, InsecureSkipVerify: p.Redfish.Insecure, System: p.Redfish.System, Chassis: p.Redfish.Chassis},
			IPMI: bmc.IPMI{Off: !p.IPMI.Enabled, Device: p.IPMI.Device, Host: p.IPMI.Host, User: p.IPMI.User, PasswordFile: p.IPMI.PasswordFile},
		})
		r.add("node_power", s, err)
	}
	if j := &c.Jobs; j.Mapping != "" || j.Drop != "" || j.Slurm || j.Kubelet != "" {
		s, err := openJobs(c, boards, log)
		r.add("job", s, err)
	}
}

// ofSite makes those of the site.
func (r *rows) ofSite(c *Config, state string, log *slog.Logger) {
	if c.forgets {
		state = ""
	}
	if c.Meters.Enabled && c.Facility != nil {
		s, refused, said, err := openMeters(c, state, log)
		for _, why := range refused {
			r.refuse("meter", why)
		}
		for _, text := range said {
			r.say("meter", text)
		}
		if s != nil || err != nil {
			r.add("meter", s, err)
		}
	}
	if c.Grid.asked() {
		s, err := openGrid(c, state, log)
		r.add("grid", s, err)
	}
}

func openJobs(c *Config, boards func() []gpu.Identity, log *slog.Logger) (*job.Source, error) {
	j := &c.Jobs
	var key secret.Text
	if j.KeyFile != "" {
		b, err := os.ReadFile(j.KeyFile) // all of it, whatever it holds
		if err != nil {
			return nil, fmt.Errorf("read the site's key: %w", err)
		}
		key = secret.Of(string(b))
	}
	jobs, err := job.ParseNaming(j.Jobs)
	if err != nil {
		return nil, err
	}
	tenants, err := job.ParseNaming(j.Tenants)
	if err != nil {
		return nil, err
	}
	return job.New(job.Config{Place: c.Place, Root: c.Host.Root, Boards: boards, Mapping: j.Mapping, Drop: j.Drop, Slurm: j.Slurm,
		Kubelet: j.Kubelet, PodJob: j.PodJob, Jobs: jobs, Tenants: tenants, Key: key, Logger: log})
}

// describe says what a source found.
func describe(s Source) string {
	if d, ok := s.(describer); ok {
		return d.Describe()
	}
	return "reads"
}

// closeAll closes those that hold something.
func closeAll(list []Scheduled) error {
	var errs []error
	for _, s := range list {
		if c, ok := s.Source.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// checkFor is how long a check waits for a source.
const checkFor = 15 * time.Second

// Check says what a run with c would read and where it would send it, taking
// a few readings of each source. It is an error if one is refused, or a part of it.
func Check(ctx context.Context, c *Config, log *slog.Logger, w io.Writer) (err error) {
	glance := *c
	glance.forgets = true
	list, found := sources(&glance, log)
	defer func() { err = errors.Join(err, closeAll(list)) }()
	fmt.Fprintf(w, "site %s, agent %s, bus %v, spool %s\n", c.Site, c.Agent, c.Bus.shown(), c.Spool.Dir)
	if c.Simulated {
		fmt.Fprintf(w, "SIMULATED: all that is read is marked as a model's\n")
	}
	if c.Facility != nil {
		if n := len(c.Facility.Check()); n > 0 {
			fmt.Fprintf(w, "site file: %d warnings; aggregator site -check tells them\n", n)
		}
	}
	var errs []error
	for _, f := range found {
		fmt.Fprintf(w, "source %s: %s\n", f.name, f.said)
		if f.refused {
			errs = append(errs, fmt.Errorf("source %s: %s", f.name, f.said))
		}
	}
	for _, s := range list {
		errs = append(errs, checkSource(ctx, s, w))
	}
	return errors.Join(errs...)
}

func checkSource(ctx context.Context, s Scheduled, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, checkFor)
	defer cancel()
	if r, ok := s.Source.(worker); ok {
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		defer func() { cancel(); <-done }()
	}
	if r, ok := s.Source.(settler); ok {
		r.Settle(ctx)
	}
	var l *metric.Layout
	var values []metric.Raw
	var err error
	for range 3 { // differences need two; a child has to start
		if l, values, err = s.Read(ctx, time.Now(), nil); ctx.Err() != nil {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	fmt.Fprintf(w, "source %s: %s\n", s.Name(), describe(s.Source))
	if err != nil {
		return fmt.Errorf("read source %s: %w", s.Name(), err)
	}
	missing := 0
	for _, v := range values {
		if v == metric.Missing {
			missing++
		}
	}
	fmt.Fprintf(w, "source %s: %d values a tick, %d of them missing now\n", s.Name(), l.Width(), missing)
	return nil
}
