package job

import (
	"flag"
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/secret"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// rapid's own hundred sequences miss what one in thousands shows.
func init() { _ = flag.Set("rapid.checks", "2000") }

// told is a finder that says what a test wants.
type told struct {
	held []holding
	err  error
}

func (f *told) name() string { return "a test" }

func (f *told) find(now time.Time) (answer, error) { return answer{held: f.held, at: now}, f.err }

// of is a source of what finders say of boards.
func of(t testing.TB, boards []gpu.Identity, known ...[]holding) *stage {
	g := newStage(t, func(c *Config) { c.Drop = "drop" })
	g.boards = boards
	g.s.finders = nil
	for _, held := range known {
		g.s.finders = append(g.s.finders, &asked{finder: &told{held: held}})
	}
	return g
}

// h is a holding written as "job[/tenant] device [share]"; a device "host" is the
// host, and one with "?" behind it is unclear.
func h(text string) (x holding) {
	words := strings.Fields(text)
	x.job, x.tenant, _ = strings.Cut(words[0], "/")
	x.device, x.unclear = strings.CutSuffix(words[1], "?")
	if x.device == "host" {
		x.device = ""
	}
	if len(words) > 2 {
		var err error
		if x.share, err = parseShare(words[2]); err != nil {
			panic(err)
		}
	}
	return x
}

func all(texts ...string) (held []holding) {
	for _, text := range texts {
		held = append(held, h(text))
	}
	return held
}

func TestShares(t *testing.T) {
	mig := map[int][]gpu.Instance{
		1: {{UUID: "MIG-3", Index: 1, Parts: 3, Of: 7}, {UUID: "MIG-4", Index: 2, Parts: 4, Of: 7}},
		2: {{Index: 7, Parts: 1, Of: 7}, {Index: 8, Parts: 1, Of: 7}, {Index: 9, Parts: 1, Of: 7}, {Index: 10, Parts: 1, Of: 7},
			{Index: 11, Parts: 1, Of: 7}, {Index: 12, Parts: 1, Of: 7}, {Index: 13, Parts: 1, Of: 7}},
		3: {{UUID: "MIG-x", Index: 1}, {UUID: "MIG-y", Index: 2, Parts: 3, Of: 7}, {UUID: "MIG-z", Index: 3}},
	}
	for name, tc := range map[string]struct {
		known [][]holding
		want  holders
	}{
		"nobody holds anything":                                    {[][]holding{nil}, holders{}},
		"one holds a board":                                        {[][]holding{all("a 0")}, holders{"0 a": 1_000_000}},
		"one holds many":                                           {[][]holding{all("a 0", "a 3", "a 7")}, holders{"0 a": 1_000_000, "3 a": 1_000_000, "7 a": 1_000_000}},
		"two share alike":                                          {[][]holding{all("a 0", "b 0")}, holders{"0 a": 500_000, "0 b": 500_000}},
		"three share alike":                                        {[][]holding{all("a 0", "b 0", "c 0")}, holders{"0 a": 333_333, "0 b": 333_333, "0 c": 333_334}},
		"halves said":                                              {[][]holding{all("a 0 0.5", "b 0 0.5")}, holders{"0 a": 500_000, "0 b": 500_000}},
		"a quarter said, the rest is nobody's":                     {[][]holding{all("a 0 0.25")}, holders{"0 a": 250_000}},
		"a quarter said, another has the rest":                     {[][]holding{all("a 0 0.25", "b 0")}, holders{"0 a": 250_000, "0 b": 750_000}},
		"all said, another is there too":                           {[][]holding{all("a 0 1", "b 0")}, holders{"0 a": 500_000, "0 b": 500_000}},
		"more said than there is":                                  {[][]holding{all("a 0 1", "b 0 0.5")}, holders{"0 a": 666_666, "0 b": 333_334}},
		"a millionth":                                              {[][]holding{all("a 0 0.000001", "b 0 1")}, holders{"0 a": 0, "0 b": 1_000_000}},
		"an instance of 3/7, one of 4/7":                           {[][]holding{all("a 1.1", "b MIG-4")}, holders{"1 a": 428_571, "1 b": 571_429}},
		"3/7 alone":                                                {[][]holding{all("a MIG-3")}, holders{"1 a": 428_571}},
		"4/7 alone":                                                {[][]holding{all("a MIG-4")}, holders{"1 a": 571_429}},
		"both instances":                                           {[][]holding{all("a MIG-3", "a MIG-4")}, holders{"1 a": 1_000_000}},
		"seven of a seventh":                                       {[][]holding{all("a 2.7", "a 2.8", "a 2.9", "a 2.10", "a 2.11", "a 2.12", "b 2.13")}, holders{"2 a": 857_142, "2 b": 142_858}},
		"instances of unknown size":                                {[][]holding{all("a MIG-x", "b MIG-y", "c MIG-z")}, holders{"3 a": 285_714, "3 b": 428_571, "3 c": 285_715}},
		"an instance shared in time":                               {[][]holding{all("a MIG-3::0", "b MIG-3::1", "c MIG-4")}, holders{"1 a": 214_285, "1 b": 214_286, "1 c": 571_429}},
		"half of an instance":                                      {[][]holding{all("a MIG-3 0.5")}, holders{"1 a": 214_285}},
		"an instance and the board it is of":                       {[][]holding{all("a MIG-3", "b 1")}, holders{"1 a": 428_571, "1 b": 571_429}},
		"a job's instance, named as its board":                     {[][]holding{all("a 1"), all("a MIG-3")}, holders{"1 a": 428_571}},
		"an instance that is not listed":                           {[][]holding{all("a 1.9", "b MIG-3")}, holders{"1 a": 571_429, "1 b": 428_571}},
		"an instance of a board that is whole":                     {[][]holding{all("a 0.1")}, holders{"0 a": 1_000_000}},
		"replicas of one board":                                    {[][]holding{all("a "+uuid(0)+"::0", "a "+uuid(0)+"::1", "b "+uuid(0)+"::2")}, holders{"0 a": 500_000, "0 b": 500_000}},
		"two finders say the same":                                 {[][]holding{all("a 0", "a 1.1"), all("a "+uuid(0), "a MIG-3")}, holders{"0 a": 1_000_000, "1 a": 428_571}},
		"one says how much, the other does not":                    {[][]holding{all("a 0"), all("a 0 0.5")}, holders{"0 a": 500_000}},
		"one knows the tenant":                                     {[][]holding{all("a 0"), all("a/physics 0")}, holders{"0 a/physics": 1_000_000}},
		"they call the tenant differently":                         {[][]holding{all("a/physics 0 0.5"), all("a/1000 0", "a/1000 1")}, holders{"0 a/physics": 500_000, "1 a/physics": 1_000_000}},
		"pods of one name in two namespaces":                       {[][]holding{all("web-0/a 0", "web-0/b 0")}, holders{"0 web-0/a": 500_000, "0 web-0/b": 500_000}},
		"of the host":                                              {[][]holding{all("a host 0.25", "b/t host 0.5", "a 0")}, holders{"host a": 250_000, "host b/t": 500_000, "0 a": 1_000_000}},
		"more of the host than there is":                           {[][]holding{all("a host 0.9", "b host 0.9")}, holders{"host a": 500_000, "host b": 500_000}},
		"a job without a name":                                     {[][]holding{{{device: "0"}}}, holders{"0 job": 1_000_000}},
		"a board that is not there":                                {[][]holding{all("a GPU-00000000-1111-2222-3333-000000000000", "b 0")}, holders{"0 b": 1_000_000}},
		"a number that no board has":                               {[][]holding{all("a 8", "b 0", "b 1", "b 2", "b 3", "b 4", "b 5", "b 6 0.5")}, holders{"0 b": 1_000_000, "1 b": 1_000_000, "2 b": 1_000_000, "3 b": 1_000_000, "4 b": 1_000_000, "5 b": 1_000_000, "6 b": 500_000, "6 a": missing, "7 a": missing}},
		"an instance that nobody knows":                            {[][]holding{all("a MIG-?", "b MIG-3")}, holders{"1 a": missing, "1 b": 428_571, "2 a": missing, "3 a": missing}},
		"another finder understands it":                            {[][]holding{all("a 63"), all("a 2.7")}, holders{"2 a": 142_857}},
		"not known what is held of a board":                        {[][]holding{{{device: "4", unclear: true}}, all("b 5")}, holders{"4 job": missing, "5 b": 1_000_000}},
		"unclear, but another holds all of it":                     {[][]holding{{{device: "4", unclear: true}}, all("b 4")}, holders{"4 b": 1_000_000}},
		"nobody knows what a job holds":                            {[][]holding{{{job: "a", unclear: true}}, all("b 0", "b 2", "b 3", "b 4", "b 5", "b 6", "b 7")}, holders{"0 b": 1_000_000, "2 b": 1_000_000, "3 b": 1_000_000, "4 b": 1_000_000, "5 b": 1_000_000, "6 b": 1_000_000, "7 b": 1_000_000, "1 a": missing}},
		"one does not know what a job holds, another says nothing": {[][]holding{{{job: "a"}}, {{job: "a", unclear: true}}}, holders{}},
		"one says in two ways that a job is there":                 {[][]holding{{{job: "a"}, {job: "a", device: "99"}}, all("b 0", "b 1", "b 2", "b 3", "b 4", "b 5", "b 6")}, holders{"0 b": 1_000_000, "1 b": 1_000_000, "2 b": 1_000_000, "3 b": 1_000_000, "4 b": 1_000_000, "5 b": 1_000_000, "6 b": 1_000_000, "7 a": missing}},
		"one does not know what a job holds, another does":         {[][]holding{{{job: "a", unclear: true}}, all("a 0")}, holders{"0 a": 1_000_000}},
	} {
		t.Run(name, func(t *testing.T) { of(t, boardsOf(8, mig), tc.known...).expect(tc.want) })
	}
}

// An energy counter that all instances show, each as if it were its own, must not
// be counted once for each: a board's shares are those of one board.
func TestInstancesOfABoardAreNeverMoreThanIt(t *testing.T) {
	var seven []gpu.Instance
	for i := range 7 {
		seven = append(seven, gpu.Instance{UUID: fmt.Sprintf("MIG-%d", i), Index: i, Parts: 1, Of: 7})
	}
	var held []holding
	for i := range 7 {
		held = append(held, holding{job: fmt.Sprintf("pod-%d", i), device: fmt.Sprintf("MIG-%d", i)})
	}
	sum := int64(0)
	for _, v := range of(t, boardsOf(1, map[int][]gpu.Instance{0: seven}), held).read() {
		sum += v
	}
	if sum != Whole {
		t.Errorf("seven instances of a seventh are %d of a million", sum)
	}
}

func TestManyHoldingsAreNotKnown(t *testing.T) {
	var held []holding
	for i := range maxHoldings + 1 {
		held = append(held, holding{job: fmt.Sprint(i), device: "0"})
	}
	g := of(t, boardsOf(8, nil), held)
	g.expect(nil)
	g.describes("more than 512 holdings")
	g.s.finders[0].finder.(*told).held = held[:maxHoldings]
	if n := len(g.read()); n != maxHoldings {
		t.Errorf("%d jobs of %d", n, maxHoldings)
	}
}

// Whatever finders say: shares of a board are never more than the board, are all
// of it if anyone holds all of it, and the layout is valid. That is checked of
// each reading; here what they say is drawn.
func TestSharesOfWhateverIsSaid(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var boards []gpu.Identity
		for i := range rapid.IntRange(0, 4).Draw(rt, "boards") {
			b := boardsOf(i+1, nil)[i]
			if rapid.IntRange(0, 9).Draw(rt, "replaced") == 0 {
				b.Index = max(0, i-1)
			}
			for k := range rapid.IntRange(0, 3).Draw(rt, "instances") {
				b.Instances = append(b.Instances, gpu.Instance{UUID: fmt.Sprintf("MIG-%d-%d", i, k), Index: k,
					Parts: rapid.IntRange(-1, 8).Draw(rt, "parts"), Of: rapid.SampledFrom([]int{0, 4, 7}).Draw(rt, "of")})
			}
			boards = append(boards, b)
		}
		name := rapid.SampledFrom([]string{"a", "b", "c", "", "\xff\xfe", "d\x00\n", strings.Repeat("long", 100), strings.Repeat("ü", 200) + "1", strings.Repeat("ü", 200) + "2"})
		device := rapid.SampledFrom([]string{"", "0", "1", "2", "3", "9", "0.0", "0.1", "1.0", "1.7", uuid(0), uuid(1) + "::1", uuid(2) + "-3", "MIG-0-0", "MIG-1-1::2", "MIG-1-2", "MIG-none", "GPU-none", "00000000:10:00.0", "junk", "nvidia1", "nvidia0/gi1", "nvidia1/2g20gb-14-0", "card0"})
		drawn := rapid.Custom(func(rt *rapid.T) holding {
			h := holding{job: name.Draw(rt, "job"), tenant: name.Draw(rt, "tenant"), device: device.Draw(rt, "device"), unclear: rapid.IntRange(0, 9).Draw(rt, "unclear") == 0}
			if rapid.Bool().Draw(rt, "said") || h.device == "" && !h.unclear {
				h.share = rapid.Int64Range(1, Whole).Draw(rt, "share")
			}
			return h
		})
		naming := rapid.SampledFrom([]Naming{Keep, Hash, Omit})
		s := &Source{c: Config{Place: metric.Place{Host: "n1"}, Boards: func() []gpu.Identity { return boards }, Key: secret.Of("a key of some length"),
			Jobs: naming.Draw(rt, "jobs"), Tenants: naming.Draw(rt, "tenants")}, register: register{tree: tree.Under("/none")}}
		s.c.Logger = discard
		var known [][]holding
		for range rapid.IntRange(1, 3).Draw(rt, "finders") {
			held := rapid.SliceOfN(drawn, 0, 12).Draw(rt, "held")
			known = append(known, held)
			s.finders = append(s.finders, &asked{finder: &told{held: held}})
		}
		read := func() (*metric.Layout, holders, []metric.Raw) {
			l, values, err := s.Read(t.Context(), time.Now(), nil)
			if err != nil {
				rt.Fatal(err)
			}
			held, answers, err := show(l, values, boards)
			if err != nil || !answers {
				rt.Fatal(err, answers)
			}
			return l, held, values
		}
		l, held, values := read()

		// Who holds a board has shares of it, and all are held where one holds all.
		sums := map[int]int64{}
		some := map[int]bool{}
		at := 1
		for _, c := range l.Columns[1:] {
			for i := c.First; i < c.First+c.Count; i++ {
				if c.Metric == metric.JobGPUShare {
					for k := range boards {
						if boards[k].UUID == l.Entities[l.Entities[i].Parent].Name {
							some[k] = true
							sums[k] += int64(max(0, values[at]))
						}
					}
				}
				at++
			}
		}
		for _, finder := range known {
			for _, h := range finder {
				x, v := s.register.find(h.device)
				if h.device == "" || v != ours || h.unclear {
					continue
				}
				if !some[x.board] {
					rt.Errorf("%+v is not shown", h)
				}
				if x.part == "" && h.share%Whole == 0 && len(boards[x.board].Instances) == 0 && !explicit(s, known, h.job, x.board) && sums[x.board] != Whole {
					rt.Errorf("%+v holds all of board %d, of which %d are held", h, x.board, sums[x.board])
				}
			}
		}

		// Nothing changed.
		if again, same, _ := read(); again != l || !cmp.Equal(held, same) {
			rt.Error("another layout or other shares of the same")
		}
		// The order in which a finder says things says nothing, as long as a job
		// has one tenant.
		tenants := map[string]string{}
		for _, held := range known {
			for _, h := range held {
				if t, ok := tenants[h.job]; ok && t != h.tenant {
					return
				}
				tenants[h.job] = h.tenant
			}
		}
		r := rand.New(rand.NewSource(rapid.Int64().Draw(rt, "seed")))
		for _, f := range s.finders {
			x := f.finder.(*told)
			r.Shuffle(len(x.held), func(i, j int) { x.held[i], x.held[j] = x.held[j], x.held[i] })
		}
		if _, shuffled, _ := read(); !cmp.Equal(held, shuffled) {
			rt.Errorf("in another order: %s", cmp.Diff(held, shuffled))
		}
	})
}

// explicit reports whether any finder says how much of the board the job holds.
func explicit(s *Source, known [][]holding, job string, board int) bool {
	for _, held := range known {
		for _, h := range held {
			if x, v := s.register.find(h.device); h.device != "" && v == ours && h.job == job && x.board == board && (h.share%Whole != 0 || x.part != "") {
				return true
			}
		}
	}
	return false
}
