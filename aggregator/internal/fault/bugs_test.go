package fault

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A bug is a change of the product that breaks a promise: what it breaks must be noticed. It is
// made in a copy of the file, for the tests alone; mutant names the one that is awake.
type bug struct {
	name     string
	file     string // in the module
	old, new string
	seed     uint64 // that notices it
	by       string // the invariant
}

var bugs = []bug{
	{"no sequence check", "aggregator/internal/account/sequence.go",
		`next := first <= a.sequence+1 && b.Sequence > a.sequence`,
		`next := (first <= a.sequence+1 || mutant == "no sequence check") && b.Sequence > a.sequence`, 3, "I2"},
	{"duplicate booked", "aggregator/internal/account/sequence.go",
		`case b.Sequence <= a.sequence:`,
		`case b.Sequence <= a.sequence && mutant != "duplicate booked":`, 0, "I1"},
	{"reset ignored", "aggregator/internal/account/counter.go",
		`same := r.epoch == c.epoch || c.epoch == unknownEpoch`,
		`same := r.epoch == c.epoch || c.epoch == unknownEpoch || mutant == "reset ignored"`, 2, "I7"},
	{"glitch booked", "aggregator/internal/account/config.go",
		`return !ok || d <= most`,
		`return !ok || d <= most || mutant == "glitch booked"`, 1, "I1"},
	{"lifetime counted twice", "aggregator/internal/account/counter.go",
		`case same && onward && !s.resumes(n, &r, dt):`,
		`case same && onward && (mutant == "lifetime counted twice" || !s.resumes(n, &r, dt)):`, 22, "I1"},
	{"parts of a board summed", "aggregator/internal/account/plan.go",
		`d := Device{Kind: def.Entity, Name: l.Entities[e].Name,`,
		`d := Device{Kind: def.Entity, Name: named(&l.Entities[e]),`, 0, "I1"},
	{"hour split rounds down", "aggregator/internal/account/split.go",
		`for _, i := range order[:left] { // fewer`,
		`for _, i := range order[:left*uint64(1-awake("hour split rounds down"))] { // fewer`, 0, "I4"},
	{"estimate counted as measured", "aggregator/internal/account/hour.go",
		`	if estimate {
		c.estimated += amount`,
		`	if estimate && mutant != "estimate counted as measured" {
		c.estimated += amount`, 1, "I1"},
	{"alarm swallowed", "aggregator/internal/account/counter.go",
		`o.alarm(Quarantined, c.name,`,
		`o.unless("alarm swallowed", Quarantined, c.name,`, 1, "I7"},
	{"told before it is durable", "aggregator/internal/ledger/commit.go",
		`		err = l.writeSlot(l.buffer)`,
		`		if mutant != "told before it is durable" || l.generation%8 == 0 {
			err = l.writeSlot(l.buffer)
		} else {
			l.generation++
		}`, 1, "I2"},
	{"slot not synced", "aggregator/internal/ledger/disk.go",
		`	if err := d.Sync(tmp); err != nil {`,
		`	if mutant == "slot not synced" {
	} else if err := d.Sync(tmp); err != nil {`, 1, "I4"},
	{"stale slot loaded", "aggregator/internal/ledger/slot.go",
		`found[1].generation > found[0].generation {`,
		`(found[1].generation > found[0].generation) != (mutant == "stale slot loaded") {`, 0, "I2"},
	{"seal edited", "aggregator/internal/ledger/commit.go",
		`name := hourFile(x.site, x.number, len(g.hours[x.number]))`,
		`name := hourFile(x.site, x.number, len(g.hours[x.number])*(1-awake("seal edited")))`, 5, "I5"},
	{"spool trimmed on send", "collector/agent/ledger_flow.go",
		`	if l.passing != nil && l.message.Parse(frame) == nil {`,
		`	if mutant == "spool trimmed on send" {
		l.queue.Ack(sequence)
	}
	if l.passing != nil && l.message.Parse(frame) == nil {`, 3, "I2"},
	{"zombie accepted", "aggregator/internal/account/sequence.go",
		`case b.Incarnation < a.incarnation:`,
		`case b.Incarnation < a.incarnation && mutant != "zombie accepted":`, 0, "I2"},
	{"later life taken on early", "aggregator/internal/account/sequence.go",
		`early := a.sequence > 0 &&`,
		`early := a.sequence > 0 && mutant != "later life taken on early" &&`, 4320, "I2"},
	{"sealed hour booked again", "aggregator/internal/account/hour.go",
		`late: number < s.next, opened`,
		`late: number < s.next && mutant != "sealed hour booked again", opened`, 44, "I5"},
	{"failed sync believed by the spool", "collector/internal/spool/sync.go",
		`if e := f.Sync(); e != nil && err == nil {`,
		`if e := f.Sync(); e != nil && err == nil && mutant != "failed sync believed by the spool" {`, 20, "I2"},
	{"checksums of the spool not looked at", "collector/internal/spool/frame.go",
		`!= binary.LittleEndian.Uint32(b[n-4:]) {`,
		`!= binary.LittleEndian.Uint32(b[n-4:]) && mutant != "checksums of the spool not looked at" {`, 0, "I2"},
	{"never sent again", "collector/agent/ledger_flow.go",
		`if l.sent > l.acked && now.Sub(l.progress).Abs()`,
		`if mutant != "never sent again" && l.sent > l.acked && now.Sub(l.progress).Abs()`, 3, "I6"},
}

