//go:build cgo && linux

package dcgm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	dcgmlib "github.com/NVIDIA/go-dcgm/pkg/dcgm"
)

// A session is one connection to an engine, and what the engine was told to
// read while it lasts. The library has one for the whole process.
type session struct {
	at      address
	version string
	config  Config

	prefix      string // of the names of groups, which all clients of an engine share
	named       int
	groups      []dcgmlib.GroupHandle
	fieldGroups []dcgmlib.FieldHandle

	devices  []device
	unread   int // GPUs that DCGM does not support, or may not touch
	switchID []uint
	socketID []uint

	fast, slow, profiling, ident, parts, events, switches, sockets *watch

	names  map[uint]string // of MIG devices, by the engine's id of the compute instance
	sought int             // how often again for a name

	values []value // what was read last

	subject []subject // of each of events.entities
	last    []sample  // newest of each

	refused []string
	broken  bool // the engine was not told all that it is to read
	guessed bool // what is profiled, without some GPU's capability
	asked   int  // how often again for what is not known
}

// dial connects to the first of the addresses where an engine answers, and has
// it read. What it says of the others is one sentence each.
func dial(addresses []address, c Config) (s *session, tried []string, err error) {
	for _, a := range addresses {
		if s, err = open(a, c); err == nil {
			return s, tried, nil
		}
		tried = append(tried, fmt.Sprintf("No DCGM engine %s: %v.", a, err))
	}
	return nil, tried, err
}

func open(a address, c Config) (*session, error) {
	if err := a.knock(); err != nil {
		return nil, err
	}
	if err := a.connect(); err != nil {
		return nil, err
	}
	s := &session{at: a, config: c, prefix: fmt.Sprintf("gigawatch-%d-%x", os.Getpid(), rand.Uint64())}
	if err := s.begin(); err != nil {
		return nil, errors.Join(err, dcgmlib.Shutdown())
	}
	return s, nil
}

func (s *session) begin() error {
	// A connection that failed at the log-in was reported as made.
	v, err := dcgmlib.GetHostengineVersionInfo()
	if err != nil {
		return fmt.Errorf("read version: %w", err)
	}
	s.version = version(v.RawBuildInfoString)
	if err := s.list(); err != nil {
		return err
	}
	if s.at == embedded && len(s.devices) == 0 {
		return errors.New("it finds no GPU")
	}
	return s.arrange()
}

// version is that in an engine's build information, key:value pairs with
// semicolons between them.
func version(build string) string {
	for pair := range strings.SplitSeq(build, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(pair), "version:"); ok && clean(v) != "" {
			return clean(v)
		}
	}
	return "of unknown version"
}

func (s *session) unique() string {
	s.named++
	return fmt.Sprintf("%s-%d", s.prefix, s.named)
}

// now is the time by the engine's clock, as nearly as it is known.
func (s *session) now() int64 {
	var newest int64
	_ = s.read(s.fast, func(_ int, v []value) {
		for i := range v {
			newest = max(newest, v[i].time)
		}
	})
	if newest == 0 {
		newest = time.Now().UnixMicro()
	}
	return newest
}

func (s *session) refuse(format string, args ...any) {
	if said := fmt.Sprintf(format, args...); !slices.Contains(s.refused, said) {
		s.refused = append(s.refused, said)
	}
}

// arrange has the engine read everything of what list found. What it read
// before it goes on reading, so that nothing it keeps is lost; only then are
// the old groups given back.
func (s *session) arrange() error {
	groups, fieldGroups := s.groups, s.fieldGroups
	s.groups, s.fieldGroups, s.refused = nil, nil, nil
	defer func() {
		for _, g := range groups {
			_ = dcgmlib.DestroyGroup(g)
		}
		for _, g := range fieldGroups {
			_ = dcgmlib.FieldGroupDestroy(g)
		}
	}()

	s.broken = true
	gpus := pairs(dcgmlib.FE_GPU, s.gpus())
	var err error
	if s.ident, err = s.watch("the GPUs", ident, gpus, identEvery); err != nil {
		return err
	}
	if err := s.identify(); err != nil {
		return err
	}
	s.names, s.sought = map[uint]string{}, 0
	for _, w := range []struct {
		to     **watch
		what   string
		fields []field
		of     []dcgmlib.GroupEntityPair
		every  time.Duration
	}{
		{&s.fast, "the GPUs", fast, gpus, s.config.Interval},
		{&s.slow, "the GPUs", slow, gpus, slowEvery},
		{&s.profiling, "the GPUs' profiling", s.profiled(), gpus, s.config.Interval},
		{&s.parts, "the GPUs' instances", parts, s.computes(), identEvery},
		{&s.events, "the GPUs and their instances", events, s.subjects(), s.config.Interval},
		{&s.switches, "the NVSwitches", switches, pairs(dcgmlib.FE_SWITCH, s.switchID), s.config.Interval},
		{&s.sockets, "the processors", sockets, pairs(dcgmlib.FE_CPU, s.socketID), s.config.Interval},
	} {
		if *w.to, err = s.watch(w.what, w.fields, w.of, w.every); err != nil {
			return err
		}
	}
	if err := s.name(); err != nil {
		return err
	}
	s.last = make([]sample, len(s.events.entities))
	s.broken = false
	return nil
}

// group is a new group of entities. Detached ones may be in it, and are not
// watched.
func (s *session) group(of []dcgmlib.GroupEntityPair) (dcgmlib.GroupHandle, error) {
	g, err := dcgmlib.CreateGroup(s.unique())
	if err != nil {
		return g, err
	}
	for _, e := range of {
		if err := dcgmlib.AddEntityToGroup(g, e.EntityGroupId, e.EntityId); err != nil {
			return g, errors.Join(err, dcgmlib.DestroyGroup(g))
		}
	}
	return g, nil
}

func pairs(kind dcgmlib.Field_Entity_Group, ids []uint) []dcgmlib.GroupEntityPair {
	p := make([]dcgmlib.GroupEntityPair, len(ids))
	for i, id := range ids {
		p[i] = dcgmlib.GroupEntityPair{EntityGroupId: kind, EntityId: id}
	}
	return p
}

// profiled is which profiling fields are wanted of the GPUs there are.
func (s *session) profiled() []field {
	const hopper = 9
	s.guessed = false
	switch s.config.Profiling {
	case ProfilingOn:
		return profiling
	case ProfilingOff:
		return nil
	}
	newest := 0
	for i := range s.devices {
		c := s.devices[i].capability
		if s.guessed = s.guessed || c == 0; c > 0 && c < hopper {
			s.refuse("Profiling is off: on GPUs older than Hopper it would keep profilers off the counters; it can be switched on.")
			return nil
		}
		newest = max(newest, c)
	}
	if newest == 0 {
		return nil
	}
	return profiling
}

// nameless says whether of a GPU that can be asked something is not known yet
// by which it is read.
func (s *session) nameless() bool {
	return slices.ContainsFunc(s.devices, func(d device) bool {
		return readable(d.status) && (d.identity.UUID == "" || s.guessed && d.capability == 0 && s.asked < 10)
	})
}
