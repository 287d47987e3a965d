package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Board is a GPU that jobs may hold.
type Board struct {
	UUID, Model, PCI string
	Index            int
	Instances        []Instance
}

// An Instance is a part of a board that jobs may hold by itself.
type Instance struct {
	UUID  string
	Index int
	Share int64 // of the board, in millionths; 0 if unknown
}

// Whole is the share of one who holds all.
const Whole = 1_000_000

// Config says where holdings are looked for. What is empty is not looked at.
type Config struct {
	Place  metric.Place
	Root   string         // where proc and sys are; default "/"
	Boards func() []Board // of this host, now

	Mapping string         // folder with one file a GPU
	Drop    string         // folder with one file a job
	Slurm   bool           // control groups of slurmstepd
	Kubelet string         // socket of the kubelet's pod resources
	PodJob  *regexp.Regexp // its first group, or the whole match, makes a job of a pod's name

	Jobs, Tenants Naming
	Key           []byte // of the hash
	Logger        *slog.Logger
}

// A holding is what a finder knows: a job holds a device, or a part of the host.
type holding struct {
	job, tenant string
	device      string // as the finder's convention spells it; "" for the host
	share       int64  // in millionths; 0: with those who hold it too, alike
}

// A finder knows one convention.
type finder interface {
	name() string
	find(now time.Time) ([]holding, error)
}

// forget is how long a finder's last answer holds while it gives none.
const forget = 30 * time.Second

// answer is a finder with what it said last.
type answer struct {
	finder
	holdings []holding
	at       time.Time // of the last good answer
	err      error     // of the last, nil if it was good
}

// maxHoldings bounds what one host may report.
const maxHoldings = 512

// A Source reads holdings. Read must not be called twice at once.
type Source struct {
	c       Config
	answers []*answer
	shown   []share
	unsure  bool
	boards  []Board
	layout  *metric.Layout
	values  []metric.Raw
	said    atomic.Pointer[string]
}

// New makes a source of what c asks for.
func New(c Config) (*Source, error) {
	if c.Root == "" {
		c.Root = "/"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if (c.Jobs == Hash || c.Tenants == Hash) && len(c.Key) < 16 {
		return nil, errors.New("read jobs: names are to be hashed, and the site's key is shorter than 16 bytes")
	}
	s := &Source{c: c}
	if c.Mapping != "" {
		s.answers = append(s.answers, &answer{finder: &mapping{c.Mapping}})
	}
	if c.Drop != "" {
		s.answers = append(s.answers, &answer{finder: &drops{c.Drop}})
	}
	if c.Slurm {
		s.answers = append(s.answers, &answer{finder: &slurm{tree: tree.Under(c.Root), known: map[string][]holding{}}})
	}
	if c.Kubelet != "" {
		s.answers = append(s.answers, &answer{finder: newKubelet(c.Kubelet, c.PodJob)})
	}
	if len(s.answers) == 0 {
		return nil, errors.New("read jobs: neither a mapping folder nor a drop folder, Slurm's control groups or a kubelet to ask")
	}
	s.say("not read yet")
	return s, nil
}

// Name is the source's name.
func (s *Source) Name() string { return "job" }

// Describe says in one line who is asked and what could not be understood. It
// may be called at any time.
func (s *Source) Describe() string { return *s.said.Load() }

func (s *Source) say(text string) {
	if old := s.said.Load(); old == nil || *old != text {
		s.said.Store(&text)
	}
}

// Read takes one reading.
func (s *Source) Read(ctx context.Context, now time.Time, dst []metric.Raw) (*metric.Layout, []metric.Raw, error) {
	if err := ctx.Err(); err != nil {
		return nil, dst, err
	}
	var held []holding
	var notes []string
	unsure, good := false, 0
	at := time.Now() // the wall clock that now shows may step
	for _, a := range s.answers {
		found, err := a.find(at)
		if err == nil {
			a.holdings, a.at = found, at
			good++
		}
		if err != nil && (a.err == nil || a.err.Error() != err.Error()) {
			s.c.Logger.Warn("jobs cannot be read", "finder", a.name(), "error", err)
		}
		a.err = err
		note := a.name()
		if err != nil {
			note += " (" + err.Error() + ")"
			unsure = unsure || a.at.IsZero() || at.Sub(a.at) > forget
		}
		notes = append(notes, note)
		held = append(held, a.holdings...)
	}
	boards := s.c.Boards()
	shares, odd := s.divide(held, boards)
	if len(odd) > 0 {
		notes = append(notes, "not understood: "+strings.Join(odd[:min(len(odd), 5)], "; "))
	}
	s.say(fmt.Sprintf("%s: %d jobs", strings.Join(notes, ", "), count(shares)))
	if s.layout == nil || unsure != s.unsure || !slices.Equal(shares, s.shown) || !slices.EqualFunc(boards, s.boards, sameBoard) {
		s.shown, s.unsure, s.boards = shares, unsure, boards
		s.layout, s.values = s.arrange(shares, boards, unsure)
	}
	return s.layout, append(dst, s.values...), nil
}

func sameBoard(a, b Board) bool { return a.UUID == b.UUID && a.Index == b.Index && a.Model == b.Model }

func count(shares []share) int {
	jobs := map[string]bool{}
	for _, s := range shares {
		jobs[s.tenant+"\x00"+s.job] = true
	}
	return len(jobs)
}
