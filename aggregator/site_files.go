package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
)

// siteFiles keep in force what the sites' files say, and take a file that has
// changed without a restart. One that is not in order changes nothing: what was in
// force stays, and why is said.
//
//	site.yaml ─ changed? ─▶ describe ─┬─▶ ledger: terms
//	    ▲                      │      ├─▶ live: what there should be
//	 SIGHUP                 refused   └─▶ today: asked again
type siteFiles struct {
	list []*siteFile
	set  func(site string, t account.Terms) (version string, err error)
	plan func(site string, p live.Plan)
	wake func()
	emit func([]live.Point)                        // the limits that it states; nil: nobody wants them
	made func(site string) (simulated, known bool) // whether it is; known once something was booked
	left func(site string) []string                // meters that were read and are not in the file that is in force; nil: nobody knows
	log  *slog.Logger
}

// siteFile is the file of one site.
type siteFile struct {
	name, path string
	said       live.Inventory // in the configuration, where the file has no racks
	seen       stamp          // of the file when it was last looked at
	taken      stamp          // when it was last read, rightly or wrongly
	planned    live.Plan      // in force
	limits     limits
	told       time.Time // when they were last told

	mu      sync.Mutex // guards all below
	d       *description
	version string
	at      time.Time // when it was taken
	refused string    // why what stands in the file is not in force
	left    []string  // meters that were read and are not in it: they count in nothing
}

// stamp tells whether a file has changed.
type stamp struct {
	size int64
	time time.Time
}

func stampOf(path string) (s stamp) {
	if i, err := os.Stat(path); err == nil {
		s = stamp{i.Size(), i.ModTime()}
	}
	return s
}

const (
	// lookEvery is how often files are looked at. What has changed is read once it
	// has not for as long: an editor may be at it.
	lookEvery = 2 * time.Second

	metricFileRefused = "gigawatch_site_file_refused"
	metricFileTaken   = "gigawatch_site_file_taken_timestamp_seconds"
)

// newSiteFiles brings what the files of sites say into force.
func newSiteFiles(sites []siteConfig, f siteFiles, set *metrics.Set) (*siteFiles, error) {
	for i := range sites {
		s := &sites[i]
		if s.File == "" {
			continue
		}
		x := &siteFile{name: s.Name, path: s.File, said: s.Inventory, taken: stampOf(s.File)}
		x.seen = x.taken
		d := s.described
		if d == nil {
			var err error
			if d, err = describe(s.File); err != nil {
				return nil, err
			}
		}
		if err := f.take(x, d, time.Now()); err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		set.NewGauge(fmt.Sprintf("%s{site=%q}", metricFileRefused, s.Name), func() float64 {
			if _, _, why := x.state(); why != "" {
				return 1
			}
			return 0
		})
		set.NewGauge(fmt.Sprintf("%s{site=%q}", metricFileTaken, s.Name), func() float64 {
			_, at, _ := x.state()
			return float64(at.Unix())
		})
		f.list = append(f.list, x)
	}
	return &f, nil
}

// state is the version in force, since when, and why what stands in the file is
// not.
func (x *siteFile) state() (version string, at time.Time, refused string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.version, x.at, x.refused
}

// of is the file of a site, nil if it has none.
func (f *siteFiles) of(name string) *siteFile {
	if f != nil {
		for _, x := range f.list {
			if x.name == name {
				return x
			}
		}
	}
	return nil
}

// take brings d into force.
func (f *siteFiles) take(x *siteFile, d *description, now time.Time) error {
	if d.site.Token != x.name {
		return fmt.Errorf("%w, %q", errNotTheSite, d.site.Token)
	}
	version, err := f.set(x.name, d.terms)
	if err != nil {
		return err
	}
	x.mu.Lock()
	before := x.version
	x.d, x.version, x.at, x.refused = d, version, now, ""
	x.mu.Unlock()
	f.replan(x, now)
	f.compare(x)
	if before != version {
		f.log.Info("site file taken", "site", x.name, "file", x.path, "version", version, "meters", len(d.terms.Meters), "warnings", len(d.site.Check()))
	}
	return nil
}

