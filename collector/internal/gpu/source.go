package gpu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/energy"
	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Config says whose boards are read, and how. Zero stands for the default.
type Config struct {
	Driver   Driver
	Place    metric.Place
	Expected int           // boards that the host should have; default: the most that were seen
	Interval time.Duration // between readings; default 1 s
	Root     string        // where proc and dev are; default "/"
	State    string        // file that remembers the lifetimes of energy counters; default: they are forgotten
	Logger   *slog.Logger  // default: none
}

// Bounds, and times after which things are believed.
const (
	maxBoards   = 128
	holdPeriods = 3              // a value may be as old as so many periods
	forget      = 24 * time.Hour // a board whose place another took
	sayEvery    = 10 * time.Second
	engineStops = 119 // XID after which DCGM's host engine makes no more driver calls
)

// A Source reads the boards of a host. Read must not be called twice at once;
// everything else may be called at any time.
type Source struct {
	c       Config
	driver  Driver
	log     *slog.Logger
	hold    time.Duration // how old a value may be
	gap     time.Duration // how far apart readings of power may be to be joined
	started time.Time

	reading Reading // the driver's; of no use to anybody after an error

	// mu is held by Read, save while it waits for the driver.
	mu       sync.Mutex
	lives    *energy.Lives
	boards   []*board // by index; of one index by their first appearance
	sockets  []*socket
	switches []*nvswitch
	seen     [Slots]bool // by any board, ever
	expected int         // the most boards that were listed at once; -1: there was no answer yet
	nameless int         // boards listed now whose identity is not known

	err      error     // of the driver, if it answered with one
	answered time.Time // when it last answered without
	found    string
	refused  []string
	forgets  error // why lifetimes will not be remembered

	kernel    kernelLog
	heard     time.Time // when the kernel's log was read last
	stopped   time.Time // when that told of XID 119; zero: not, or it is over
	readings  int
	codes     []uint32 // of XIDs seen, in the order of their columns
	strays    []stray
	uncounted int

	runs   []run // of the layout
	layout *metric.Layout
}

// New makes a source that asks c.Driver.
func New(c Config) (*Source, error) {
	if c.Driver == nil || c.Place.Host == "" {
		return nil, errors.New("read GPUs: there is no driver, or the host has no name")
	}
	if c.Root == "" {
		c.Root = "/"
	}
	root, err := filepath.Abs(c.Root)
	if err != nil {
		return nil, fmt.Errorf("read GPUs: %w", err)
	}
	if c.Interval <= 0 {
		c.Interval = time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	// Drivers sample once a second at best.
	hold := holdPeriods * max(c.Interval, time.Second)
	s := &Source{c: c, driver: c.Driver, log: c.Logger, hold: hold, gap: 2 * hold, started: time.Now(), expected: -1}
	files := tree.Under(root)
	s.kernel.path = files.Path("dev/kmsg")
	if s.lives, err = energy.OpenLives(c.State, files.Text("proc/sys/kernel/random/boot_id")); err != nil {
		s.forgets = err
		s.log.Warn("lifetimes of energy counters are not known from before", "error", err)
	}
	s.hearKernel(s.started)
	return s, nil
}

// Name is the source's name, whichever driver it has.
func (s *Source) Name() string { return "gpu" }

// Close ends the driver. Read must not be called again.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kernel.close()
	if err := s.driver.Close(); err != nil {
		return fmt.Errorf("close %s: %w", s.driver.Name(), err)
	}
	return nil
}

// Boards is what is known of each board, those that are lost among them.
func (s *Source) Boards() []Identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]Identity, len(s.boards))
	for i, b := range s.boards {
		ids[i] = b.Identity
	}
	return ids
}

// Read takes one reading. A driver that does not answer is no error of the
// source: the boards' states say it.
func (s *Source) Read(ctx context.Context, _ time.Time, dst []metric.Raw) (*metric.Layout, []metric.Raw, error) {
	s.reading.Events = s.reading.Events[:0]
	err := s.driver.Read(ctx, time.Now(), &s.reading)
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, dst, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := time.Now()
	if !errors.Is(err, ErrPending) {
		s.found, s.refused = s.reading.Found, append(s.refused[:0], s.reading.Refused...)
		s.err = err
	}
	if err == nil {
		s.answered = at
		s.take(at)
	}
	s.hearLibrary(at)
	s.hearKernel(at)
	s.judge(at)
	s.say(at)
	if s.layout == nil {
		s.arrange()
	}
	for i := range s.runs {
		r := &s.runs[i]
		for j := range r.Count {
			dst = append(dst, r.value(j, at))
		}
	}
	return s.layout, dst, nil
}

