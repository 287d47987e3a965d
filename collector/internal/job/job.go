package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// Config says where holdings are looked for. What is empty is not looked at.
type Config struct {
	Place  metric.Place
	Root   string                // where proc and sys are; default "/"
	Boards func() []gpu.Identity // of this host, now; nil: it has none

	Mapping string         // folder with one file a GPU
	Drop    string         // folder with one file a job
	Slurm   bool           // control groups of slurmstepd
	Kubelet string         // socket of the kubelet's pod resources
	PodJob  *regexp.Regexp // its first group, or the whole match, makes a job of a pod's name

	Jobs, Tenants Naming
	Key           secret.Text // of the hash; white space around it does not count
	Logger        *slog.Logger
}

// minKey is the least length of a site's key.
const minKey = 16

// sayEvery is how often a finder whose trouble changes is logged.
const sayEvery = time.Minute

// A Source reads holdings. Read must not be called twice at once.
type Source struct {
	c        Config
	finders  []*asked // in the order in which they are believed
	register register
	shown    []share // that layout is of
	layout   *metric.Layout
	said     atomic.Pointer[string]
	close    func()
}

// New makes a source of what c asks for.
func New(c Config) (*Source, error) {
	if c.Root == "" {
		c.Root = "/"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Boards == nil {
		c.Boards = func() []gpu.Identity { return nil }
	}
	if c.Place.Host == "" {
		return nil, errors.New("read jobs: the host has no name")
	}
	c.Key = secret.Of(strings.TrimSpace(c.Key.Reveal()))
	if (c.Jobs == Hash || c.Tenants == Hash) && c.Key.Len() < minKey {
		return nil, fmt.Errorf("read jobs: names are to be hashed, and the site's key is shorter than %d bytes", minKey)
	}
	files := tree.Under(c.Root)
	s := &Source{c: c, register: register{tree: files}, close: func() {}}
	add := func(f finder) { s.finders = append(s.finders, &asked{finder: f}) }
	if c.Drop != "" {
		add(newDrops(c.Drop))
	}
	if c.Slurm {
		add(newSlurm(files))
	}
	if c.Kubelet != "" {
		k := newKubelet(c.Kubelet, c.PodJob)
		s.close = k.close
		add(k)
	}
	if c.Mapping != "" {
		add(newMapping(c.Mapping))
	}
	if len(s.finders) == 0 {
		return nil, errors.New("read jobs: neither a mapping folder nor a drop folder, Slurm's control groups or a kubelet to ask")
	}
	s.say("not read yet")
	return s, nil
}

// Name is the source's name.
func (s *Source) Name() string { return "job" }

// Close ends what goes on beside the reading. Read must not be called again.
func (s *Source) Close() error {
	s.close()
	return nil
}

// Describe says in one line who is asked and what could not be understood. It
// may be called at any time.
func (s *Source) Describe() string { return *s.said.Load() }

func (s *Source) say(text string) {
	text = strings.Join(strings.Fields(text), " ")
	if old := s.said.Load(); old == nil || *old != text {
		s.said.Store(&text)
	}
}

// Read takes one reading. A finder that does not answer is no error of the
// source: values that are missing say it.
func (s *Source) Read(ctx context.Context, _ time.Time, dst []metric.Raw) (*metric.Layout, []metric.Raw, error) {
	if err := ctx.Err(); err != nil {
		return nil, dst, err
	}
	at := time.Now() // the wall clock of the reading may step
	sure := true
	known := make([][]holding, len(s.finders))
	notes := make([]string, len(s.finders))
	for i, f := range s.finders {
		was := f.err
		silent := f.ask(at)
		sure = sure && !silent
		known[i], notes[i] = f.held, f.note()
		s.log(f, was, at)
	}
	changed := s.register.use(s.c.Boards())
	shares, odd, crowded := s.divide(known)
	if changed || s.layout == nil || !sameHolders(shares, s.shown) {
		s.layout = s.arrange(shares)
	}
	s.shown = shares
	s.say(describe(notes, odd, shares, len(s.register.boards)))
	return s.layout, values(dst, shares, sure && !crowded), nil
}

// note is what there is to say of f.
func (f *asked) note() string {
	var said []string
	if f.err != nil {
		said = append(said, f.err.Error())
	} else if n := len(f.notes); n > 0 {
		said = append(said, f.notes[:min(n, 3)]...)
		if n > 3 {
			said = append(said, fmt.Sprintf("and %d more", n-3))
		}
	}
	if said == nil {
		return f.name()
	}
	return f.name() + " (" + strings.Join(said, "; ") + ")"
}

// log logs a finder that began to fail, fails otherwise or is well again.
func (s *Source) log(f *asked, was error, at time.Time) {
	switch {
	case f.err == nil && was != nil && !f.said.IsZero():
		s.c.Logger.Info("jobs can be read again", "finder", f.name())
		f.said = time.Time{}
	case f.err != nil && (f.said.IsZero() || at.Sub(f.said) >= sayEvery && (was == nil || was.Error() != f.err.Error())):
		s.c.Logger.Warn("jobs cannot be read", "finder", f.name(), "error", f.err)
		f.said = at
	}
}

func describe(notes, odd []string, shares []share, boards int) string {
	jobs, held, unclear := map[who]bool{}, map[int]bool{}, map[int]bool{}
	for _, x := range shares {
		if x.part == metric.Missing {
			unclear[x.board] = true
			continue
		}
		jobs[x.who] = true
		if x.board >= 0 {
			held[x.board] = true
		}
	}
	said := []string{fmt.Sprintf("%s: %d jobs, %d of %d boards held", strings.Join(notes, ", "), len(jobs), len(held), boards)}
	if len(unclear) > 0 {
		said = append(said, fmt.Sprintf("of %d boards it is not known who holds them", len(unclear)))
	}
	if n := len(odd); n > 0 {
		said = append(said, "not understood: "+strings.Join(odd[:min(n, 3)], "; "))
	}
	return strings.Join(said, "; ")
}
