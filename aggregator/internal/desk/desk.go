package desk

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/site"
)

// Described is a site as its file states it, in force. It does not change.
type Described struct {
	Site    *site.Site
	File    string // beside which others are found
	Terms   account.Terms
	Basis   *account.Basis
	Refused string // why what stands in the file now is not in force
}

// Books are the ledger as a report reads it.
type Books interface {
	report.Hourly
	Verify(site string, from, to int64) (files int, err error)
	Head(site string) (ledger.Head, error)
	Extends(ledger.Head) error
	Prove(h ledger.Head, hour int64) ([]ledger.Proof, error)
	Simulated(site string) bool
	Began(site string) (millis int64, ok bool)
}

// Config is what a Desk needs.
type Config struct {
	Data  string              // folder of the aggregator
	Sites func() []*Described // those with a file, in force now
	Known func() []string     // all that the books have; nil: those of Sites
	// Open opens the books of a site, whose terms are in force there.
	Open    func(*Described) (b Books, done func() error, err error)
	Program string // version of it
	Now     func() time.Time
	Logger  *slog.Logger
}

// A Desk makes reports, and keeps those it made for a while. It is used from many
// goroutines at once.
type Desk struct {
	c      Config
	Folder Folder

	ctx  context.Context // ends with the desk
	stop context.CancelFunc
	work sync.WaitGroup
	one  chan struct{} // held by who makes a record

	mu      sync.Mutex
	drafts  []*Draft // the latest asked for last
	flights map[yearOf]*flight
	files   []*output
}

// New is a desk. It has to be closed.
func New(c Config) *Desk {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Desk{c: c, Folder: NewFolder(c.Data), one: make(chan struct{}, 1), flights: map[yearOf]*flight{}}
	d.ctx, d.stop = context.WithCancel(context.Background())
	return d
}

// Close ends what is being made, and waits for that.
func (d *Desk) Close() error {
	d.stop()
	d.work.Wait()
	return nil
}

// described is a site, and the others.
func (d *Desk) described(name string) (s *Described, others []*site.Site, err error) {
	for _, x := range d.c.Sites() {
		if x.Site.Token == name {
			s = x
			continue
		}
		others = append(others, x.Site)
	}
	switch {
	case s != nil:
		return s, others, nil
	case d.c.Known != nil && slices.Contains(d.c.Known(), name):
		return nil, nil, fmt.Errorf("%w: %s", query.ErrNoReport, noFile)
	}
	return nil, nil, fmt.Errorf("%w: no site %q", query.ErrNoSite, name)
}

// noFile is why nothing can be reported of a site.
const noFile = "no site file describes it: aggregator site -init > site.yaml begins one, and sites: in the aggregator's configuration names it"

// checkYear refuses years that no report is of.
func checkYear(year int) error {
	if year < 1990 || year > 2100 {
		return fmt.Errorf("%w: %d is none of the years 1990 to 2100", query.ErrNoReport, year)
	}
	return nil
}

// rulesOf are the rules for a report: what corrects a record goes by its rules.
func rulesOf(f *report.Filing, country string) (rules *report.Set, beside []*report.Set, err error) {
	sets, err := report.Sets()
	if err != nil {
		return nil, nil, err
	}
	rules, beside = report.For(sets, f.Year, country)
	if at := f.Newest(); at != nil {
		rules = report.Find(sets, at.Rules)
	}
	if rules == nil {
		return nil, nil, fmt.Errorf("%w: no rules are known for %d", query.ErrNoReport, f.Year)
	}
	return rules, beside, nil
}
