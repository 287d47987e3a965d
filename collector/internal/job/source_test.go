package job

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/secret"
	"github.com/google/go-cmp/cmp"
)

var discard = slog.New(slog.DiscardHandler)

var errGone = errors.New("it is gone")

// run reads once a second for so long, and expects the same each time.
func (g *stage) run(d time.Duration, want holders) {
	g.t.Helper()
	for range d / time.Second {
		time.Sleep(time.Second)
		g.expect(want)
		if g.t.Failed() {
			return
		}
	}
}

func TestASilentFinderIsBelievedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := of(t, boardsOf(2, nil), all("a 0"), all("b 1"))
		first := g.s.finders[0].finder.(*told)
		both := holders{"0 a": 1_000_000, "1 b": 1_000_000}
		g.run(3*time.Second, both)
		layout := g.layout
		first.err = errGone
		g.run(30*time.Second, both)
		g.describes("it is gone")
		g.run(5*time.Second, nil) // also what the other says: who else holds it is not known
		if g.layout != layout {
			t.Error("another layout of the same holders")
		}
		first.err, first.held = nil, all("c 0")
		g.run(3*time.Second, holders{"0 c": 1_000_000, "1 b": 1_000_000})
	})
}

func TestAFirstAnswerThatNeverCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := of(t, boardsOf(2, nil), nil, all("b 1"))
		first := g.s.finders[0].finder.(*told)
		first.err = errGone
		g.run(40*time.Second, nil)
		first.err = nil
		g.run(2*time.Second, holders{"1 b": 1_000_000})
	})
}

func TestTroubleIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		g := of(t, boardsOf(1, nil), nil)
		g.s.c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		f := g.s.finders[0].finder.(*told)
		for i := range 300 {
			f.err = fmt.Errorf("trouble of process %d", i)
			g.read()
			time.Sleep(time.Second)
		}
		f.err = nil
		g.read()
		if n := strings.Count(log.String(), "level=WARN"); n != 5 {
			t.Errorf("%d warnings in five minutes", n)
		}
		if n := strings.Count(log.String(), "level=INFO"); n != 1 {
			t.Errorf("%d lines say that it is well again", n)
		}
	})
}

func TestLayoutStaysUntilHoldersChange(t *testing.T) {
	g := of(t, boardsOf(3, nil), all("a 0 0.5", "b host 0.5"))
	f := g.s.finders[0].finder.(*told)
	g.expect(holders{"0 a": 500_000, "host b": 500_000})
	layout := g.layout
	same := func(why string, want bool) {
		t.Helper()
		if g.read(); (g.layout == layout) != want {
			t.Errorf("%s: the layout is another: %v", why, g.layout != layout)
		}
		layout = g.layout
	}
	same("nothing", true)
	f.held = all("a 0 0.25", "b host 0.75")
	same("the shares", true)
	g.expect(holders{"0 a": 250_000, "host b": 750_000})
	f.held = all("a 0 0.25", "c host 0.75")
	same("a job", false)
	f.held = all("a/physics 0 0.25", "c host 0.75")
	same("a tenant", false)
	g.boards = boardsOf(3, nil)
	same("the same boards, told anew", true)
	g.boards = boardsOf(3, nil)
	g.boards[0].Model = "NVIDIA H200"
	same("a board's model", false)
	f.held = nil
	same("nobody holds anything", false)
	g.expect(holders{})
}

func TestBoardsComeAndGo(t *testing.T) {
	g := of(t, nil, all("a 0", "b "+uuid(1)))
	g.expect(holders{}) // not listed yet
	g.boards = boardsOf(1, nil)
	g.expect(holders{"0 a": 1_000_000})
	g.boards = boardsOf(2, nil)
	g.expect(holders{"0 a": 1_000_000, "1 b": 1_000_000})
	g.boards = boardsOf(2, map[int][]gpu.Instance{0: {{Index: 1, Parts: 3, Of: 7}}})
	g.s.finders[0].finder.(*told).held = all("a 0.1")
	g.expect(holders{"0 a": 428_571})
	g.boards = append(boardsOf(1, nil), gpu.Identity{UUID: uuid(9), Index: 0, Model: "new"}) // one that took the place of another
	g.s.finders[0].finder.(*told).held = all("a 0")
	g.expect(holders{"0 a": 1_000_000})
	if got := g.layout.Entities[2].Name; got != uuid(9) {
		t.Errorf("index 0 is %s", got)
	}
	g.boards = nil
	g.expect(holders{})
}

func TestBoardsChangeWhileJobsAreRead(t *testing.T) {
	var mu sync.Mutex
	n := 0
	g := of(t, nil, all("a 0", "b 1", "c 2"))
	g.s.c.Boards = func() []gpu.Identity {
		mu.Lock()
		defer mu.Unlock()
		g.boards = boardsOf(n, nil)
		return g.boards
	}
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			mu.Lock()
			n = (n + 1) % 4
			mu.Unlock()
			_ = g.s.Describe()
		}
	})
	for range 200 {
		g.read()
	}
	stop()
	done.Wait()
}

// oneBoard is a driver of one board.
type oneBoard struct{ gpu.Identity }

func (d *oneBoard) Name() string { return "one" }
func (d *oneBoard) Close() error { return nil }
func (d *oneBoard) Read(_ context.Context, now time.Time, r *gpu.Reading) error {
	b := gpu.Board{UUID: d.UUID, Index: d.Index, Model: d.Model, PCI: d.PCI, Time: now.UnixMicro()}
	b.Clear()
	b.Values[gpu.Power] = metric.Of(100)
	r.Boards = []gpu.Board{b}
	return nil
}

