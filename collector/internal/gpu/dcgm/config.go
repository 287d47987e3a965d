package dcgm

import (
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Config says which host engine is asked, and for what. Zero stands for the
// default.
type Config struct {
	// Address is a host engine's: host:port, tcp://host:port, a socket's path or
	// unix:///path. It is tried before localhost:5555.
	Address string
	Library string // libdcgm.so.4, where the loader does not find it by its name

	Profiling Profiling
	Interval  time.Duration // between the engine's own readings; default 1 s

	// Since is the time of the newest XID that is known already; default: when
	// the driver is opened, by the engine's clock.
	Since time.Time

	Logger *slog.Logger // default: none
}

// Profiling says whether the activity of a GPU's units and its traffic are
// watched.
type Profiling int

// On GPUs older than Hopper profiling holds the GPU's counters, so that no
// developer's profiler can have them.
const (
	ProfilingAuto Profiling = iota // on Hopper and newer
	ProfilingOff
	ProfilingOn
)

var profilings = []string{"auto", "off", "on"}

func (p Profiling) String() string { return profilings[p] }

// MarshalText writes p as it is configured.
func (p Profiling) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads auto, off or on.
func (p *Profiling) UnmarshalText(b []byte) error {
	i := slices.Index(profilings, string(b))
	if i < 0 {
		return fmt.Errorf("profiling %q: want one of %v", b, profilings)
	}
	*p = Profiling(i)
	return nil
}

// Cadence.
const (
	slowEvery   = 30 * time.Second // between the engine's readings of what seldom moves
	collectSlow = 10 * time.Second // between ours of those
	identEvery  = time.Minute
	listEvery   = time.Minute     // which GPUs, instances, switches and sockets there are
	statusEvery = 5 * time.Second // whether a GPU is lost
	sweepEvery  = 10 * time.Second
	seekEvery   = time.Minute // whether a host engine runs by now, while one of our own does

	keepAge   = 300 * time.Second // for which the engine keeps what it read
	staleness = 3                 // periods after which a value is not repeated

	backoffMin = time.Second
	backoffMax = 30 * time.Second
)

func (c Config) withDefaults() Config {
	if c.Interval <= 0 {
		c.Interval = time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
