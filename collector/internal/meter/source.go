package meter

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Feed is a connection that readers share and that works by itself.
type Feed interface {
	Run(ctx context.Context) error
}

// Config says which meters are read.
type Config struct {
	Place  metric.Place // of the collector, with which its layouts begin; may be empty
	Meters []Meter
	Feeds  []Feed       // that readers need
	State  string       // file in which the lives of registers are remembered; empty: counts begin at zero at each start
	Logger *slog.Logger // default: none

	Simulated bool // the meters are a model's, though they are read as real ones are
}

// A Source reads meters. Run polls; Read must not be called twice at once.
type Source struct {
	log     *slog.Logger
	devices []*device
	feeds   []Feed
	layout  *metric.Layout
	cells   []cell
	memory  *memory
	soon    chan struct{}  // the memory is to be saved
	settled sync.WaitGroup // of the devices that were not tried yet
}

// New checks c. It contacts nothing.
func New(c Config) (*Source, error) {
	s := &Source{log: c.Logger, feeds: c.Feeds, soon: make(chan struct{}, 1)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if c.State != "" {
		if err := os.MkdirAll(filepath.Dir(c.State), 0o700); err != nil {
			s.log.Warn("lives of meters will not be remembered", "error", err)
		}
	}
	var err error
	if s.memory, err = openMemory(c.State); err != nil {
		s.log.Warn("counters of meters may begin anew", "error", err)
	}
	names, lines := map[string]bool{}, map[string]*line{}
	for _, m := range c.Meters {
		if err := m.settle(); err != nil {
			return nil, err
		}
		if names[m.Name] {
			return nil, fmt.Errorf("meter %s: there are two of that name", m.Name)
		}
		names[m.Name] = true
		d := newDevice(m, s.memory, s.save, s.log)
		if d.line = lines[m.Line]; d.line == nil || m.Line == "" {
			d.line = newLine()
			lines[m.Line] = d.line
		}
		s.devices = append(s.devices, d)
	}
	if s.layout, s.cells, err = arrange(c.Place, s.devices); err != nil {
		return nil, err
	}
	s.layout.Simulated = c.Simulated
	s.settled.Add(len(s.devices))
	return s, nil
}

// Name is the source's name.
func (s *Source) Name() string { return "meter" }

// save asks for the memory to be saved soon.
func (s *Source) save() {
	select {
	case s.soon <- struct{}{}:
	default:
	}
}

// A device that hangs keeps its goroutine for as long as it hangs; Run leaves it
// behind after this.
const farewell = 5 * time.Second

// Run polls the meters until ctx ends.
func (s *Source) Run(ctx context.Context) error {
	var working sync.WaitGroup
	for _, d := range s.devices {
		working.Go(func() { s.poll(ctx, d) })
	}
	for _, f := range s.feeds {
		working.Go(func() {
			if err := f.Run(ctx); err != nil {
				s.log.Error("what meters are read by has ended", "error", err)
			}
		})
	}
	s.keep(ctx)
	over := make(chan struct{})
	go func() {
		working.Wait()
		close(over)
	}()
	late := time.NewTimer(farewell)
	defer late.Stop()
	select {
	case <-over:
	case <-late.C:
		s.log.Warn("left a meter that does not answer", "found", s.Describe())
	}
	return s.memory.save()
}

// The memory is saved so often; what registers showed since is found out from
// them again.
const (
	saveEvery = time.Minute
	saveSoon  = time.Second
)

// keep saves the memory until ctx ends.
func (s *Source) keep(ctx context.Context) {
	due := time.NewTimer(saveEvery)
	defer due.Stop()
	failing, hurried := false, false
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.soon:
			if !hurried {
				hurried = true
				due.Reset(saveSoon)
			}
			continue
		case <-due.C:
			hurried = false
			due.Reset(saveEvery)
		}
		err := s.memory.save()
		if err != nil && !failing {
			s.log.Warn("counters of meters may begin anew after a restart", "error", err)
		}
		failing = err != nil
	}
}

// Settle waits until every meter has answered or failed once, or ctx ends. Run
// must be running.
func (s *Source) Settle(ctx context.Context) {
	all := make(chan struct{})
	go func() {
		s.settled.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-ctx.Done():
	}
}

// Read shows the newest readings that Run took, as far as they are of the
// present. The layout is always the same.
func (s *Source) Read(ctx context.Context, _ time.Time, dst []metric.Raw) (*metric.Layout, []metric.Raw, error) {
	if err := ctx.Err(); err != nil {
		return nil, dst, err
	}
	now := time.Now()
	for _, c := range s.cells {
		dst = append(dst, c.value(now))
	}
	return s.layout, dst, nil
}

// A State is what is known of a meter.
type State struct {
	Name     string
	Role     string
	Class    string    // of its accuracy
	Answered time.Time // the newest reading; zero: there is none
	Failures int       // in a row since
	Trouble  string    // "" if there is none
}

// States are those of all meters, in the order in which they were given.
func (s *Source) States() []State {
	now := time.Now()
	list := make([]State, len(s.devices))
	for i, d := range s.devices {
		trouble := d.says(now)
		d.mu.Lock()
		list[i] = State{d.Name, d.Role, d.Installed[installedAt(d.Installed, now)].Class, d.answered, d.failures, trouble}
		d.mu.Unlock()
	}
	return list
}

// mostTold is how many meters Describe says something of.
const mostTold = 12

// Describe says in one line which meters answer, and what is wrong with the
// others.
func (s *Source) Describe() string {
	answering := 0
	var told []string
	list := s.States()
	slices.SortStableFunc(list, func(a, b State) int { return strings.Compare(a.Name, b.Name) })
	for _, m := range list {
		if !m.Answered.IsZero() && m.Failures == 0 {
			answering++
		}
		if m.Trouble != "" {
			told = append(told, m.Name+": "+m.Trouble)
		} else if m.Answered.IsZero() {
			told = append(told, m.Name+": not read yet")
		}
	}
	said := fmt.Sprintf("%d of %d meters answer", answering, len(list))
	if more := len(told) - mostTold; more > 0 {
		told = append(told[:mostTold], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(append([]string{said}, told...), "; ")
}