func TestBoardsAreThoseThatTheirOwnSourceShows(t *testing.T) {
	for _, model := range []string{"", "NVIDIA H200", strings.Repeat("much too long ", 30)} {
		place := metric.Place{Hall: "h1", Rack: "r1", Host: "n1"}
		d := &oneBoard{boardsOf(4, nil)[3]}
		d.Model = model
		gpus, err := gpu.New(gpu.Config{Driver: d, Place: place, Root: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer gpus.Close()
		theirs, _, err := gpus.Read(t.Context(), time.Now(), nil)
		if err != nil {
			t.Fatal(err)
		}
		g := newStage(t, func(c *Config) { c.Drop, c.Place, c.Boards = "drop", place, gpus.Boards })
		g.write("drop/7", "gpus=3\n")
		l, _, err := g.s.Read(t.Context(), time.Now(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(theirs.Entities[:4], l.Entities[:4]); d != "" {
			t.Errorf("entities of the GPU source (-) and of the job source (+):\n%s", d)
		}
	}
}

func TestNames(t *testing.T) {
	key := secret.Of("0123456789abcdef")
	long := strings.Repeat("ü", 150)
	for name, tc := range map[string]struct {
		jobs, tenants Naming
		held          []holding
		want          holders
	}{
		"kept":                              {Keep, Keep, all("4711/physics 0"), holders{"0 4711/physics": 1_000_000}},
		"hashed":                            {Hash, Hash, all("4711/physics 0"), holders{"0 d6f9c71fc9711c56/e4fd2862f0fa916f": 1_000_000}},
		"omitted":                           {Omit, Omit, all("4711/physics 0", "4712/physics 1"), holders{"0 job": 1_000_000, "1 job": 1_000_000}},
		"two that are omitted on one board": {Omit, Keep, all("1/a 0", "2/a 0", "3/b 0"), holders{"0 job/a": 666_666, "0 job/b": 333_334}},
		"no tenant to hash":                 {Keep, Hash, all("4711 0"), holders{"0 4711": 1_000_000}},
		"no text":                           {Keep, Keep, all("a\xff\xfeb/\xc3 0"), holders{"0 a_b/_": 1_000_000}},
		"longer than a name may be":         {Keep, Keep, all(long+" 0", long+"x 0"), holders{"0 " + cut(long): 500_000, "0 " + cut(long+"x"): 500_000}},
		"no text, hashed apart from what it says": {Hash, Keep, all("a\xff 0", "a_ 0"), holders{"0 " + Hash.of("a\xff", key): 500_000, "0 " + Hash.of("a_", key): 500_000}},
	} {
		t.Run(name, func(t *testing.T) {
			g := of(t, boardsOf(2, nil), tc.held)
			g.s.c.Jobs, g.s.c.Tenants, g.s.c.Key = tc.jobs, tc.tenants, key
			g.expect(tc.want)
		})
	}
}

func cut(name string) string { return Keep.of(name, secret.Text{}) }

func TestAKeyIsTheSameWithALinesEnd(t *testing.T) {
	for _, key := range []string{"0123456789abcdef", "0123456789abcdef\n", "  0123456789abcdef\r\n"} {
		g := newStage(t, func(c *Config) { c.Drop, c.Jobs, c.Key = "drop", Hash, secret.Of(key) })
		g.write("drop/4711", "gpus=0\n")
		g.expect(holders{"0 " + Hash.of("4711", secret.Of("0123456789abcdef")): 1_000_000})
	}
}

func TestWhatCannotBeMeantIsRefused(t *testing.T) {
	place := metric.Place{Host: "n1"}
	for name, tc := range map[string]struct {
		c    Config
		want string
	}{
		"nobody to ask":       {Config{Place: place}, "neither a mapping folder"},
		"no host":             {Config{Slurm: true}, "the host has no name"},
		"hashing with no key": {Config{Place: place, Slurm: true, Tenants: Hash}, "shorter than 16 bytes"},
		"a key of blanks":     {Config{Place: place, Slurm: true, Jobs: Hash, Key: secret.Of("short            \n")}, "shorter than 16 bytes"},
	} {
		if _, err := New(tc.c); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for text, want := range map[string]Naming{"": Keep, "keep": Keep, "hash": Hash, "omit": Omit} {
		if n, err := ParseNaming(text); n != want || err != nil {
			t.Errorf("%q is %d, %v", text, n, err)
		}
	}
	if _, err := ParseNaming("hide"); err == nil {
		t.Error("hide is a naming")
	}
}

func TestAReadingThatIsNotWantedAnyMore(t *testing.T) {
	g := of(t, boardsOf(1, nil), all("a 0"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, dst, err := g.s.Read(ctx, time.Now(), []metric.Raw{1}); !errors.Is(err, context.Canceled) || len(dst) != 1 {
		t.Errorf("%v, %d values", err, len(dst))
	}
}

func TestJobOfAPod(t *testing.T) {
	for name, tc := range map[string]struct{ pattern, pod, want string }{
		"no pattern":         {"", "train-7-xk2vq", "train-7-xk2vq"},
		"its group":          {"^(.+)-[0-9]+$", "train-7", "train"},
		"its match":          {"^[a-z]+", "train-7", "train"},
		"no match":           {"^(.+)-[0-9]+$", "train", "train"},
		"a group of nothing": {"^(x*)train", "train-7", "train"},
		"a match of nothing": {"x*", "train-7", "train-7"},
	} {
		k := &kubelet{}
		if tc.pattern != "" {
			k.job = regexp.MustCompile(tc.pattern)
		}
		if got := k.jobOf(tc.pod); got != tc.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