// compare finds the meters that were read and that the file does not name, and
// says which are so since it last looked.
func (f *siteFiles) compare(x *siteFile) {
	if f.left == nil {
		return
	}
	left := f.left(x.name)
	x.mu.Lock()
	before := x.left
	x.left = left
	x.mu.Unlock()
	for _, name := range left {
		if !slices.Contains(before, name) {
			f.log.Warn("meter is not in the site file, its energy counts in nothing: keep it in the file, with its last day if it was taken away", "site", x.name, "file", x.path, "meter", name)
		}
	}
}

// replan tells what there should be at a time, if that is not what was told
// before: meters and racks have their days.
func (f *siteFiles) replan(x *siteFile, now time.Time) {
	p := x.d.plan(now)
	if len(x.d.site.Racks) == 0 {
		p.Inventory = x.said
	}
	if p.Inventory == x.planned.Inventory && p.Category == x.planned.Category && p.Only == x.planned.Only && slices.Equal(p.Meters, x.planned.Meters) && slices.Equal(p.Racks, x.planned.Racks) && x.planned.Meters != nil {
		return
	}
	x.planned = p
	f.plan(x.name, p)
}

// Run looks at the files until ctx ends: every few seconds, and at once on
// SIGHUP.
func (f *siteFiles) Run(ctx context.Context) error {
	if len(f.list) == 0 {
		<-ctx.Done()
		return nil
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	minute := time.Now().Truncate(time.Minute)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			for _, x := range f.list {
				f.read(x, time.Now())
			}
		case <-tick.C:
			f.look(time.Now())
			f.tellLimits(time.Now())
		}
		if now := time.Now().Truncate(time.Minute); now.After(minute) {
			minute = now
			for _, x := range f.list {
				f.replan(x, now)
				f.compare(x)
			}
		}
	}
}

// look reads the files that have changed and rest since.
func (f *siteFiles) look(now time.Time) {
	for _, x := range f.list {
		before := x.seen
		if x.seen = stampOf(x.path); x.seen == before && x.seen != x.taken {
			f.read(x, now)
		}
	}
}

// read takes the file anew, or says why not.
func (f *siteFiles) read(x *siteFile, now time.Time) {
	x.taken = stampOf(x.path) // before it is read: what changes meanwhile is read again
	d, err := describe(x.path)
	if err == nil {
		if err = f.take(x, d, now); err != nil {
			err = fmt.Errorf("%s: %w", x.path, err)
		}
	}
	if err == nil {
		f.wake()
		return
	}
	x.mu.Lock()
	x.refused = err.Error()
	version := x.version
	x.mu.Unlock()
	f.log.Error("site file refused, what it said before stays in force", "site", x.name, "version", version, "error", err)
}

// plan is what there should be at a time.
func (d *description) plan(now time.Time) live.Plan {
	from := now.UnixMilli()
	today := d.site.DateOf(now)
	var racks []live.Rack
	for i := range d.site.Racks {
		if k := &d.site.Racks[i]; k.InUse.Contains(today) {
			racks = append(racks, live.Rack{Hall: k.Hall, Name: k.ID, Hosts: len(k.Hosts)})
		}
	}
	p := live.Plan{Inventory: d.inventory(now), Racks: racks, Category: d.terms.Category, Only: len(d.terms.Meters) > 0, Meters: []live.Meter{}}
	for i := range d.terms.Meters {
		m, s := &d.terms.Meters[i], &d.site.Meters[i]
		if m.From > from || m.To != 0 && m.To <= from {
			continue
		}
		x := live.Meter{Name: m.Name, Role: s.Role, Backup: m.Backup, Less: m.Less, Rating: float64(m.Rating) / 1000}
		x.Inside = m.Backup == "" && !m.Less && !d.basis.Counts(m.Name, from, from+1)
		if len(s.Halls) == 1 {
			x.Hall = s.Halls[0]
		}
		if len(s.Racks) == 1 {
			x.Rack = s.Racks[0]
			if r := d.site.Rack(x.Rack); r != nil {
				x.Hall = r.Hall
			}
		}
		p.Meters = append(p.Meters, x)
	}
	return p
}