// take takes a reading that is not an error.
func (s *Source) take(at time.Time) {
	r := &s.reading
	taken := r.Time
	if taken == 0 {
		taken = at.UnixMicro()
	}
	for _, b := range s.boards {
		b.absent = true // unless it is listed
	}
	listed := map[*board]bool{}
	places := map[int]bool{}
	s.nameless = 0
	for i := range r.Boards {
		l := &r.Boards[i]
		places[l.Index] = true
		b := s.identify(l)
		if b == nil || listed[b] {
			if b == nil {
				s.nameless++
			}
			continue
		}
		listed[b] = true
		if b.know(l) {
			s.sort()
		}
		more, err := b.take(l, taken, at, s.hold, &s.seen)
		if more {
			s.layout = nil
		}
		s.remembers(err)
	}
	s.expected = max(s.expected, len(places))
	s.takeSockets(at, taken)
	s.takeSwitches()
}

// remembers notes whether lifetimes of counters can be remembered.
func (s *Source) remembers(err error) {
	if err != nil && (s.forgets == nil || s.forgets.Error() != err.Error()) {
		s.log.Warn("lifetimes of energy counters are not remembered", "error", err)
		s.forgets = err
	}
}

// identify is the board that l is of, made known if need be; nil if it cannot be
// known.
func (s *Source) identify(l *Board) *board {
	uuid := clean(l.UUID)
	if uuid == "" { // lost before it could say: it is where it was
		where, ok := parseAddress(l.PCI)
		for _, b := range s.boards {
			if ok && b.addressed && b.address == where || !ok && b.Index == l.Index {
				return b
			}
		}
		return nil
	}
	if b := s.byUUID(uuid); b != nil {
		return b
	}
	if len(s.boards) == maxBoards {
		return nil
	}
	b := &board{Identity: Identity{UUID: uuid, Index: l.Index}, tallies: map[uint32]*tally{}, meter: newMeter(uuid, s.lives, s.hold, s.gap)}
	b.know(l)
	s.boards = append(s.boards, b)
	s.sort()
	s.adopt(b)
	return b
}

func (s *Source) sort() {
	slices.SortStableFunc(s.boards, func(a, b *board) int { return a.Index - b.Index })
	s.layout = nil
}

func (s *Source) byUUID(uuid string) *board {
	for _, b := range s.boards {
		if b.UUID == uuid {
			return b
		}
	}
	return nil
}

// byAddress is the board at an address; of several the one that is not lost.
func (s *Source) byAddress(a address) (found *board) {
	for _, b := range s.boards {
		if b.addressed && b.address == a && (found == nil || found.absent && !b.absent) {
			found = b
		}
	}
	return found
}

// judge gives every board its state.
func (s *Source) judge(at time.Time) {
	alive, ok := false, false
	for _, b := range s.boards {
		alive = alive || !b.absent && !b.empty
	}
	for _, b := range s.boards {
		switch {
		case s.err != nil:
			b.state = metric.GPUUnreachable
		case at.Sub(s.answered) > s.hold:
			b.state = metric.GPUStale
		default:
			b.state = b.judge(at, alive, s.hold)
			ok = ok || b.state == metric.GPUOk
			if b.state != metric.GPULost {
				b.gone = time.Time{}
			} else if b.gone.IsZero() {
				b.gone = at
			}
		}
	}
	if ok && at.Sub(s.stopped) > time.Minute { // the engine was restarted since
		s.stopped = time.Time{}
	}
	replaced := func(b *board) bool {
		return !b.gone.IsZero() && at.Sub(b.gone) > forget &&
			slices.ContainsFunc(s.boards, func(o *board) bool { return o.gone.IsZero() && o.Index == b.Index })
	}
	if slices.ContainsFunc(s.boards, replaced) {
		s.boards = slices.DeleteFunc(slices.Clone(s.boards), replaced)
		s.layout = nil
	}
}