// asleep is what a package with bugs has besides.
const asleep = `package %s

import "os"

var mutant = os.Getenv("FAULT_BUG")

func awake(name string) int {
	if mutant == name {
		return 1
	}
	return 0
}
`

const asleepAccount = `
func named(e *metric.Entity) string {
	if e.Kind == metric.GPU && mutant == "parts of a board summed" {
		return e.Name + "/" + e.Label("gpu")
	}
	return e.Name
}

func (o *Outcome) unless(name string, k AlarmKind, device, detail string) {
	if mutant != name {
		o.alarm(k, device, detail)
	}
}
`

// TestSeededBugsAreNoticed builds these tests with the bugs in the product, wakes one after the
// other, and says which invariant broke. FAULT_SEARCH=n looks for the first of n seeds that
// notices before it takes the one that is known to.
func TestSeededBugsAreNoticed(t *testing.T) {
	if os.Getenv("FAULT_BUG") != "" {
		t.Skip("one is awake")
	}
	if testing.Short() {
		t.Skip("it builds the product once more")
	}
	program := buildWithBugs(t)
	noticed := regexp.MustCompile(`_test\.go:\d+: ((?:I\d|oracle): .*|the aggregator does not start.*)`)
	var list strings.Builder
	for _, b := range bugs {
		known := [2]uint64{b.seed, 1}
		tries := [][2]uint64{known, {0, 40}}
		if n := number("FAULT_SEARCH", 0); n > 0 {
			tries = [][2]uint64{{0, n}, known}
		}
		how := ""
		for _, try := range tries {
			c := exec.Command(program, "-test.run=^TestFaults$", "-test.timeout=3m", "-test.parallel=1")
			c.Env = append(os.Environ(), "FAULT_BUG="+b.name, "FAULT_MOST=1", "FAULT_SEED=", "FAULT_TRACE=", "FAULT_BARE=1",
				fmt.Sprint("FAULT_FROM=", try[0]), fmt.Sprint("FAULT_SEEDS=", try[1]))
			out, err := c.CombinedOutput()
			if err == nil {
				continue
			}
			m := noticed.FindSubmatch(out)
			if m == nil {
				t.Fatalf("%s: %v\n%.3000s", b.name, err, out)
			}
			seed := regexp.MustCompile(`FAULT_SEED=(\d+)`).FindSubmatch(out)
			if seed == nil {
				seed = [][]byte{nil, []byte("?")}
			}
			how = fmt.Sprintf("seed %s: %s", seed[1], m[1])
			if try == known && !strings.HasPrefix(string(m[1]), b.by) {
				t.Errorf("%s: not noticed by %s: %.150s", b.name, b.by, how)
			}
			break
		}
		if how == "" {
			t.Errorf("%s: nothing noticed it", b.name)
			how = "NOT NOTICED"
		}
		fmt.Fprintf(&list, "\n%-36s %.150s", b.name, how)
	}
	t.Logf("%d bugs%s", len(bugs), list.String())
}

// buildWithBugs is these tests, of a product with all of the bugs asleep.
func buildWithBugs(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	put := func(name, text string) {
		path := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, name)] = path
	}
	texts := map[string]string{}
	for _, b := range bugs {
		if texts[b.file] == "" {
			text, err := os.ReadFile(filepath.Join(root, b.file))
			if err != nil {
				t.Fatal(err)
			}
			texts[b.file] = string(text)
		}
		if n := strings.Count(texts[b.file], b.old); n != 1 {
			t.Fatalf("%s: %s has %d times what it changes", b.name, b.file, n)
		}
		texts[b.file] = strings.Replace(texts[b.file], b.old, b.new, 1)
		folder := filepath.Dir(b.file)
		more := fmt.Sprintf(asleep, filepath.Base(folder))
		if filepath.Base(folder) == "account" {
			more = strings.Replace(more, `import "os"`, "import (\n\t\"os\"\n\n\t\"github.com/gigawatch/gigawatch/collector/metric\"\n)", 1) + asleepAccount
		}
		put(folder+"/mutant.go", more)
	}
	for name, text := range texts {
		put(name, text)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	put("overlay.json", string(overlay))
	program := filepath.Join(dir, "fault.test")
	c := exec.Command("go", "test", "-c", "-tags", "dedupelabels", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, ".")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build with bugs: %v\n%s", err, out)
	}
	return program
}
