package rule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// saveEvery is how long what nobody was told of may be unsaved.
const saveEvery = 5 * time.Second

// saveAll is how often it is saved in any case, so that it shows when receivers were
// last told.
const saveAll = 2 * time.Minute

// The file is a line that says of what version it is and what the rest sums up to,
// and JSON.
const heading = "gigawatch-alerts 1 "

type keptAlert struct {
	Rule     string            `json:"rule"`
	Labels   map[string]string `json:"labels"`
	Bits     uint64            `json:"bits,omitempty"`
	Phase    Phase             `json:"phase"`
	Since    int64             `json:"since"`
	Due      int64             `json:"due,omitempty"`
	Fired    int64             `json:"fired,omitempty"`
	Lapsed   int64             `json:"lapsed,omitempty"`
	Ended    int64             `json:"ended,omitempty"`
	Sent     int64             `json:"sent,omitempty"`
	Until    int64             `json:"until,omitempty"`
	Held     int64             `json:"held,omitempty"`
	Value    *float64          `json:"value,omitempty"` // left out: it is no number
	Evidence string            `json:"evidence,omitempty"`
	Advice   string            `json:"advice,omitempty"`
	Reason   string            `json:"reason,omitempty"`
	Parent   map[string]string `json:"parent,omitempty"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// load takes up what was kept. A file that cannot be used is put aside and said:
// what still stands fires anew, and receivers know it by its labels.
func (e *Evaluator) load(now time.Time) error {
	if e.c.File == "" {
		return nil
	}
	if at, err := os.Stat(e.c.File); err == nil {
		e.stale = now.Sub(at.ModTime()) > saveAll+time.Minute
	}
	var kept []keptAlert
	whole, err := readKept(e.c.File, "alerts", e.log, func(b []byte) (err error) { kept, err = decode(b); return err })
	e.forgot = !whole
	if err != nil {
		return err
	}
	byName := map[string]*compiled{}
	for _, c := range e.rules {
		byName[c.Name] = c
	}
	for i := range kept {
		e.restore(&kept[i], byName[kept[i].Rule], now.UnixMilli())
	}
	return nil
}

// readKept takes up what a file kept; nothing if there is none. One that cannot be used is
// put aside and said, and whole is false.
func readKept(file, what string, log *slog.Logger, take func([]byte) error) (whole bool, err error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return true, fmt.Errorf("read %s: %w", what, err)
	}
	if err := take(b); err != nil {
		aside := file + ".damaged"
		log.Error("what was kept cannot be read and is put aside", "of", what, "error", err, "file", aside)
		return false, os.Rename(file, aside)
	}
	return true, nil
}

func decode(b []byte) (kept []keptAlert, err error) {
	rest, err := summedBy(heading, b)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(rest, &kept); err != nil {
		return nil, err
	}
	return kept[:min(len(kept), mostAlerts)], nil
}

// summed is b as the rest of a file that begins with heading and what b sums up to.
func summed(heading string, b []byte) []byte {
	return append(fmt.Appendf(nil, "%s%08x\n", heading, crc32.Checksum(b, castagnoli)), b...)
}

// summedBy is the rest of such a file, if it is whole.
func summedBy(heading string, b []byte) (rest []byte, err error) {
	line, rest, _ := bytes.Cut(b, []byte("\n"))
	sum, ok := strings.CutPrefix(string(line), heading)
	if !ok {
		return nil, errors.New("it does not begin as one of this version does")
	}
	if is := fmt.Sprintf("%08x", crc32.Checksum(rest, castagnoli)); is != sum {
		return nil, fmt.Errorf("its sum is %s and should be %s", is, sum)
	}
	return rest, nil
}

func (e *Evaluator) restore(k *keptAlert, c *compiled, now int64) {
	x := pairs(k.Labels)
	a := &alert{
		id: x.id(), labels: x, rule: c, place: place{x.get("site"), x.get("hall"), x.get("rack"), x.get("host"), x.get("uuid")},
		bits: k.Bits, phase: min(k.Phase, Ended), since: k.Since, due: k.Due, fired: k.Fired, lapsed: k.Lapsed, ended: k.Ended, sent: k.Sent, until: k.Until, held: k.Held,
		value: k.number(), evidence: k.Evidence, advice: k.Advice, reason: k.Reason, restored: k.Bits != 0, orphaned: now, known: now,
	}
	if a.phase == Firing && now-a.sent > starting.Milliseconds() { // who was told has long ended it
		a.phase = Pending
	}
	if len(k.Parent) > 0 {
		a.parent = pairs(k.Parent).id()
	}
	if c == nil || x.get("severity") != c.Severity.String() || x.get("owner") != string(c.Owner) { // the table has it no more
		a.rule = &compiled{Rule: &table.Rule{Name: k.Rule}}
		a.bits, a.lapsed, a.restored = 0, 1, false // it need not be held
	}
	if a.restored {
		if a.phase == Firing {
			e.caps.spent(a, now)
		}
		e.restored++
		if s := e.site(a.place.site); s != nil && c.silence != "" {
			at := place{hall: a.place.hall, rack: a.place.rack, host: a.place.host}
			if c.silence == table.SilentRack {
				at = at.inRack()
			}
			s.active[quiet{c.silence, at}] = a
		}
	}
	e.alerts[a.id] = a
	e.remain(a)
}

func pairs(m map[string]string) (x identity) {
	for name, value := range m {
		x = append(x, metric.Pair{Name: name, Value: value})
	}
	slices.SortFunc(x, func(a, b metric.Pair) int { return strings.Compare(a.Name, b.Name) })
	return x
}

func byName(x []metric.Pair) map[string]string {
	m := make(map[string]string, len(x))
	for _, p := range x {
		m[p.Name] = p.Value
	}
	return m
}

// save replaces the file if the set changed and it is due, or somebody is about to
// be told.
func (e *Evaluator) save(now time.Time, force bool) (err error) {
	if e.c.File == "" {
		return nil
	}
	e.saving.Lock()
	defer e.saving.Unlock()
	if !force && now.Sub(e.saved) < saveEvery && !now.Before(e.saved) {
		return nil
	}
	kept := e.keep(now.Sub(e.saved) >= saveAll)
	if kept == nil {
		return nil
	}
	e.saved = now
	defer func() {
		if err != nil {
			err = fmt.Errorf("keep alerts: %w", err)
			e.mu.Lock()
			e.dirty = true
			e.mu.Unlock()
		}
	}()
	b, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	return durable.Replace(e.c.File, summed(heading, b), 0o600)
}

// keep is a copy of the set; nil if it is as it was saved, but for when it was sent
// unless that is wanted, too.
func (e *Evaluator) keep(all bool) []keptAlert {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.dirty && (!all || len(e.alerts) == 0) {
		return nil
	}
	e.dirty = false
	kept := make([]keptAlert, 0, len(e.alerts))
	for _, a := range e.alerts {
		k := keptAlert{a.rule.Name, byName(a.labels), a.bits, a.phase, a.since, a.due, a.fired, a.lapsed, a.ended, a.sent, a.until, a.held, finite(a.value), a.evidence, a.advice, a.reason, nil}
		if p := e.alerts[a.parent]; p != nil {
			k.Parent = byName(p.labels)
		}
		kept = append(kept, k)
	}
	return kept
}

// finite is v as JSON can hold it: what is no number is left out.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func (k *keptAlert) number() float64 {
	if k.Value == nil {
		return math.NaN()
	}
	return *k.Value
}
