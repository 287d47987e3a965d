package host

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/shirou/gopsutil/v3/common"
)

// Config says which machine is read, and its bounds. Zero stands for the
// default.
type Config struct {
	Root   string // where proc and sys are; default "/"
	Place  metric.Place
	Logger *slog.Logger // default: none

	PackageWatts float64 // no processor package or its memory ever draws more; default 1000

	MaxInterfaces, MaxDisks, MaxMounts, MaxSensors, MaxPorts int // default 32 of each
}

// Cadence.
const (
	relistEvery = 30 * time.Second
	slowEvery   = 5 * time.Second // load, memory, temperatures, file systems, fabric ports
)

// A Source reads a machine. Read must not be called twice at once.
type Source struct {
	c    Config
	tree tree.Tree
	log  *slog.Logger
	env  common.EnvMap // tells gopsutil where the machine is

	found    *inventory
	layout   *metric.Layout
	listed   time.Time
	slow     []metric.Raw // the layout's last values, read at slowAt
	slowAt   time.Time
	busy     busy
	packages counter
	memories counter
	health   drives
	rates    map[string]metric.Raw // highest of each fabric port

	said atomic.Pointer[string]
}

// New looks at the machine once. It fails if there is none under c.Root.
func New(c Config) (*Source, error) {
	if c.Root == "" {
		c.Root = "/"
	}
	root, err := filepath.Abs(c.Root)
	if err != nil {
		return nil, fmt.Errorf("read host: %w", err)
	}
	if c.Place.Host == "" {
		return nil, fmt.Errorf("read host: it has no name")
	}
	for _, n := range []*int{&c.MaxInterfaces, &c.MaxDisks, &c.MaxMounts, &c.MaxSensors, &c.MaxPorts} {
		if *n <= 0 {
			*n = 32
		}
	}
	if c.PackageWatts <= 0 {
		c.PackageWatts = 1000
	}
	s := &Source{c: c, tree: tree.Under(root), log: c.Logger, rates: map[string]metric.Raw{}}
	s.health = drives{read: readHealth, all: map[string]*drive{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if !s.tree.Exists("proc", "stat") {
		return nil, fmt.Errorf("read host: no proc file system under %s", root)
	}
	s.env = common.EnvMap{common.HostProcEnvKey: s.tree.Path("proc"), common.HostSysEnvKey: s.tree.Path("sys")}
	seed := fmt.Sprintf("%s/%d", s.tree.Text("proc/sys/kernel/random/boot_id"), time.Now().UnixNano())
	s.packages = counter{point: sourcePackage, seed: seed, watts: c.PackageWatts}
	s.memories = counter{point: sourceMemory, seed: seed, watts: c.PackageWatts}
	s.relist(time.Now())
	return s, nil
}

// Name is the source's name.
func (s *Source) Name() string { return "host" }

// Describe says in one line what there is to read, and what is refused and why.
// It may be called at any time.
func (s *Source) Describe() string { return *s.said.Load() }

// relist looks what the machine has and makes another layout if that changed.
func (s *Source) relist(at time.Time) {
	found := s.take()
	s.listed = at
	if said := found.String(); s.found == nil || said != s.Describe() {
		s.said.Store(&said)
		s.log.Info("looked at host", "found", said)
	}
	if s.found != nil && s.found.same(found) {
		return
	}
	if s.found == nil || !sameZones(s.found.packages, found.packages) {
		s.packages.use(found.packages)
	}
	if s.found == nil || !sameZones(s.found.memories, found.memories) {
		s.memories.use(found.memories)
	}
	s.found, s.layout = found, s.arrange(found)
	s.slowAt = time.Time{}
}

// Read takes one reading. Differences are taken over the time that the process
// measures itself, so a step of the wall clock, which now may show, does no harm.
func (s *Source) Read(ctx context.Context, now time.Time, dst []metric.Raw) (*metric.Layout, []metric.Raw, error) {
	if err := ctx.Err(); err != nil {
		return nil, dst, err
	}
	ctx = context.WithValue(ctx, common.EnvKey, s.env)
	at := time.Now()
	if at.Sub(s.listed) >= relistEvery || s.health.changed() {
		s.relist(at)
	}
	s.health.ask(s.found.asked, at)
	dst = s.readProcessors(ctx, dst)
	dst = s.readEnergy(dst)
	dst = s.readDevices(dst)
	if s.slowAt.IsZero() || at.Sub(s.slowAt) >= slowEvery {
		s.slow, s.slowAt = s.readSlow(ctx, s.slow[:0]), at
	}
	return s.layout, append(dst, s.slow...), nil
}
